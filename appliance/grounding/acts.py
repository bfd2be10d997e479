"""What a statement does rather than tells: it recommends, asks, or takes a relative for the patient."""

from collections.abc import Sequence

from appliance.clinical.document import Finding, FindingKind
from appliance.clinical.source import Speaker
from appliance.grounding.content import Carried
from appliance.grounding.index import SourceIndex
from appliance.grounding.quotes import label, quoted
from appliance.grounding.statement import Reading
from appliance.grounding.tokens import Token, stem, words

# The act of advising, as a note has it.
_ADVISES = frozenset(
    map(stem, words("recommend recommended advise advised suggest suggested instruct instructed counsel counseled"))
)
# How a clinician says it: "you should", "let's", "we'll", "make sure".
_DIRECTS = frozenset(
    words(
        "should need needs recommend recommended recommends recommending suggest suggested advise advised let's lets"
        " we'll i'll you'll try must please sure continue keep avoid stop start schedule refer order prescribe"
        " prescribed instructed encourage counsel consider plan going gonna gon will 'll take"
        " come follow return call make told"
    )
)
_ADDRESSED = frozenset(words("you your yours you're"))
_RELATIVES = frozenset(
    words("wife husband mother father mom dad son daughter sister brother spouse grandmother aunt uncle")
)
_SELF = frozenset(words("i'm am"))
_AROUND, _HEADING = 1, 10


def check(reading: Reading, carried: Sequence[Carried], indexes: Sequence[SourceIndex]) -> list[Finding]:
    """Return advice that nobody gave, words given to another speaker, and a relative in the place of the patient."""
    return [
        *_advice(reading, carried, indexes),
        *_other_speaker(reading, indexes),
        *_other_person(reading, indexes),
    ]


def _advice(reading: Reading, carried: Sequence[Carried], indexes: Sequence[SourceIndex]) -> list[Finding]:
    """Advice needs somebody who gives it, near what it is about; a patient who speaks of a thing has not advised it."""
    tokens = reading.tokens
    heading = next((at for at, token in enumerate(tokens[:_HEADING]) if token.text == ":"), 0)
    verbs = [
        at
        for at, token in enumerate(tokens)
        if token.stem in _ADVISES and at >= heading and not (at and tokens[at - 1].text in ("the", "as"))
    ]
    about = [place for found in carried for place in found.places]
    if not verbs or not about or any(_directed(indexes[number], at) for number, at in about):
        return []
    return [reading.finding(FindingKind.UNSUPPORTED, verbs[0], verbs[0] + 1, "nobody advises it")]


def _directed(index: SourceIndex, at: int) -> bool:
    middle = index.passage_at(at)
    for passage in range(max(0, middle - _AROUND), min(len(index.passages), middle + _AROUND + 1)):
        if index.passages[passage].speaker is Speaker.PATIENT:
            continue
        low, high = index.bounds(passage)
        asking = index.tokens[high - 1].text == "?"
        if not asking and any(token.text in _DIRECTS for token in index.tokens[low:high]):
            return True
    return False


def _other_speaker(reading: Reading, indexes: Sequence[SourceIndex]) -> list[Finding]:
    """A question to somebody else that is given to the one who was asked."""
    speaker, begin = label(reading.tokens)
    if speaker is None or not _ADDRESSED & {token.text for token in reading.tokens[begin:]}:
        return []
    found = quoted(reading, indexes)
    if found is None:
        return []
    number, at = found
    told = indexes[number].passages[indexes[number].passage_at(at)].speaker
    if told in (speaker, None, Speaker.UNKNOWN):
        return []
    return [reading.finding(FindingKind.UNSUPPORTED, 0, 1, "somebody else says it")]


def _other_person(reading: Reading, indexes: Sequence[SourceIndex]) -> list[Finding]:
    """The patient is called somebody's wife, and no patient says so."""
    tokens = reading.tokens
    if not tokens or tokens[0].text not in ("patient", "the", "pt"):
        return []
    named = next((at for at in range(min(2, len(tokens))) if tokens[at].text in ("patient", "pt")), None)
    if named is None or named + 1 >= len(tokens) or tokens[named + 1].text not in (":", "is", "was"):
        return []
    for at in range(named + 2, min(named + 7, len(tokens))):
        if tokens[at].text in (",", ".", "with", "has", "and", "who", "'s"):
            break
        if tokens[at].text in _RELATIVES and (at == named + 2 or _owned(tokens[at - 1])):
            if not any(_says_of_self(index, tokens[at].stem) for index in indexes):
                return [reading.finding(FindingKind.DEMOGRAPHIC, at, at + 1, "not the patient")]
            break
    return []


def _owned(token: Token) -> bool:
    return token.text in ("his", "her", "the", "a") or token.text.endswith("'s")


def _says_of_self(index: SourceIndex, relative: str) -> bool:
    for at in index.places([f"w:{relative}"]):
        before = {token.text for token in index.tokens[max(0, at - 4) : at]}
        if index.passages[index.passage_at(at)].speaker is Speaker.PATIENT and _SELF & before:
            return True
    return False
