"""Combination codes: two conditions that the table has one code for, found in its notes and titles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from appliance.coding.note_references import CodeRange, references
from appliance.coding.rules.titles import EMPTY, asked, stems
from appliance.coding.rules.tree import CodeTree
from appliance.coding.suggestion import Entry
from appliance.grounding.tokens import stem, words

_DUE = re.compile(r"any condition in (?P<which>.+?)(?: -)? due to (?P<cause>[a-z ]+)$", re.IGNORECASE)
_WITH = re.compile(r"any condition in (?P<which>.+?) with any condition in (?P<other>.+)$", re.IGNORECASE)
# Of a partner's own words so much must stand in the title of the combination.
_SHARE = 0.5
# "Secondary hypertension" is itself due to something, so nothing is assumed to be due to it.
_SECONDARY = frozenset(map(stem, words("secondary")))
_KINDS = frozenset({"includes", "inclusion_term"})


@dataclass(frozen=True, slots=True)
class Combination:
    """One code for two conditions.

    Args:
        code: The code of both; it may need refining.
        replaced: Codes that it takes the place of.
        question: What a coder confirms: the link is assumed, as the conventions say, and not stated.
    """

    code: str
    replaced: frozenset[str]
    question: str


@dataclass(frozen=True, slots=True)
class _Rule:
    target: str
    which: tuple[CodeRange, ...]
    cause: frozenset[str]
    other: tuple[CodeRange, ...]


class Combinations:
    """The combinations of a table.

    Args:
        tree: The table as a tree.
    """

    def __init__(self, tree: CodeTree) -> None:
        self._tree = tree

    @cached_property
    def _rules(self) -> tuple[_Rule, ...]:
        """Rules from notes such as "any condition in N18 and N26 - due to hypertension"."""
        found = []
        for entry in self._tree.table.entries():
            for note in entry.notes:
                if note.kind not in _KINDS or "any condition in" not in note.text:
                    continue
                if match := _WITH.search(note.text):
                    found.append(_Rule(entry.code, _listed(match["which"]), frozenset(), _listed(match["other"])))
                elif match := _DUE.search(note.text):
                    cause = frozenset(stems(match["cause"])) - EMPTY
                    found.append(_Rule(entry.code, _listed(match["which"]), cause, ()))
        return tuple(found)

    def of(self, one: str, other: str) -> list[Combination]:
        """Return the combinations that one code makes with another, in this order of the two."""
        first, second = self._tree.entry(one), self._tree.entry(other)
        if first is None or second is None or self._tree.category(one) == self._tree.category(other):
            return []
        return self._by_note(first, second) or self._by_code_first(first, second) or self._by_title(first, second)

    def _by_note(self, first: Entry, second: Entry) -> list[Combination]:
        found = []
        for rule in self._rules:
            target = self._tree.entry(rule.target)
            if target is None or not any(one.holds(second.code) for one in rule.which):
                continue
            if rule.other and any(one.holds(first.code) for one in rule.other):
                found.append(Combination(rule.target, frozenset({first.code, second.code}), ""))
            elif rule.cause and self._causes(rule, first):
                found.append(Combination(rule.target, frozenset({first.code}), _assumed(first, second, target)))
        return found

    def _causes(self, rule: _Rule, first: Entry) -> bool:
        """Whether a code is the plain condition that a rule names as a cause, and no combination itself."""
        made = {self._tree.category(one.target) for one in self._rules}
        title = set(stems(first.title))
        return rule.cause <= title and self._tree.category(first.code) not in made and not _SECONDARY & title

    def _by_code_first(self, first: Entry, second: Entry) -> list[Combination]:
        """A manifestation that names, to be coded first, a code of the same category as the condition at hand."""
        category = self._tree.category(first.code)
        plain, own = category.replace(".", ""), first.code.replace(".", "")
        named = [one for note in self._tree.table.inherited(second.code, "code_first") for one in references(note.text)]
        named = [
            one
            for one in named
            if one.first == one.last and one.first.startswith(plain) and len(one.first) > len(plain)
        ]
        if any(own.startswith(one.first) for one in named):
            return []  # it is coded so already
        targets = [target for one in named if (target := self._tree.entry(one.first)) is not None]
        if not targets:
            return []
        known = asked(second.title, "").all_stems
        target = max(targets, key=lambda each: len(asked(each.title, first.title).all_stems & known))
        replaced = frozenset({first.code}) if self._silent(first) else frozenset[str]()
        return [Combination(target.code, replaced, _assumed(first, second, target))]

    def _by_title(self, first: Entry, second: Entry) -> list[Combination]:
        """A title of the first one's category "with" what the second is."""
        if not self._silent(first):
            return []
        category = self._tree.entry(self._tree.category(first.code))
        partner = self._tree.entry(self._tree.category(second.code))
        if category is None or partner is None:
            return []
        core = set(stems(partner.title)) - EMPTY
        known = asked(second.title, "").all_stems | core
        own = asked(first.title, "").all_stems
        best: tuple[int, Entry] | None = None
        for entry in self._tree.below(category.code):
            if " with " not in entry.title or entry.parent == "":
                continue
            wanted = asked(entry.title, category.title).all_stems - own
            if not wanted or not wanted <= known or len(wanted & core) < _SHARE * len(core):
                continue
            if best is None or len(wanted) > best[0]:
                best = len(wanted), entry
        if best is None:
            return []
        replaced = {first.code} if self._kept(best[1], second) else {first.code, second.code}
        return [Combination(best[1].code, frozenset(replaced), _assumed(first, second, best[1]))]

    def _silent(self, entry: Entry) -> bool:
        asks = self._tree.asks(entry)
        return asks.unspecified or bool(asks.absent) or not entry.billable

    def _kept(self, combination: Entry, second: Entry) -> bool:
        """Whether the second code still says more: the combination asks for it by its notes."""
        notes = self._tree.table.inherited(combination.code, "use_additional")
        return any(named.holds(second.code) for note in notes for named in references(note.text))


def _listed(codes: str) -> tuple[CodeRange, ...]:
    """Return codes that a note names without parentheses."""
    return references(f"({codes.strip(' -')})")


def _assumed(first: Entry, second: Entry, target: Entry) -> str:
    return (
        f"Is {second.title} ({second.code}) linked with {first.title} ({first.code})? {target.code} assumes it unless"
        " the record says that they are unrelated (guideline I.A.15)."
    )
