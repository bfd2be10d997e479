"""What a statement does rather than tells: it recommends, asks, greets, or takes a relative for the patient."""

from collections.abc import Sequence

from appliance.clinical.document import Finding, FindingKind
from appliance.clinical.source import Speaker
from appliance.grounding.content import Carried, Place
from appliance.grounding.index import SourceIndex
from appliance.grounding.statement import Reading
from appliance.grounding.tokens import SENTENCE_ENDS, Token, stem, words

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
# Words that tell nothing: a reader loses nothing when they are left out, and is told nothing when they stand there.
_FILLERS = frozenset(
    words(
        "okay ok alright all right sure thanks thank you so much very good great morning afternoon evening day hello hi"
        " bye goodbye welcome please nice to meet see doctor sir madam ma'am miss take care a have i the well then oh"
        " you're perfect sounds wonderful"
    )
)
_LABELS: dict[str, Speaker] = {
    "patient": Speaker.PATIENT, "doctor": Speaker.CLINICIAN, "clinician": Speaker.CLINICIAN,
    "physician": Speaker.CLINICIAN, "provider": Speaker.CLINICIAN,
}  # fmt: skip
_ADDRESSED = frozenset(words("you your yours you're"))
_RELATIVES = frozenset(
    words("wife husband mother father mom dad son daughter sister brother spouse grandmother aunt uncle")
)
_SELF = frozenset(words("i'm am"))
# What is looked at for a copied line: no question that somebody asks has more words.
_MAX_WORDS, _MAX_PLACES = 60, 40
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


def _label(tokens: Sequence[Token]) -> tuple[Speaker | None, int]:
    """Return whom a line of a dialogue is given to ("Patient: ..."), and where its words begin."""
    if len(tokens) > 2 and tokens[1].text == ":" and tokens[0].text in _LABELS:
        return _LABELS[tokens[0].text], 2
    return None, 0


def quoted(reading: Reading, indexes: Sequence[SourceIndex]) -> Place | None:
    """Return where a question or a greeting of the statement was copied from, word for word.

    Such a line tells nothing of the patient: what is held against the sources is whether it was said. With one word
    changed it is read like any other statement.
    """
    _, begin = _label(reading.tokens)
    own = reading.tokens[begin:]
    spoken = [token.stem for token in own if token.kind != "m"]
    if not spoken or len(spoken) > _MAX_WORDS or any(token.text in SENTENCE_ENDS for token in own[:-1]):
        return None
    question = own[-1].text == "?"
    if not question and not all(token.text in _FILLERS for token in own if token.kind != "m"):
        return None
    for number, index in enumerate(indexes):
        rarest = min(range(len(spoken)), key=lambda at: len(index.postings.get(f"w:{spoken[at]}", ())))
        for at in index.places([f"w:{spoken[rarest]}"])[:_MAX_PLACES]:
            first, last = _run(index, at, spoken, rarest)
            if last and (not question or "?" in {token.text for token in index.tokens[last : last + 2]}):
                return number, first
    return None


def _run(index: SourceIndex, at: int, spoken: Sequence[str], which: int) -> tuple[int, int]:
    """Return the tokens [first, last) of a passage that are these words, the one at `at` among them; else (0, 0)."""
    low, high = index.bounds(index.passage_at(at))
    first = at
    for word in reversed(spoken[:which]):
        first -= 1
        while first >= low and index.tokens[first].kind == "m":
            first -= 1
        if first < low or index.tokens[first].stem != word:
            return 0, 0
    last = at
    for word in spoken[which + 1 :]:
        last += 1
        while last < high and index.tokens[last].kind == "m":
            last += 1
        if last >= high or index.tokens[last].stem != word:
            return 0, 0
    return first, last + 1


def _other_speaker(reading: Reading, indexes: Sequence[SourceIndex]) -> list[Finding]:
    """A question to somebody else that is given to the one who was asked."""
    speaker, begin = _label(reading.tokens)
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
