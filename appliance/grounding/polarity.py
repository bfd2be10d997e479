"""Whether a text affirms, denies or leaves open what it names; a question is settled by its answer."""

from collections.abc import Sequence
from enum import Enum
from itertools import pairwise

from appliance.clinical.source import Speaker
from appliance.grounding.index import SourceIndex
from appliance.grounding.tables import tables
from appliance.grounding.tokens import SENTENCE_ENDS, Token, words


class Polarity(Enum):
    """What is said of a thing. `open`: asked and not plainly answered; `hedged`: said to be possible."""

    AFFIRMED = "affirmed"
    DENIED = "denied"
    HEDGED = "uncertain"
    OPEN = "asked, not answered"


_DENIALS = frozenset(
    words(
        "no not never without denies denied deny denying negative none neither nor absent "
        "absence cannot free n't dont doesnt"
        " didnt isnt wasnt havent hasnt cant wont nothing"
    )
)
_BREAKS = frozenset(
    words(
        "but however except though although reports reported states stated complains complained "
        "admits admitted endorses"
        " endorsed positive because until besides other"
    )
)
_BREAK_VERBS = frozenset(words("has is was does"))
_BEHIND = frozenset(words("negative absent denied none nonexistent noncontributory"))
_HEDGES = frozenset(
    words("may might maybe possible possibly probable probably suspect suspected suspicious perhaps concern")
)
_SUBJECTS = frozenset(words("i he she it they that you we my his her there , . just"))
_YES = frozenset(
    words("yes yeah yep yup mhm mmhmm uhhuh correct definitely exactly absolutely sometimes sure right occasionally ya")
)
_NO = frozenset(
    words(
        "no nope nah never none neither nothing not don't didn't haven't hasn't doesn't isn't wasn't n't negative nay"
    )
)
_UNSURE = (
    ("not", "sure"),
    ("don't", "know"),
    ("n't", "know"),
    ("don't", "remember"),
    ("n't", "remember"),
    ("don't", "think"),
)
_ASKING = frozenset(words("any do does did have has had are is was were can could ever what how when where which who"))
_YOU = frozenset(words("you he she it they your any there your the anyone anybody"))
# How far a denial reaches in speech, which has few full stops. Chosen on the odd MTS-Dialog rows.
REACH = 14


def _is_denial(text: str) -> bool:
    return text in _DENIALS or text.endswith("n't")


def spoken_of(tokens: Sequence[Token], first: int, last: int, low: int, high: int, reach: int = 10_000) -> Polarity:
    """Return what a sentence [low, high) says of tokens [first, last), by the words around them."""
    if tokens[first].stem in tables().negated:
        return Polarity.DENIED
    hedged = False
    denials = 0
    for at in range(first - 1, max(low, first - reach) - 1, -1):
        text = tokens[at].text
        if text in _BREAKS or (text in _BREAK_VERBS and first - at > 2 and not _denied_verb(tokens, at, low)):
            if text in _BREAK_VERBS and at + 1 < first and _is_denial(tokens[at + 1].text):
                continue
            break
        if text in _HEDGES:
            hedged = True
        if not _is_denial(text) or (text == "free" and tokens[at + 1].text != "of"):
            continue
        following = tokens[at + 1].text if at + 1 < len(tokens) else ""
        if text in ("no", "none", "nope", "not") and following in (_SUBJECTS if text != "not" else ("only", "just")):
            break  # an answer, not a denial of what follows
        denials += 1
        if text != "nor" and not (at > low and _is_denial(tokens[at - 1].text)):
            break
    if denials:
        return Polarity.DENIED
    for at in range(last, min(high, last + 5)):
        if tokens[at].text in _BEHIND and not (at + 1 < high and tokens[at + 1].text in ("for", "of")):
            return Polarity.DENIED
        if tokens[at].text in (",", "and", "or", "but"):
            break
    behind = [token.text for token in tokens[last : min(high, last + 6)] if token.text not in "*_"]
    if behind[:1] == [":"] and behind[1:2] in (["no"], ["none"], ["never"], ["not"]):
        return Polarity.DENIED  # a filled-in list: "Headaches: no"
    return Polarity.HEDGED if hedged else Polarity.AFFIRMED


def _denied_verb(tokens: Sequence[Token], at: int, low: int) -> bool:
    """Whether a verb itself stands under a denial: "does not", "is not", "never was"."""
    return any(_is_denial(tokens[place].text) for place in (at - 1, at + 1) if low <= place < len(tokens))


def sentence(tokens: Sequence[Token], at: int, low: int, high: int) -> tuple[int, int]:
    """Return the sentence [first, last) around a token, within [low, high); the mark that ends it is part of it."""
    first = at
    while first > low and not _ends(tokens, first - 1):
        first -= 1
    last = at
    while last < high and not _ends(tokens, last):
        last += 1
    return first, min(high, last + 1)


def _ends(tokens: Sequence[Token], at: int) -> bool:
    token = tokens[at]
    if token.text not in SENTENCE_ENDS:
        return False
    return not (token.text == "." and at > 0 and tokens[at - 1].text in ("dr", "mr", "mrs", "ms", "vs", "approx"))


def _asked(tokens: Sequence[Token], at: int, low: int, high: int, end: int) -> bool:
    """Whether a sentence is a question: by its mark, or, in speech without marks, by how it turns to the listener."""
    if tokens[high - 1].text == "?":
        return True
    if tokens[high - 1].text in (".", "!") or end - at > 18:
        return False
    for place in range(max(low, at - 16), at):
        if tokens[place].text in _ASKING and tokens[place + 1].text in _YOU:
            return True
        if tokens[place].text == "any" and at - place < 10:
            return True
    return False


def _answer(index: SourceIndex, passage: int) -> Polarity:
    """Read the first words of the passages after a question."""
    speaker = index.passages[passage].speaker
    for number in range(passage + 1, min(passage + 3, len(index.passages))):
        if speaker not in (None, Speaker.UNKNOWN) and index.passages[number].speaker is speaker:
            continue
        low, high = index.bounds(number)
        words = [token.text for token in index.tokens[low : min(high, low + 12)] if token.kind != "m"]
        pairs = list(pairwise(words))
        if any(pair in pairs[:6] for pair in _UNSURE):
            return Polarity.OPEN
        for word in words[:8]:
            if word in _NO or word.endswith("n't"):
                return Polarity.DENIED
            if word in _YES:
                return Polarity.AFFIRMED
        for pair in pairs[:4]:
            if pair in (
                ("i", "do"),
                ("i", "am"),
                ("i", "have"),
                ("i", "did"),
                ("i", "was"),
                ("he", "does"),
                ("she", "does"),
            ):
                return Polarity.AFFIRMED
        return Polarity.OPEN
    return Polarity.OPEN


def in_source(index: SourceIndex, at: int, reach: int = REACH) -> tuple[Polarity, int]:
    """Return what a source says of the term at a token, and the passage that settles it."""
    passage = index.passage_at(at)
    low, high = index.bounds(passage)
    first, last = sentence(index.tokens, at, low, high)
    said = spoken_of(index.tokens, at, at + 1, first, last, reach)
    if _asked(index.tokens, at, first, last, high):
        answered = _answer(index, passage)
        if said is Polarity.DENIED and answered is Polarity.AFFIRMED and index.tokens[last - 1].text != "?":
            return Polarity.DENIED, passage  # "so no fever then" - "right"
        return answered, min(passage + 1, len(index.passages) - 1)
    return said, passage
