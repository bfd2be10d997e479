"""Codes that go with a code: "code first", "use additional code" and "code also", held against the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from appliance.coding.assertion import StatusReader
from appliance.coding.note_references import CodeRange, references
from appliance.coding.rules.titles import EMPTY, stems
from appliance.coding.rules.tree import CodeTree
from appliance.coding.suggestion import Assertion, Entry
from appliance.grounding.tokens import stem, tokenise, words

# Words of notes that ask for nothing themselves.
_FRAME = frozenset(
    map(stem, words("code additional identify use any applicable if such history personal current long term stage"))
)
_WINDOW, _MOST_WORDS, _MAX_SHOWN = 6, 4, 240
TOBACCO = "Tobacco status"
"""How the question for it begins."""
_TOBACCO = frozenset(map(stem, words("tobacco nicotine")))
_SMOKES = re.compile(
    r"\b(?:smok(?:es?|er|ers|ing)|cigarettes?|tobacco|nicotine|vap(?:es?|ing)|pack[- ]?years?|ppd|snuff"
    r"|non-?smokers?|never[- ]smokers?)\b",
    re.IGNORECASE,
)
_MANIFESTATION = re.compile(
    r"in (?:other )?diseases? classified elsewhere|in conditions classified elsewhere", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Partner:
    """A code that a note asks for and the text speaks of.

    Args:
        code: As the note names it; it may need refining.
        start: Where the text speaks of it.
        end: Behind that.
        assertion: How the text holds it.
    """

    code: str
    start: int
    end: int
    assertion: Assertion


class Spoken:
    """Which words stand where in a text; read once for all notes."""

    def __init__(self, reader: StatusReader) -> None:
        self.reader = reader
        self._tokens = [token for token in tokenise(reader.text) if token.kind != "m"]
        self._at: dict[str, list[int]] = {}
        for at, token in enumerate(self._tokens):
            self._at.setdefault(token.stem, []).append(at)

    def tobacco(self) -> bool:
        """Whether the text says anything of tobacco."""
        return _SMOKES.search(self.reader.text) is not None

    def places(self, wanted: frozenset[str]) -> Iterator[tuple[int, int]]:
        """Give the places where all of the stems stand close together."""
        if not wanted or not all(one in self._at for one in wanted):
            return
        rarest = min(wanted, key=lambda one: len(self._at[one]))
        for at in self._at[rarest][:50]:
            near = range(max(0, at - _WINDOW), min(len(self._tokens), at + _WINDOW + 1))
            found = {self._tokens[place].stem: place for place in near if self._tokens[place].stem in wanted}
            if len(found) == len(wanted):
                yield self._tokens[min(found.values())].start, self._tokens[max(found.values())].end


def partners(tree: CodeTree, entry: Entry, codes: Iterable[str], spoken: Spoken) -> tuple[list[Partner], list[str]]:
    """Return what the notes of a code ask for that the text speaks of, and the questions that they leave.

    Args:
        tree: The table.
        entry: The code.
        codes: All codes that are suggested.
        spoken: The text.
    """
    there = [code for code in codes if code != entry.code]
    found: list[Partner] = []
    questions: list[str] = []
    for kind in ("use_additional", "code_also"):
        for note in tree.table.inherited(entry.code, kind):
            named = references(note.text)
            if not named or any(one.holds(code) for one in named for code in there):
                continue
            partner = _stated(note.text, named, spoken)
            if partner is not None:
                found.append(partner)
            elif kind == "use_additional" and _required(note.text):
                questions.append(f"{entry.code} wants an additional {note.text.strip(' :')[:_MAX_SHOWN]}: which?")
    questions += _tobacco(tree, entry, there, spoken)
    questions += _first(tree, entry, there)
    return found, list(dict.fromkeys(questions))


def _label(text: str) -> frozenset[str]:
    return frozenset(stems(text[: text.rfind("(")] if "(" in text else text)) - EMPTY - _FRAME


def _stated(text: str, named: tuple[CodeRange, ...], spoken: Spoken) -> Partner | None:
    """Return the partner that a text states in the words of the note: "insulin (Z79.4)"."""
    wanted = _label(text)
    past = "history" in text.casefold()
    if not wanted or len(wanted) > _MOST_WORDS or len(named) != 1 or named[0].first != named[0].last:
        return None
    if wanted & _TOBACCO:
        return None  # asked for by its own question: use, dependence, history and exposure are different codes
    for start, end in spoken.places(wanted):
        assertion = spoken.reader.assertion(start, end)
        if assertion is Assertion.PRESENT or (past and assertion is Assertion.HISTORICAL):
            return Partner(named[0].first, start, end, assertion)
    return None


def _required(text: str) -> bool:
    """Whether a note asks without condition: "code to identify stage of chronic kidney disease (N18.1-N18.6)"."""
    lower = text.casefold()
    return lower.startswith("code to identify") and "applicable" not in lower and " any " not in lower


def _tobacco(tree: CodeTree, entry: Entry, there: list[str], spoken: Spoken) -> list[str]:
    notes = [
        note.text for note in tree.table.inherited(entry.code, "use_additional") if set(stems(note.text)) & _TOBACCO
    ]
    if not notes or any(one.holds(code) for text in notes for one in references(text) for code in there):
        return []
    said = "The text speaks of it: choose" if spoken.tobacco() else "The text does not say"
    shown = "; ".join(note[:70] for note in notes[:6])
    return [f"{TOBACCO} with {entry.code}? {said}: {shown}."]


def _first(tree: CodeTree, entry: Entry, there: list[str]) -> list[str]:
    notes = [note.text for note in tree.table.inherited(entry.code, "code_first")]
    if not notes:
        return []
    before = [code for code in there if any(one.holds(code) for text in notes for one in references(text))]
    if before:
        return [f"List {', '.join(sorted(before)[:4])} before {entry.code} (code first)."]
    if _MANIFESTATION.search(entry.title) or notes[0].casefold().startswith(("underlying", "the underlying")):
        shown = "; ".join(text.strip(" :,") for text in notes[:6])[:_MAX_SHOWN]
        return [f"Code first: {shown}. Which is it for {entry.code}?"]
    return []
