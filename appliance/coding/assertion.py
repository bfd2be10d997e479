"""How a text holds a mention: present, negated, historical, of the family, possible, or hypothetical."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property

from appliance.clinical.source import Passage, Source
from appliance.coding import family
from appliance.coding.chronic import lasting
from appliance.coding.cues import Cue, Reach, cues
from appliance.coding.sections import Layout, layout
from appliance.coding.suggestion import Assertion, Segment
from appliance.grounding.answers import asked
from appliance.grounding.index import SourceIndex
from appliance.grounding.polarity import REACH, Polarity, in_source, is_denial, sentence, spoken_of
from appliance.grounding.tokens import Token, words

# How far a cue reaches, in tokens: one that passes a list, one that does not. Chosen on the development sentences.
_LIST_REACH, _REACH, _BACK_REACH = 40, 12, 8
# Tokens of a turn that are looked at around a mention: speech may have no full stop.
_MAX_LOOKED = 400
_STOPS = frozenset(words("but however although though except which ; who whom"))
# Words that begin a statement of their own behind a history or a suspicion.
_OWN = frozenset(
    words(
        "presents presented presenting complains complained complaining will started reports reported here"
        " currently now"
        " today given plan admitted comes came follows seen"
    )
)
_CAUSES = frozenset({("due", "to"), ("secondary", "to"), ("caused", "by"), ("setting", "of"), ("because", "of")})
_POSSESSIVES = frozenset(words("her his my their our she he i they"))
_OWNERS = frozenset(words("your his her my their"))
_AFFIRMS = frozenset(words("positive confirmed persists persist"))
_GIVEN = frozenset(words("your this that these those the my"))
_SUBJECTS = frozenset(words("i we you he she they it will then please take patient"))
_JOINS = frozenset({"or", "vs", "versus", "nor"})
_MARKS = frozenset(words(", . ; : ) ] ? ! and but or \n - with at on by given in after today"))
_SECTIONS = {
    "family_history": Assertion.FAMILY,
    "past_history": Assertion.HISTORICAL,
    "surgical_history": Assertion.HISTORICAL,
    "differential": Assertion.POSSIBLE,
    "return_precautions": Assertion.HYPOTHETICAL,
    "pertinent_negatives": Assertion.NEGATED,
}
_NOW = frozenset(words("currently now today active ongoing current still"))
# The strongest first: who a statement is about and whether it is one at all come before how certain it is.
_ORDER = (
    Assertion.NEGATED, Assertion.FAMILY, Assertion.HYPOTHETICAL, Assertion.POSSIBLE, Assertion.HISTORICAL,
)  # fmt: skip


class StatusReader:
    """Reads a text once; then says of any mention how the text holds it. Not safe for several threads at once.

    Args:
        text: A note, or a dialogue with tags of its speakers.
        turns: What is said by whom, where that is known (a transcript); else it is read from the text's tags.

    Raises:
        ValueError: The text is longer than `appliance.clinical.source.MAX_SOURCE_CHARS`.
    """

    def __init__(self, text: str, turns: Sequence[Passage] = ()) -> None:
        self.text = text
        self._layout = layout(text, turns)
        self._known: dict[int, tuple[list[Cue], list[tuple[int, int]]]] = {}

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The sentences with their sections, in order."""
        return self._layout.segments

    @cached_property
    def _index(self) -> SourceIndex:
        built: Layout = self._layout
        passages = built.turns or tuple(Passage(start=one.start, end=one.end) for one in built.segments)
        kind = "transcript" if built.turns else "record"
        return SourceIndex(Source(id="text", kind=kind, text=self.text, passages=passages))

    @cached_property
    def _starts(self) -> list[int]:
        return [token.start for token in self._index.tokens]

    @cached_property
    def _segment_starts(self) -> list[int]:
        return [segment.start for segment in self.segments]

    def segment_at(self, offset: int) -> Segment | None:
        """Return the sentence that holds a character; None between sentences."""
        at = bisect_right(self._segment_starts, offset) - 1
        return self.segments[at] if at >= 0 and offset < self.segments[at].end else None

    def section(self, offset: int) -> str:
        """Return the key of the section that a character stands in; empty when unknown."""
        found = self.segment_at(offset)
        return found.section if found else ""

    def assertion(self, start: int, end: int) -> Assertion:
        """Return how the text holds what it says at characters [start, end).

        Raises:
            ValueError: [start, end) is empty or lies outside of the text.
        """
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"no place of the text: [{start}, {end})")
        index = self._index
        first = bisect_right(self._starts, start) - 1
        last = max(first + 1, bisect_left(self._starts, end))
        if first < 0 or (start >= index.tokens[first].end and first + 1 >= last):
            return Assertion.PRESENT
        if self._layout.turns:
            return self._spoken(first, last)
        segment = self.segment_at(start)
        if segment is None:
            return Assertion.PRESENT
        low, high = bisect_left(self._starts, segment.start), bisect_left(self._starts, segment.end)
        return self._written(first, last, low, high, segment.section)

    def _written(self, first: int, last: int, low: int, high: int, section: str) -> Assertion:
        tokens = self._index.tokens
        found, weak = self._said(first, last, low, high, section)
        clause = _clause(tokens, first, low)
        denied = spoken_of(tokens, first, last, clause, high) is Polarity.DENIED
        if denied and not (self._excused(first, last, low, high) or _affirmed(tokens, last, high)):
            found.add(Assertion.NEGATED)
        return self._strongest(found, weak, first, last, low, section)

    def _spoken(self, first: int, last: int) -> Assertion:
        index = self._index
        low, high = index.bounds(index.passage_at(first))
        low, high = max(low, first - _MAX_LOOKED), min(high, last + _MAX_LOOKED)
        begin, stop = sentence(index.tokens, first, low, high)
        stop = max(stop, min(last, high))
        found, weak = self._said(first, last, begin, stop, "")
        if asked(index.tokens, first, begin, stop, high):
            polarity, _ = in_source(index, first)
        else:
            polarity = spoken_of(index.tokens, first, last, begin, stop, REACH)
        if polarity is Polarity.DENIED and not self._excused(first, last, begin, stop):
            found.add(Assertion.NEGATED)
        if polarity is Polarity.OPEN and not _known(index.tokens, first, begin):
            found.add(Assertion.HYPOTHETICAL)  # asked, and nobody answered: nothing is stated
        return self._strongest(found, weak, first, last, begin, "")

    def _strongest(self, found: set[Assertion], weak: bool, first: int, last: int, low: int, section: str) -> Assertion:
        for assertion in _ORDER:
            if assertion in found:
                return assertion
        default = _SECTIONS.get(section)
        if default is Assertion.FAMILY and family.of_patient(self._index.tokens, low, first):
            default = None
        if weak or default is Assertion.HISTORICAL:
            before = {token.text for token in self._index.tokens[max(low, first - 4) : first]}
            stays = lasting(self._index.tokens, first, last, low) and section != "surgical_history"
            return Assertion.PRESENT if stays or before & _NOW else Assertion.HISTORICAL
        return default or Assertion.PRESENT

    def _said(self, first: int, last: int, low: int, high: int, section: str) -> tuple[set[Assertion], bool]:
        """Return what the cues of a sentence say of a mention, and whether a bare "history of" does."""
        tokens = self._index.tokens
        if low not in self._known:
            self._known[low] = cues(tokens, low, high), family.scopes(tokens, low, high)
        held, relatives = self._known[low]
        found: set[Assertion] = set()
        weak = False
        for cue in held:
            if cue.assertion is None or (self._layout.turns and tokens[cue.first].text == "?"):
                continue
            if not self._reaches(cue, first, last, high):
                continue
            if cue.assertion is Assertion.POSSIBLE and cue.reach is Reach.FORWARD and self._owned(first, low):
                continue  # "looks like your diabetes": whatever is possible, the diabetes is known
            if cue.assertion is Assertion.HISTORICAL and cue.reach is Reach.FORWARD and cue.lists:
                weak = True
            else:
                found.add(cue.assertion)
        if any(begin <= first < end for begin, end in relatives):
            found.add(Assertion.FAMILY)
        return found, weak

    def _excused(self, first: int, last: int, low: int, high: int) -> bool:
        """Whether a denying word near a mention denies something else: "cannot rule out", "no change in"."""
        tokens = self._index.tokens
        return any(
            cue.assertion in (Assertion.POSSIBLE, None)
            and any(is_denial(tokens[at].text) for at in range(cue.first, cue.last))
            and self._reaches(cue, first, last, high)
            for cue in self._known[low][0]
        )

    def _owned(self, first: int, low: int) -> bool:
        before = self._index.tokens[max(low, first - 1) : first]
        return bool(before) and before[0].text in _OWNERS

    def _reaches(self, cue: Cue, first: int, last: int, high: int) -> bool:
        if cue.reach is Reach.BESIDE:
            return 0 <= cue.first - last <= 1 and cue.last > last
        if cue.reach is Reach.BACKWARD:
            return 0 <= cue.first - last <= _BACK_REACH and self._reaches_back(cue, last, high)
        gap = first - cue.last
        if gap < 0 or gap > (_LIST_REACH if cue.lists else _REACH):
            return False
        return not self._ended(cue, first, high)

    def _reaches_back(self, cue: Cue, last: int, high: int) -> bool:
        tokens = self._index.tokens
        one = cue.last - cue.first == 1 and tokens[cue.first].text not in _JOINS
        if one and cue.last < high and tokens[cue.last].text not in _MARKS:
            return False
        return not any(
            token.text in _STOPS or token.text in (",", "and", ":") or token.text in _OWN
            for token in tokens[last : cue.first]
        )

    def _ended(self, cue: Cue, first: int, high: int) -> bool:
        """Whether something between a cue and a mention ends its scope."""
        tokens = self._index.tokens
        doubtful = cue.assertion in (Assertion.POSSIBLE, Assertion.HISTORICAL)
        for at in range(cue.last, first):
            text = tokens[at].text
            if text in _STOPS or (doubtful and text in _OWN):
                return True
            if text == "," and tokens[at + 1].text in _SUBJECTS:
                return True
            if text == "," and not cue.lists and not _joined(tokens, at, high):
                return True
            if doubtful and (text, tokens[at + 1].text) in _CAUSES:
                return True
        return False


def _clause(tokens: Sequence[Token], first: int, low: int) -> int:
    """Return where the clause of a mention begins: a denial before ", and her cough is worse" does not reach it."""
    for at in range(first - 1, low, -1):
        if tokens[at].text in _POSSESSIVES and tokens[at - 1].text in ("and", "but", "while", "yet"):
            return at
    return low


def _affirmed(tokens: Sequence[Token], last: int, high: int) -> bool:
    """Whether the next word affirms a mention, whatever was denied before: "HIV negative, hepatitis C positive"."""
    behind = [token.text for token in tokens[last : min(high, last + 2)]]
    return bool(behind) and (behind[0] in _AFFIRMS or (behind[0] in ("is", "was") and behind[-1] in _AFFIRMS))


def _known(tokens: Sequence[Token], first: int, low: int) -> bool:
    """Whether a question takes a thing for given: "so your knee pain, how is that?"."""
    return bool(_GIVEN & {token.text for token in tokens[max(low, first - 2) : first]})


def _joined(tokens: Sequence[Token], at: int, high: int) -> bool:
    """Whether a comma stands in a list of alternatives: "possible gastritis, ulcer or reflux"."""
    for place in range(at + 1, min(high, at + 12)):
        if tokens[place].text in _JOINS:
            return True
        if tokens[place].text in _STOPS or tokens[place].text in _OWN:
            return False
    return False
