"""What a statement does rather than tells: it recommends, asks, or takes a relative for the patient."""

from collections.abc import Sequence

from appliance.clinical.document import Finding, FindingKind
from appliance.clinical.source import Speaker
from appliance.grounding.content import Carried
from appliance.grounding.index import SourceIndex
from appliance.grounding.quotes import label, quoted
from appliance.grounding.statement import Reading
from appliance.grounding.tables import tables
from appliance.grounding.tokens import SENTENCE_ENDS, Token, stem, words

# The act of advising, as a note has it.
_ADVISES = frozenset(
    words(
        "recommend recommends recommended advise advises advised suggest suggests suggested instruct instructs"
        " instructed counsel counseled counselled recommendation recommendations"
    )
)
# What is still to be done: "should avoid", "will be scheduled".
_PLANS = frozenset(words("should will must"))
# A line of a plan that begins with one of these orders something.
_ORDERS = frozenset(
    words(
        "consider maintain monitor schedule avoid continue follow refer order start stop ensure encourage recommend"
        " educate provide prescribe obtain check perform discuss keep take return seek limit increase decrease"
        " practice apply elevate rest administer advise assess evaluate review repeat begin initiate use make"
    )
)
# Share of what is ordered that somebody must speak of while directing.
_SHARE = 0.5
# How a clinician says it: "you should", "let's", "we'll", "make sure".
_DIRECTS = frozenset(
    words(
        "should need needs recommend recommended recommends recommending suggest suggested advise advised let's lets"
        " we'll i'll you'll try must please sure continue keep avoid stop start schedule refer order prescribe"
        " prescribed instructed encourage counsel consider plan going gonna gon will 'll take"
        " come follow return call make told want wanna ahead stay we'd"
    )
)
# Entries of a record that are orders themselves, by the words before their colon.
_ENTRIES = frozenset(map(stem, words("request plan careplan appointment order referral medication prescription")))
_TAGS = frozenset(words("okay ok right alright good"))
_ADDRESSED = frozenset(words("you your yours you're"))
_RELATIVES = frozenset(
    words("wife husband mother father mom dad son daughter sister brother spouse grandmother aunt uncle")
)
_NOT_SELF = frozenset(words("you he she they him her them"))
_SUFFERED = frozenset(
    words("was were been be is being should will must")
)  # "was referred": by whoever says "I referred him"
_SPEAKS = frozenset(words("i i'm i've i'd we we've we're"))
_MAX_LOOKED = 40
_SELF = frozenset(words("i'm am"))
_AROUND, _HEADING = 1, 10


def check(reading: Reading, carried: Sequence[Carried], indexes: Sequence[SourceIndex]) -> list[Finding]:
    """Return advice that nobody gave, words given to another speaker, and a relative in the place of the patient."""
    return [
        *_advice(reading, carried, indexes),
        *_other_speaker(reading, indexes),
        *_other_person(reading, indexes),
        *_other_self(reading, indexes),
    ]


def _advice(reading: Reading, carried: Sequence[Carried], indexes: Sequence[SourceIndex]) -> list[Finding]:
    """Advice needs somebody who gives it, near what it is about; a patient who speaks of a thing has not advised it."""
    tokens = reading.tokens
    heading = next((at for at, token in enumerate(tokens[:_HEADING]) if token.text == ":"), -1)
    verbs = [at for at, token in enumerate(tokens) if token.text in _ADVISES | _PLANS and at > heading]
    verbs = [at for at in verbs if not (at and tokens[at - 1].text in ("the", "as"))]
    opening = next((at for at in range(heading + 1, len(tokens)) if tokens[at].kind == "w"), None)
    named = [token.text for token in tokens[opening : opening + 4]] if opening is not None else []
    noun = named[:3] == ["follow", "-", "up"] and named[3:] in (["for"], ["of"])  # why somebody came
    if opening is not None and tokens[opening].text in _ORDERS and not noun:
        verbs.insert(0, opening)
    if not verbs:
        return []
    things = [found for found in carried if found.unit.group != "heading" and found.unit.first not in verbs]
    things = [found for found in things if found.unit.first > verbs[0]] or things
    turns = [_Turns(index) for index in indexes]
    given = sum(any(turns[number].direct(at) for number, at in found.places) for found in things)
    if not things or given >= _SHARE * len(things):
        return []
    return [reading.finding(FindingKind.UNSUPPORTED, verbs[0], verbs[0] + 1, "nobody advises it")]


class _Turns:
    """The turns of a source in which somebody directs, each read once for a statement."""

    def __init__(self, index: SourceIndex) -> None:
        self._index = index
        self._known: dict[int, bool] = {}

    def direct(self, at: int) -> bool:
        """Whether somebody but the patient directs in the turns around a token."""
        middle = self._index.passage_at(at)
        last = min(len(self._index.passages), middle + _AROUND + 1)
        return any(self._directs(passage) for passage in range(max(0, middle - _AROUND), last))

    def _directs(self, passage: int) -> bool:
        if passage not in self._known:
            self._known[passage] = self._read(passage)
        return self._known[passage]

    def _read(self, passage: int) -> bool:
        if self._index.passages[passage].speaker is Speaker.PATIENT:
            return False
        low, high = self._index.bounds(passage)
        if self._index.source.kind != "transcript" and any(
            token.stem in _ENTRIES for token in self._index.tokens[low : min(high, low + _HEADING)]
        ):
            return True
        directs = False
        for at in range(low, high):
            text = self._index.tokens[at].text
            directs |= text in _DIRECTS
            if text == "?" and self._index.tokens[at - 1].text not in _TAGS:
                directs = False  # a question orders nothing; "..., okay?" does
            elif directs and (text in SENTENCE_ENDS or at == high - 1):
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


def _other_self(reading: Reading, indexes: Sequence[SourceIndex]) -> list[Finding]:
    """The patient does what somebody else says of himself: "I got nervous and brought him in", said by a father."""
    tokens = [token for token in reading.tokens if token.kind != "m"]
    texts = [token.text for token in tokens]
    begin = 1 if texts[:1] == ["the"] else 0
    own = texts[:1] in (["i"], ["i'm"], ["i've"])  # without a label it is the patient or the author who speaks
    if not own and texts[begin : begin + 1] not in (["patient"], ["he"], ["she"]):
        return []
    behind = tokens[begin + 1 : begin + (8 if own else 4)]
    acts = [token for token in behind if token.text not in tables().stop][:1]
    if not acts or (not own and _SUFFERED & {token.text for token in behind}):
        return []
    said = [(index, at) for index in indexes for at in index.places([f"w:{acts[0].stem}"])[:_MAX_LOOKED]]
    said = [(index, at) for index, at in said if index.tokens[at].text == acts[0].text] or said
    if said and all(_of_other_self(index, at, own) for index, at in said):
        at = next(place for place, token in enumerate(reading.tokens) if token.text == texts[begin])
        return [reading.finding(FindingKind.DEMOGRAPHIC, at, at + 1, "somebody else says it of himself")]
    return []


def _of_other_self(index: SourceIndex, at: int, own: bool) -> bool:
    speaker = index.passages[index.passage_at(at)].speaker
    if speaker is not Speaker.OTHER and (own or speaker is not Speaker.CLINICIAN):
        return False
    low, _ = index.bounds(index.passage_at(at))
    before = [token.text for token in index.tokens[max(low, at - 3) : at]]
    return bool(_SPEAKS & set(before)) and not _NOT_SELF & set(before)


def _owned(token: Token) -> bool:
    return token.text in ("his", "her", "the", "a") or token.text.endswith("'s")


def _says_of_self(index: SourceIndex, relative: str) -> bool:
    for at in index.places([f"w:{relative}"]):
        before = {token.text for token in index.tokens[max(0, at - 4) : at]}
        if index.passages[index.passage_at(at)].speaker is Speaker.PATIENT and _SELF & before:
            return True
    return False
