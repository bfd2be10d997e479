"""One source, indexed: where each word, meaning and number stands, by passage. It grows with a live transcript."""

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence

from appliance.clinical.source import Passage, Source
from appliance.grounding.numbers import Quantity, quantities
from appliance.grounding.tables import tables
from appliance.grounding.tokens import Token, tokenise

# A record without passages is cut at line ends; a longer line is cut at sentence ends. What a reader is shown at a
# glance.
MAX_PASSAGE_CHARS = 600


def passages_of(source: Source) -> tuple[Passage, ...]:
    """Return the passages of a source; a plain text is cut into lines and, where they are long, into sentences."""
    if source.passages:
        return source.passages
    found: list[Passage] = []
    at = 0
    for line in source.text.split("\n"):
        start, end = at, at + len(line)
        while start < end:
            stop = end
            if end - start > MAX_PASSAGE_CHARS:
                cut = source.text.rfind(". ", start, start + MAX_PASSAGE_CHARS)
                cut = cut if cut > start else source.text.rfind(" ", start, start + MAX_PASSAGE_CHARS)
                stop = cut + 1 if cut > start else start + MAX_PASSAGE_CHARS
            if source.text[start:stop].strip():
                found.append(Passage(start=start, end=stop))
            start = stop
        at = end + 1
    return tuple(found)


def terms_at(tokens: Sequence[Token], at: int, stop: int) -> list[tuple[int, str, str, bool]]:
    """Return (end, meaning, class, implied) of every table term that begins at a token, longest first."""
    found = []
    for term in tables().terms.get(tokens[at].stem, ()):
        if term.exact and term.exact != tokens[at].text:
            continue
        end, matched = at + 1, 1
        while matched < len(term.stems) and end < stop:
            if tokens[end].stem == term.stems[matched]:
                matched += 1
            elif tokens[end].text != "-":
                break
            end += 1
        if matched == len(term.stems):
            found.append((end, term.concept, term.group, term.implies))
    return found


class SourceIndex:
    """The index of one source. All positions are token numbers; they rise with the text."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens: list[Token] = []
        self.passages: list[Passage] = []
        self.first: array[int] = array("I")  # first token of each passage
        self.postings: dict[str, array[int]] = {}
        self.numbers: list[Quantity] = []
        self.number_at: array[int] = array("I")  # first token of each number
        self.by_value: dict[str, array[int]] = {}
        self._add(passages_of(source), source.text)

    def extend(self, source: Source) -> int:
        """Take a newer version of the same source and return how many passages were kept as they were.

        The last passage is always read again: it may have grown, and so may what was cut from its end.
        """
        passages = passages_of(source)
        keep = 0
        for old, new in zip(self.passages, passages, strict=False):
            same = (old.start, old.end) == (new.start, new.end)
            if not same or self.source.text[old.start : old.end] != source.text[new.start : new.end]:
                break
            keep += 1
        keep = max(0, keep - 1)
        self._drop_from(keep)
        self.source = source
        self.passages = list(passages[:keep])
        self._add(passages[keep:], source.text)
        return keep

    def _drop_from(self, keep: int) -> None:
        cut = self.first[keep] if keep < len(self.first) else len(self.tokens)
        for name in [name for name, places in self.postings.items() if places[-1] >= cut]:
            places = self.postings[name]
            del places[bisect_left(places, cut) :]
            if not places:
                del self.postings[name]
        numbers = bisect_left(self.number_at, cut)
        for value in [value for value, which in self.by_value.items() if which[-1] >= numbers]:
            which = self.by_value[value]
            del which[bisect_left(which, numbers) :]
            if not which:
                del self.by_value[value]
        del self.numbers[numbers:], self.number_at[numbers:], self.tokens[cut:], self.first[keep:]

    def _add(self, passages: Sequence[Passage], text: str) -> None:
        known = tables().terms
        for passage in passages:
            begin = len(self.tokens)
            self.passages.append(passage)
            self.first.append(begin)
            self.tokens.extend(tokenise(text[passage.start : passage.end], passage.start))
            for at in range(begin, len(self.tokens)):
                token = self.tokens[at]
                if token.kind == "m":
                    continue
                self._post(f"w:{token.stem}", at)
                if token.stem in known:
                    for _, concept, _, _ in terms_at(self.tokens, at, len(self.tokens)):
                        self._post(concept, at)
                negated = tables().negated.get(token.stem)
                if negated is not None:
                    self._post(f"w:{negated}", at)
                    for term in known.get(negated, ()):
                        if term.stems == (negated,):
                            self._post(term.concept, at)
            offset = len(self.numbers)
            for quantity in quantities(self.tokens, begin):
                if quantity.pair >= 0:
                    quantity.pair += offset
                for value in quantity.values:
                    self.by_value.setdefault(value, array("I")).append(len(self.numbers))
                self._post_joined(quantity)
                self.numbers.append(quantity)
                self.number_at.append(quantity.first)

    def _post_joined(self, quantity: Quantity) -> None:
        """Post a letter and a spoken number as what they name together: B twelve is B12, L five is L5."""
        before = self.tokens[quantity.first - 1] if quantity.first else None
        if before is None or before.kind != "w" or len(before.text) > 2 or not quantity.spoken or quantity.unit:
            return
        for value in quantity.values:
            if value.isdigit():
                self._post(f"w:{before.text}{value}", quantity.first - 1)

    def _post(self, name: str, at: int) -> None:
        places = self.postings.get(name)
        if places is None:
            places = self.postings[name] = array("I")
        if not places or places[-1] < at:
            places.append(at)
        elif places[-1] > at:  # joined names come behind the words of their passage
            insort(places, at)

    def passage_at(self, at: int) -> int:
        """Return the number of the passage that holds a token."""
        return bisect_right(self.first, at) - 1

    def bounds(self, passage: int) -> tuple[int, int]:
        """Return the tokens [first, last) of a passage."""
        last = self.first[passage + 1] if passage + 1 < len(self.first) else len(self.tokens)
        return self.first[passage], last

    def places(self, names: Sequence[str]) -> list[int]:
        """Return where any of the names stands, in order."""
        if len(names) == 1:
            return list(self.postings.get(names[0], ()))
        return sorted({at for name in names for at in self.postings.get(name, ())})

    def doubtful(self, at: int, end: int) -> bool:
        """Whether tokens [at, end) touch a place on which two decodings disagree."""
        doubts = self.source.doubts
        if not doubts or at >= len(self.tokens):
            return False
        start, stop = self.tokens[at].start, self.tokens[max(at, end - 1)].end
        return any(doubt.start < stop and start < doubt.end for doubt in doubts)


def near(places: Sequence[int], at: int, window: int) -> bool:
    """Whether a sorted list has a place within a window of a token."""
    index = bisect_left(places, at - window)
    return index < len(places) and places[index] <= at + window
