"""A question of a source and what settles it: how it asks, and how the next turns answer."""

from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import pairwise

from appliance.clinical.source import Speaker
from appliance.grounding.index import SourceIndex
from appliance.grounding.tokens import Token, words


class Answer(Enum):
    """How a question was answered. `open`: not, or neither way."""

    YES = "yes"
    NO = "no"
    OPEN = "open"


_YES = frozenset(
    words(
        "yes yeah yep yup mhm mmhmm uhhuh correct definitely exactly absolutely sometimes sure right occasionally ya"
        " yea certainly"
    )
)
_NO = frozenset(
    words(
        "no nope nah never none neither nothing not don't didn't haven't hasn't doesn't isn't wasn't n't negative nay"
        " nobody"
    )
)
# "Absolutely not" begins like a yes.
_STRESS = frozenset(words("definitely absolutely certainly sure exactly"))
_UNSURE = frozenset(
    {
        ("not", "sure"), ("don't", "know"), ("n't", "know"), ("don't", "remember"), ("n't", "remember"),
        ("don't", "think"), ("not", "certain"),
    }
)  # fmt: skip
_SAYS_SO = frozenset({("i", "do"), ("i", "did"), ("he", "does"), ("she", "does"), ("a", "little"), ("a", "bit")})
# "I have." answers; "I have a drink now and then" says something of its own.
_MAY_SAY_SO = frozenset(
    {("i", "am"), ("i", "have"), ("i", "was"), ("she", "is"), ("he", "is"), ("she", "has"), ("he", "has")}
)
_ASKING = frozenset(words("any do does did have has had are is was were can could ever what how when where which who"))
_YOU = frozenset(words("you he she it they your any there your the anyone anybody"))
# Questions that take what they ask about for given: "where is your pain?" is asked of somebody in pain.
_GIVEN = frozenset(words("where when why which what who whose how"))
_NOT_GIVEN = frozenset({("how", "about"), ("what", "about"), ("what", "if")})
_FIRST_WORDS = 8
_MAX_TURNS = 6


def asked(tokens: Sequence[Token], at: int, low: int, high: int, end: int) -> bool:
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


def takes_for_given(tokens: Sequence[Token], low: int, at: int) -> bool:
    """Whether a question asks for more about a thing, so that it holds the thing itself for known."""
    texts = [token.text for token in tokens[low:at] if token.kind != "m"]
    return any(word in _GIVEN and (word, following) not in _NOT_GIVEN for word, following in pairwise([*texts[:6], ""]))


def turned_round(tokens: Sequence[Token], low: int, high: int) -> bool:
    """Whether a denying question begins with its verb: "don't you have a fever?" - "yes" affirms it.

    To "no fever, right?" and "so you are not allergic?" a yes agrees with the denial.
    """
    return any(token.text.endswith("n't") for token in tokens[low : min(high, low + 3)])


def turns_after(index: SourceIndex, passage: int) -> Iterator[int]:
    """Give the passages in which the one who was asked speaks next; of an unknown speaker, the next ones."""
    speaker = index.passages[passage].speaker
    for number in range(passage + 1, min(passage + 1 + _MAX_TURNS, len(index.passages))):
        if speaker in (None, Speaker.UNKNOWN) or index.passages[number].speaker is not speaker:
            yield number


def outer(index: SourceIndex, passage: int) -> int:
    """Return the question that a passage belongs to: to ask back ("heroin?") is part of the question before."""
    low, high = index.bounds(passage)
    if not passage or high - low > _FIRST_WORDS or index.tokens[high - 1].text != "?":
        return passage
    before = index.bounds(passage - 1)
    answered = index.passages[passage - 1].speaker is not index.passages[passage].speaker
    return passage - 1 if answered and index.tokens[before[1] - 1].text == "?" else passage


def answer(index: SourceIndex, passage: int) -> tuple[Answer, int]:
    """Read the first words of the answer to the question that ends a passage; say which passage it stands in."""
    for number in turns_after(index, passage):
        low, high = index.bounds(number)
        if high - low <= _FIRST_WORDS and index.tokens[high - 1].text == "?":
            continue  # "Drugs?" - "Yeah, like cocaine." - "Oh, that. No."
        spoken = [token.text for token in index.tokens[low : min(high, low + 12)] if token.kind != "m"]
        return _meant(spoken), number
    return Answer.OPEN, min(passage + 1, len(index.passages) - 1)


def _meant(spoken: Sequence[str]) -> Answer:
    pairs = list(pairwise([*spoken, ""]))
    if spoken[:1] in (["no"], ["nope"], ["nah"]) and {("don't", "think"), ("n't", "think")} & set(pairs[:6]):
        return Answer.NO  # "No, I don't think so."
    if _UNSURE & set(pairs[:6]):
        return Answer.OPEN
    for word, following in pairs[:_FIRST_WORDS]:
        if word in _NO or word.endswith("n't") or (word in _STRESS and following == "not"):
            return Answer.NO
        if word in _YES:
            return Answer.YES
    if _SAYS_SO & set(pairs[:4]) or _MAY_SAY_SO & set(pairs[-2:]):
        return Answer.YES
    return Answer.OPEN
