"""Numbers, dates, durations, ages and doses of a statement against those of the sources."""

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction

from appliance.clinical.document import Finding, FindingKind
from appliance.grounding.content import Carried, Place
from appliance.grounding.index import SourceIndex, near
from appliance.grounding.numbers import Quantity, plain
from appliance.grounding.statement import Reading
from appliance.grounding.tables import tables

# Units that only a dose has; a number with one of them belongs to the drug named last.
DOSE_UNITS = frozenset({"mg", "mcg", "g", "ml", "iu", "meq", "piece", "puff", "drop", "cgy"})
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400}
_MONTHS = {"month": 1, "year": 12, "age": 12}
_MONTH_NAMES = (
    "january", "february", "march", "april", "may month", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_YEARS = range(1900, 2100)
# How far from the statement's other words a number may stand: some four turns of a visit.
_NEAR = 60
_DRUG_BEFORE, _DRUG_AFTER = 60, 4


def kind_of(quantity: Quantity, reading: Reading, drugs: Sequence[int]) -> FindingKind:
    """Say what a number of a statement is."""
    before = [token.text for token in reading.tokens[max(0, quantity.first - 3) : quantity.first]]
    if (
        quantity.unit == "age"
        or before[-1:] == ["age"]
        or before[-2:] in (["age", "of"], ["age", ":"])
        or "aged" in before[-1:]
    ):
        return FindingKind.DEMOGRAPHIC
    if quantity.unit in DOSE_UNITS:
        return FindingKind.DOSE
    if quantity.unit in _SECONDS or quantity.unit in _MONTHS or quantity.dated:
        return FindingKind.DATE
    if not quantity.unit and any(
        value.isdigit() and len(value) == 4 and int(value) in _YEARS for value in quantity.values
    ):
        return FindingKind.DATE
    if not quantity.unit and quantity.pair < 0 and any(0 < quantity.first - at <= 3 for at in drugs):
        return FindingKind.DOSE
    return FindingKind.NUMBER


def _scaled(value: str, unit: str) -> tuple[str, Fraction] | None:
    """Return a duration in a common unit, so that two weeks and 14 days are equal."""
    if not all(character.isdigit() or character == "/" for character in value):
        return None
    for name, table in (("s", _SECONDS), ("m", _MONTHS)):
        if unit in table:
            return name, Fraction(value) * table[unit]
    return None


def _candidates(index: SourceIndex, quantity: Quantity) -> list[int]:
    """Return the source's numbers with one of the values, or with the same duration in another unit."""
    found = {number for value in quantity.values for number in index.by_value.get(value, ())}
    for table in (_SECONDS, _MONTHS):
        if quantity.unit not in table:
            continue
        for value in quantity.values:
            if (wanted := _scaled(value, quantity.unit)) is None:
                continue
            for size in table.values():
                found.update(index.by_value.get(plain(wanted[1] / size), ()))
    return sorted(found)


def _same_unit(quantity: Quantity, other: Quantity) -> bool:
    """Whether two numbers can be the same measure. A source that names no unit does not contradict one."""
    if quantity.ordinal != other.ordinal and (other.ordinal and not quantity.dated):
        return False
    if not quantity.unit or not other.unit or quantity.unit == other.unit:
        return bool(quantity.values & other.values) and not (other.unit in DOSE_UNITS and quantity.unit == "age")
    if quantity.unit == "age" and other.unit == "year":
        return bool(quantity.values & other.values)
    if other.unit == "age":
        return False
    for value in quantity.values:
        scaled = _scaled(value, quantity.unit)
        if scaled and any(_scaled(found, other.unit) == scaled for found in other.values):
            return True
    return False


def _drug_of(index: SourceIndex, at: int, drugs: Sequence[int]) -> int | None:
    """Return the drug (its token) that a number of the source belongs to: the next word, or the last one named."""
    place = bisect_left(drugs, at)
    if place < len(drugs) and drugs[place] - at <= _DRUG_AFTER:
        between = [token.text for token in index.tokens[at : drugs[place]]]
        if not {",", ".", "and", "?"} & set(between):
            return drugs[place]
    if place and at - drugs[place - 1] <= _DRUG_BEFORE:
        return drugs[place - 1]
    if place < len(drugs) and drugs[place] - at <= _DRUG_BEFORE // 2:
        return drugs[place]
    return None


def _statement_drug(reading: Reading, carried: Sequence[Carried], quantity: Quantity) -> Carried | None:
    """Return the drug a dose of the statement belongs to."""
    drugs = [found for found in carried if found.unit.group == "drug"]
    after = [found for found in drugs if 0 <= found.unit.first - quantity.last <= 3]
    between = {token.text for token in reading.tokens[quantity.last : after[0].unit.first]} if after else set()
    if after and not between & {",", "and", ";"}:
        return after[0]
    before = [found for found in drugs if found.unit.last <= quantity.first]
    return before[-1] if before else (after[0] if after else None)


def _age_said(index: SourceIndex, other: Quantity) -> bool:
    """Whether a number of the source is somebody's age: it says old or age, or answers who asks for it."""
    if other.unit == "age":
        return True
    if other.unit and other.unit not in ("year", "month", "week", "day"):
        return False
    low = index.bounds(max(0, index.passage_at(other.first) - 1))[0]
    words = {token.text for token in index.tokens[max(low, other.first - 25) : other.last + 4]}
    if words & {"old", "age", "aged", "turned", "birthday", "turning"}:
        return True
    return _of_self(index, other)


def _of_self(index: SourceIndex, other: Quantity) -> bool:
    """Whether somebody says a number of himself: "I am 35", "she's forty years young"."""
    before = [token.text for token in index.tokens[max(0, other.first - 2) : other.first]]
    after = index.tokens[other.last].text if other.last < len(index.tokens) else "."
    close = after in (".", ",", "?", "and", "now", "\n") or other.unit == "year"
    return close and (
        before in (["i", "am"], ["i", "'m"], ["she", "is"], ["he", "is"])
        or before[-1:] in (["i'm"], ["he's"], ["she's"], ["im"])
    )


def _dates(reading: Reading) -> dict[int, str]:
    """Mark the numbers of 09/20/2007, 9/2007 and September 20, 2007; return the month each month number names."""
    months: dict[int, str] = {}
    numbers, tokens = reading.numbers, reading.tokens
    for at, quantity in enumerate(numbers):
        following = numbers[at + 1] if at + 1 < len(numbers) else None
        slash = following and [token.text for token in tokens[quantity.last : following.first]] in (["/"], ["-"])
        value = next(iter(quantity.values))
        if not slash or following is None or not value.isdigit() or not 1 <= int(value) <= 12 or quantity.unit:
            continue
        last = numbers[at + 2] if at + 2 < len(numbers) else None
        triple = last and [token.text for token in tokens[following.last : last.first]] in (["/"], ["-"])
        year = next(iter(following.values))
        if triple and last is not None:
            parts = [quantity, following, last]
        elif year.isdigit() and int(year) in _YEARS:
            parts = [quantity, following]
        else:
            continue
        months[at] = _MONTH_NAMES[int(value) - 1]
        for part in parts:
            part.dated, part.pair = True, -1
        year_part = parts[-1]
        value = next(iter(year_part.values))
        if value.isdigit() and len(value) <= 2:
            short = int(value)
            year_part.values = frozenset({value, plain(1900 + short), plain(2000 + short)})
    for at, quantity in enumerate(numbers):
        before = reading.tokens[quantity.first - 1].stem if quantity.first else ""
        if any(term.group == "date" for term in tables().terms.get(before, ())) and not quantity.unit:
            quantity.dated = True
            if at + 1 < len(numbers) and numbers[at + 1].first - quantity.last <= 1:
                numbers[at + 1].dated = True
    return months


def _article(reading: Reading, quantity: Quantity) -> bool:
    """Whether a number word counts nothing: "a week", "one of", "the first time", a list's own "2."."""
    text = reading.tokens[quantity.first].text
    if text in ("a", "an") and quantity.last - quantity.first == 1:
        return True
    if quantity.spoken and quantity.ordinal:
        return True
    if (
        text in ("one", "oh", "half", "once", "twice", "couple", "second", "quarter")
        and quantity.last - quantity.first == 1
    ):
        return not quantity.unit
    following = reading.tokens[quantity.last].text if quantity.last < len(reading.tokens) else ""
    lead = quantity.first == 0 or (quantity.first == 1 and reading.tokens[0].text == "#")
    spaced = quantity.last + 1 < len(reading.tokens) and reading.tokens[quantity.last + 1].kind == "w"
    short = all(value.isdigit() and int(value) <= 30 for value in quantity.values if len(value) < 4)
    return lead and not quantity.spoken and following in (".", ")") and spaced and short


def _paired(index: SourceIndex, quantity: Quantity, partner: Quantity) -> bool:
    """Whether the source has both numbers of a pair in this order, close together."""
    partners = [index.numbers[number].first for value in partner.values for number in index.by_value.get(value, ())]
    partners.sort()
    for value in quantity.values:
        for number in index.by_value.get(value, ()):
            at = index.numbers[number].last
            place = bisect_left(partners, at)
            if place < len(partners) and partners[place] - at <= 8:
                return True
    return False


def check(
    reading: Reading, carried: Sequence[Carried], indexes: Sequence[SourceIndex]
) -> tuple[list[Finding], list[Place]]:
    """Return the numbers that no source says of the same thing, and the places of those that one does."""
    findings: list[Finding] = []
    evidence: list[Place] = []
    months = _dates(reading)
    framed = {
        at for found in carried if found.unit.group == "frequency" for at in range(found.unit.first, found.unit.last)
    }
    statement_drugs = [found.unit.first for found in carried if found.unit.group == "drug"]
    around: list[list[int]] = [[] for _ in indexes]
    for found in carried:
        if found.unit.group not in ("general", "frequency"):
            for number, at in found.places:
                around[number].append(at)
    for places in around:
        places.sort()
    for number, quantity in enumerate(reading.numbers):
        if quantity.first in framed or _article(reading, quantity):
            continue
        kind = kind_of(quantity, reading, statement_drugs)
        drug = _statement_drug(reading, carried, quantity) if kind is FindingKind.DOSE else None
        good: list[Place] = []
        said: list[str] = []
        for source, index in enumerate(indexes):
            if number in months:
                good += [(source, at) for at in index.postings.get(f"date:{months[number]}", ())]
            drugs = (
                index.places([name for name in drug.unit.names if name.startswith("drug:")] or drug.unit.names)
                if drug
                else []
            )
            every = _all_drugs(index) if drug else []
            for candidate in _candidates(index, quantity):
                other = index.numbers[candidate]
                if not _same_unit(quantity, other) or (
                    other.ordinal and kind is not FindingKind.DATE and not quantity.ordinal
                ):
                    continue
                if kind is FindingKind.DOSE and (other.unit not in DOSE_UNITS and other.unit):
                    continue
                if kind is FindingKind.DEMOGRAPHIC and not _age_said(index, other):
                    continue
                if (
                    index.tokens[other.first].text in ("a", "an", "once")
                    and other.last - other.first == 1
                    and (not quantity.unit or quantity.unit != other.unit)
                ):
                    continue
                if quantity.unit == "year" and _of_self(index, other):
                    continue
                if drug is not None and drug.places and _drug_of(index, other.first, every) not in drugs:
                    continue
                if (
                    drug is None
                    and around[source]
                    and not near(around[source], other.first, _NEAR)
                    and kind is not FindingKind.DEMOGRAPHIC
                ):
                    continue
                good.append((source, other.first))
            if quantity.pair > number and not quantity.dated and good:
                partner = reading.numbers[quantity.pair]
                if not _paired(index, quantity, partner) and not any(place[0] != source for place in good):
                    good = []
            if drug is not None and not good:
                said += [
                    _shown(index, other)
                    for other in index.numbers
                    if other.unit in DOSE_UNITS and _drug_of(index, other.first, every) in drugs
                ][:3]
        if not good:
            findings.append(
                reading.finding(kind, quantity.first, max(quantity.last, quantity.unit_end), ", ".join(said))
            )
            continue
        if all(indexes[source].doubtful(at, at + 1) for source, at in good):
            findings.append(reading.finding(FindingKind.DOUBTFUL_SOURCE, quantity.first, quantity.last))
        evidence += good[:5]
    return findings, evidence


def _all_drugs(index: SourceIndex) -> list[int]:
    """Return the places of every drug that the tables know, in order."""
    return index.places([name for name in index.postings if name.startswith("drug:")] or ["drug:"])


def _shown(index: SourceIndex, quantity: Quantity) -> str:
    start, end = index.tokens[quantity.first].start, index.tokens[max(quantity.last, quantity.unit_end) - 1].end
    return index.source.text[start:end][:60]
