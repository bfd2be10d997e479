"""Whether a text affirms, denies or leaves open what it names; a question is settled by its answer."""

from collections.abc import Sequence
from enum import Enum

from appliance.grounding.answers import Answer, answer, asked, outer, takes_for_given, turned_round
from appliance.grounding.index import SourceIndex
from appliance.grounding.tables import tables
from appliance.grounding.tokens import SENTENCE_ENDS, Token, words


class Polarity(Enum):
    """What is said of a thing. `open`: asked and not plainly answered; `hedged`: said to be possible.

    `neither`: the words around it settle something else (no relief of the pain, the pain has gone), so nothing is
    held against it.
    """

    AFFIRMED = "affirmed"
    DENIED = "denied"
    HEDGED = "uncertain"
    OPEN = "asked, not answered"
    NEITHER = "neither"


_DENIALS = frozenset(
    words(
        "no not never without denies denied deny denying negative none neither nor absent absence cannot free n't dont"
        " doesnt didnt isnt wasnt havent hasnt cant wont nothing"
    )
)
# Denials that another one turns round: "not without pain", "does not deny".
_TURNED = frozenset(words("without deny denies denying denied absent negative"))
_BREAKS = frozenset(
    words(
        "but however except though although reports reported states stated complains complained admits admitted"
        " endorses endorsed positive because until besides"
    )
)
_BREAK_VERBS = frozenset(words("has is was does"))
# A verb that begins the next part of a list of facts: "no alcohol and lives alone".
_CLAUSE_VERBS = frozenset(words("lives works takes uses walks sleeps eats presents smokes drinks had lived wears"))
_CLAUSE_SUBJECTS = frozenset(words("i he she we they"))
_BEHIND = frozenset(words("negative absent denied none nonexistent noncontributory"))
_NOT_THERE = frozenset(words("present seen noted found there identified evident detected observed appreciated"))
_HEDGES = frozenset(
    words("may might maybe possible possibly probable probably suspect suspected suspicious perhaps concern")
)
_SUBJECTS = frozenset(words("i he she it they that you we my his her there , . just"))
# What a denial on these words leaves standing: "did not help the pain" and "no change in vision" deny neither.
_EFFECTS = frozenset(
    words(
        "help helped helping helpful relief relieve relieved relieving improve improved improving improvement affect"
        " affected change changed changes changing interfere interferes control controlled controlling respond resolve"
        " resolved resolving alleviate alleviated alleviating worsen worsened worsening tolerate tolerated loss lack"
        " limitation deficit decrease decreased reduced diminished"
    )
)
_NOT_KNOWN = frozenset(words("know remember recall find tell sure certain"))
_GONE_BEFORE = frozenset(words("quit quitting stopped former formerly ex previously discontinued resolved off longer"))
_GONE_BEHIND = frozenset(words("gone resolved subsided anymore stopped disappeared quit discontinued"))
_GONE_REACH = 8
_CONDITIONS, _CONDITION_REACH = frozenset({"if", "unless", "whether"}), 8
# What is called "the pain" or "your surgery" is known, whatever is asked or supposed of it.
_KNOWN = frozenset(words("the this that these those my your his her their"))
_LIST_MARKS = frozenset(words(", or nor / and"))
_STILL = frozenset(words("still anymore"))
# An ordinary word behind one of these only says where or when what is denied happens.
_BARRIERS = frozenset(words("in at on during as into than when while until since"))
# How far a denial reaches in speech, which has few full stops. Chosen on the odd MTS-Dialog rows.
REACH = 14


def is_denial(text: str) -> bool:
    """Whether a word denies what follows it."""
    return text in _DENIALS or text.endswith("n't")


def spoken_of(
    tokens: Sequence[Token], first: int, last: int, low: int, high: int, reach: int = 10_000, ordinary: bool = False,
    question: bool = False,
) -> Polarity:  # fmt: skip
    """Return what a sentence [low, high) says of tokens [first, last), by the words around them.

    `ordinary`: a word that is no medical one; only a denial that stands on it directly counts.
    """
    if tokens[first].stem in tables().negated:
        return Polarity.DENIED
    if _gone(tokens, first, last, low, high):
        return Polarity.NEITHER
    behind = _said_behind(tokens, last, high)
    if behind is not None:
        return behind
    hedged, effect, barred = False, False, False
    subjects, run = 0, 0
    if _opens(tokens, first, low):
        low = first
    for at in range(first - 1, low - 1, -1):
        text, following = tokens[at].text, tokens[at + 1].text
        # A list carries its denial to its end: "no cough, wheezing, sore throat or hair loss".
        run = 0 if text in _LIST_MARKS else run + 1
        if _breaks(tokens, at, first, low) or run > reach or (not ordinary and first - at > reach):
            break
        barred |= ordinary and text in _BARRIERS
        if text in _CONDITIONS and _supposed(tokens, at, first, subjects, reach) and not question:
            return Polarity.HEDGED
        subjects += text in _CLAUSE_SUBJECTS
        hedged |= text in _HEDGES and not _counted(tokens, at, first)
        effect |= text in _EFFECTS
        if not is_denial(text) or (text == "free" and following != "of"):
            continue
        if text in ("no", "none", "nope", "not") and following in (_SUBJECTS if text != "not" else ("only", "just")):
            break  # an answer, not a denial of what follows
        turned = text in _TURNED and at > low and is_denial(tokens[at - 1].text) and tokens[at - 1].text != "no"
        if turned or (following in ("stop", "quit") and at + 1 < first):
            return Polarity.AFFIRMED  # "not without pain", "can't stop sneezing"
        if effect or barred or (following in _NOT_KNOWN and at + 1 < first):
            return Polarity.NEITHER
        likened = [token.text for token in tokens[last : min(high, last + 3)]]
        return Polarity.NEITHER if text == "never" and likened[:2] == ["like", "this"] else Polarity.DENIED
    if question and (effect or barred):
        return Polarity.NEITHER
    return Polarity.HEDGED if hedged else Polarity.AFFIRMED


def _supposed(tokens: Sequence[Token], at: int, first: int, subjects: int, reach: int) -> bool:
    """Whether an "if" supposes a thing: "if you get a fever", not "if it is due to the headache"."""
    if at and tokens[at - 1].text == "as":
        return False
    known = _KNOWN & {token.text for token in tokens[max(at, first - 2) : first]}
    return first - at <= max(_CONDITION_REACH, reach // 100) and subjects < 2 and not known


def _counted(tokens: Sequence[Token], at: int, first: int) -> bool:
    """Whether a hedge doubts only how much: "probably one drink a month"."""
    return any(
        token.kind == "n" or token.text in ("one", "two", "three", "a", "about", "once", "twice")
        for token in tokens[at + 1 : min(first, at + 4)]
    )


def _breaks(tokens: Sequence[Token], at: int, first: int, low: int) -> bool:
    """Whether what is denied before a token has nothing to do with what stands behind it."""
    text = tokens[at].text
    if text in _BREAKS or (text == "other" and tokens[at + 1].text == "than"):
        return True
    if _opens(tokens, at, low):
        return True
    return text in _BREAK_VERBS and first - at > 2 and not _denied_verb(tokens, at, low)


def _opens(tokens: Sequence[Token], at: int, low: int) -> bool:
    """Whether a token begins the next part of a sentence: "no alcohol and lives alone"."""
    opened = at > low and tokens[at - 1].text in (",", "and", "but", "so", ";")
    return opened and (tokens[at].text in _CLAUSE_SUBJECTS or tokens[at].text in _CLAUSE_VERBS)


def _denied_verb(tokens: Sequence[Token], at: int, low: int) -> bool:
    """Whether a verb itself stands under a denial: "does not", "is not", "never was"."""
    return any(is_denial(tokens[place].text) for place in (at - 1, at + 1) if low <= place < len(tokens))


def _gone(tokens: Sequence[Token], first: int, last: int, low: int, high: int) -> bool:
    """Whether a thing was once and is no more: both its affirmation and its denial are true then."""
    before = [token.text for token in tokens[max(low, first - 3) : first]]
    behind = [token.text for token in tokens[last : min(high, last + _GONE_REACH)]]
    if _GONE_BEFORE & {*before, *behind[:3]} or before[-2:] == ["used", "to"]:
        return True
    for at, text in enumerate(behind):
        if text in ("and", "or", ";") or is_denial(text):
            return False
        if text in _GONE_BEHIND or behind[at : at + 2] in (["went", "away"], ["goes", "away"], ["any", "more"]):
            return True
    return False


def _said_behind(tokens: Sequence[Token], last: int, high: int) -> Polarity | None:
    """Read a denial that stands behind its thing: "fever is absent", "pain-free", "Headaches: no"."""
    for at in range(last, min(high, last + 5)):
        text = tokens[at].text
        following = [token.text for token in tokens[at + 1 : min(high, at + 4)]]
        if text in _BEHIND and following[:1] not in (["for"], ["of"]):
            return Polarity.DENIED
        if text == "free" and at - last <= 1 and following[:1] not in (["of"], ["to"]):
            return Polarity.DENIED
        if (text == "not" or text.endswith("n't")) and _NOT_THERE & set(following):
            return Polarity.DENIED
        if text in (",", "and", "or", "but"):
            break
    behind = [token.text for token in tokens[last : min(high, last + 6)] if token.text not in "*_"]
    if behind[:1] == [":"] and behind[1:2] in (["no"], ["none"], ["never"], ["not"]):
        return Polarity.DENIED
    return None


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


def in_source(index: SourceIndex, at: int, reach: int = REACH, ordinary: bool = False) -> tuple[Polarity, int]:
    """Return what a source says of the term at a token, and the passage that settles it."""
    passage = index.passage_at(at)
    low, high = index.bounds(passage)
    tokens = index.tokens
    first, last = sentence(tokens, at, low, high)
    if not asked(tokens, at, first, last, high):
        return spoken_of(tokens, at, at + 1, first, last, reach, ordinary), passage
    said = spoken_of(tokens, at, at + 1, first, last, reach, ordinary, question=True)
    if said is Polarity.NEITHER:
        return said, passage
    answered, where = answer(index, outer(index, passage))
    if answered is Answer.NO and ordinary and takes_for_given(tokens, first, at):
        # "What is the reason for it?" - "I am not sure": the reason is not denied, unless the answer names it.
        denied = _repeated(index, at, where, reach) is Polarity.DENIED
        return (Polarity.DENIED if denied else Polarity.NEITHER), where
    if answered is Answer.NO:
        was = _STILL & {token.text for token in tokens[first:last]}  # "any more nausea?" - "no": there was some
        return (Polarity.NEITHER if was else Polarity.DENIED), where
    if answered is Answer.YES:
        agreed = said is Polarity.DENIED and not turned_round(tokens, first, last)
        return (Polarity.DENIED if agreed else Polarity.AFFIRMED), where
    repeated = _repeated(index, at, where, reach)
    if repeated is not None:
        return repeated, where
    return (Polarity.AFFIRMED if takes_for_given(tokens, first, at) else Polarity.OPEN), where


def _repeated(index: SourceIndex, at: int, passage: int, reach: int) -> Polarity | None:
    """Return what an answer that begins with neither yes nor no says of the thing it was asked for, by its name."""
    if passage == index.passage_at(at):
        return None
    low, high = index.bounds(passage)
    tokens, stem = index.tokens, index.tokens[at].stem
    for place in range(low, min(high, low + 3 * reach)):
        if tokens[place].stem != stem:
            continue
        first, last = sentence(tokens, place, low, high)
        if tokens[last - 1].text != "?":
            return spoken_of(tokens, place, place + 1, first, last, reach)
    return None
