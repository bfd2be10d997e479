"""From raw candidates to suggestions: refined, combined, with partners, none twice, each with its questions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from appliance.coding.assertion import StatusReader
from appliance.coding.rules.combine import Combination, Combinations
from appliance.coding.rules.context import Context, context
from appliance.coding.rules.integral import belongs_to, question
from appliance.coding.rules.managed import QUESTION, managed, spoken_of
from appliance.coding.rules.partners import TOBACCO, Spoken, partners
from appliance.coding.rules.refine import refine
from appliance.coding.rules.titles import asked, stems
from appliance.coding.rules.tree import CodeTree
from appliance.coding.suggestion import Assertion, CodeTable, Entry, Evidence, Suggestion

MAX_QUESTION_CHARS = 1000
"""Longer questions are cut at a sentence."""
_MAX_CANDIDATES, _MAX_EVIDENCE = 200, 8
# A partner that only a note asks for is as likely as not: nobody has ranked it.
_PARTNER_CONFIDENCE = 0.5
_ROUNDS = 3
# The mention that a code rests on: one that is present decides, before one that is only possible or past.
_RANK = (
    Assertion.PRESENT, Assertion.HISTORICAL, Assertion.POSSIBLE, Assertion.HYPOTHETICAL, Assertion.FAMILY,
    Assertion.NEGATED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Candidate:
    """A raw candidate.

    Args:
        code: Any code of the table, billable or not.
        places: Where the text speaks of it: [start, end) each, at least one.
        confidence: From 0 to 1.
    """

    code: str
    places: tuple[tuple[int, int], ...]
    confidence: float


@dataclass(slots=True)
class _Held:
    entry: Entry
    places: list[tuple[int, int]]
    confidence: float
    assertion: Assertion
    around: Context
    questions: list[str] = field(default_factory=list)

    def add(self, questions: Iterable[str]) -> None:
        self.questions += [one for one in questions if one and one not in self.questions]


class StructureRules:
    """The rules of one table; built once (some seconds for ICD-10-CM), then for any number of texts.

    Args:
        table: The table.
    """

    def __init__(self, table: CodeTable) -> None:
        self._tree = CodeTree(table)
        self._combinations = Combinations(self._tree)

    def complete(
        self, reader: StatusReader, candidates: Sequence[Candidate],
        keep: frozenset[Assertion] = frozenset({Assertion.PRESENT}),
    ) -> tuple[Suggestion, ...]:  # fmt: skip
        """Return suggestions for candidates, the most confident first.

        Args:
            reader: The text, read.
            candidates: At most 200 are taken, the most confident ones.
            keep: How a text must hold a candidate for it to be suggested. What is negated, of the family, possible or
                hypothetical is not coded as present.

        A candidate that the table does not have is dropped; so a model cannot bring in a code. What cannot be made
        billable keeps a question with the choices.
        """
        held = self._first(reader, candidates, keep)
        held = self._combined(reader, held)
        held = self._without_repetition(held)
        held = self._with_partners(reader, held, keep)
        self._ask_of_symptoms(held)
        ordered = sorted(held, key=lambda one: (-one.confidence, one.entry.code))
        return tuple(self._suggestion(reader, one) for one in ordered)

    def _first(self, reader: StatusReader, candidates: Sequence[Candidate], keep: frozenset[Assertion]) -> list[_Held]:
        found: dict[str, _Held] = {}
        taken = sorted(candidates, key=lambda one: -one.confidence)[:_MAX_CANDIDATES]
        spoken = spoken_of(reader, (place for one in taken for place in one.places))
        for one in taken:
            held = [(reader.assertion(*place), place) for place in one.places]
            if not held:
                continue
            assertion = min((status for status, _ in held), key=_RANK.index)
            if assertion is Assertion.HISTORICAL and (again := managed(reader, one.code, one.places, spoken)):
                around = context(reader, again)
                self._put(found, one.code, again, one.confidence, Assertion.PRESENT, around, (QUESTION,))
                continue
            if assertion not in keep:
                continue
            places = [place for status, place in held if status is assertion]
            self._put(found, one.code, places, one.confidence, assertion, context(reader, places))
        return list(found.values())

    def _put(
        self, found: dict[str, _Held], code: str, places: list[tuple[int, int]], confidence: float,
        assertion: Assertion, around: Context, more: Iterable[str] = (),
    ) -> None:  # fmt: skip
        refined = refine(self._tree, code, around)
        if refined is None:
            return
        known = found.get(refined.entry.code)
        if known is None:
            known = found[refined.entry.code] = _Held(refined.entry, [], confidence, assertion, around)
        known.places += [place for place in places if place not in known.places]
        known.confidence = max(known.confidence, confidence)
        known.add((*refined.questions, *self._kind(refined.entry, around), *more))

    def _kind(self, entry: Entry, around: Context) -> list[str]:
        """Return the question for a disease that the table keeps by types when the text names none."""
        own = self._tree.entry(self._tree.category(entry.code))
        if own is None or not own.title.casefold().startswith("type "):
            return []
        variants = self._tree.variants(entry.code)
        number = next((one for one in stems(own.title) if one[0].isdigit()), "")
        if not variants or not number or number in around.held:
            return []
        shown = "; ".join(f"{variant.code} {variant.title}" for variant in variants[:6])
        return [f"Which type? The text names none; taken as {own.title}. The table has: {shown}."]

    def _combined(self, reader: StatusReader, held: list[_Held]) -> list[_Held]:
        """Apply combinations until nothing changes: hypertension with heart failure and with kidney disease is one."""
        found = {one.entry.code: one for one in held}
        done: set[tuple[str, str]] = set()
        for _ in range(_ROUNDS):
            replaced: set[str] = set()
            made: list[tuple[Combination, _Held, _Held]] = []
            for one in list(found.values()):
                for other in list(found.values()):
                    pair = one.entry.code, other.entry.code
                    if one is other or pair in done or Assertion.PRESENT not in (one.assertion, other.assertion):
                        continue
                    done.add(pair)
                    made += [(each, one, other) for each in self._combinations.of(*pair)]
            for combination, one, other in made:
                titles = asked(one.entry.title, "").all_stems | asked(other.entry.title, "").all_stems
                places = [*one.places, *other.places]
                around = one.around.joined(other.around).joined(context(reader, places, titles))
                confidence = min(one.confidence, other.confidence)
                self._put(found, combination.code, places, confidence, one.assertion, around, (combination.question,))
                replaced |= combination.replaced
            for code in replaced:
                found.pop(code, None)
            if not made:
                break
        return list(found.values())

    def _without_repetition(self, held: list[_Held]) -> list[_Held]:
        """Drop what says less than another of them: a header above it, its "unspecified" or "without" sibling."""
        kept = []
        for one in held:
            plain = one.entry.code.replace(".", "")
            asks = self._tree.asks(one.entry)
            silent = asks.unspecified or bool(asks.absent)
            less = False
            for other in held:
                if other is one:
                    continue
                others = self._tree.asks(other.entry)
                less |= other.entry.code.replace(".", "").startswith(plain)
                more = not (others.unspecified or others.absent)
                less |= silent and more and bool(one.entry.parent) and self._beside(one.entry, other.entry)
            if not less:
                kept.append(one)
        return kept

    def _beside(self, one: Entry, other: Entry) -> bool:
        """Whether a code stands below the same code as another: directly, or deeper where that is the category."""
        if one.parent == other.parent:
            return not ({"right", "left"} & set(stems(other.title)) and {"right", "left"} & set(stems(one.title)))
        return one.parent == self._tree.category(one.code) == self._tree.category(other.code)

    def _with_partners(self, reader: StatusReader, held: list[_Held], keep: frozenset[Assertion]) -> list[_Held]:
        found = {one.entry.code: one for one in held}
        spoken = Spoken(reader)
        asked_of_tobacco = False
        for one in sorted(held, key=lambda one: -one.confidence):
            proposed, questions = partners(self._tree, one.entry, list(found), spoken)
            # Once for a text: dozens of codes ask for it.
            tobacco = [each for each in questions if each.startswith(TOBACCO)]
            one.add(each for each in questions if not (asked_of_tobacco and each in tobacco))
            asked_of_tobacco = asked_of_tobacco or bool(tobacco)
            for partner in proposed:
                if partner.assertion not in keep:
                    continue
                places = [(partner.start, partner.end)]
                confidence = min(one.confidence, _PARTNER_CONFIDENCE)
                note = f"{one.entry.code} asks for it (see its notes): does it apply?"
                self._put(found, partner.code, places, confidence, partner.assertion, context(reader, places), (note,))
        return list(found.values())

    def _ask_of_symptoms(self, held: list[_Held]) -> None:
        present = [one.entry for one in held if one.assertion is Assertion.PRESENT]
        for one in held:
            disease = belongs_to(one.entry.code, (each.code for each in present if each.code != one.entry.code))
            if disease and (entry := self._tree.entry(disease)) is not None:
                # First: a bounded question must not lose it.
                one.questions.insert(0, question(one.entry, entry))

    def _suggestion(self, reader: StatusReader, one: _Held) -> Suggestion:
        table = self._tree.table
        places = sorted(set(one.places))[:_MAX_EVIDENCE]
        questions = one.questions
        if not one.entry.billable:
            questions = [f"{one.entry.code} is not billable: choose a code below it.", *questions]
        return Suggestion(
            code=one.entry.code, title=one.entry.title, system=table.system, table_version=table.version,
            table_digest=table.digest,
            evidence=tuple(Evidence(start=a, end=b, quote=reader.text[a:b]) for a, b in places),
            assertion=one.assertion, confidence=max(0.0, min(1.0, one.confidence)), question=_bounded(questions),
        )  # fmt: skip


def _bounded(questions: Sequence[str]) -> str:
    kept: list[str] = []
    for one in questions:
        if sum(map(len, kept)) + len(kept) + len(one) > MAX_QUESTION_CHARS:
            break
        kept.append(one)
    return " ".join(kept) if kept or not questions else questions[0][:MAX_QUESTION_CHARS]
