"""Reads the data types of FHIR R4 that hold clinical words: CodeableConcept, Quantity, Period, Dosage, Reference."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from appliance.drafting.records.facts import day, number, words

Resource = Mapping[str, Any]
Resolve = Callable[[Resource, Any], Resource | None]


def each(value: Any) -> Iterator[Resource]:
    """Yield the objects of a list; a single object counts as a list of one."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield item


def concept(value: Any) -> str:
    """Return the words of a CodeableConcept: its text, or its first display. A bare code is no word."""
    for one in each(value):
        if text := words(one.get("text")):
            return text
        for coding in each(one.get("coding")):
            if text := words(coding.get("display")):
                return text
    return ""


def concepts(value: Any) -> str:
    """Return the words of a list of concepts."""
    return ", ".join(text for one in each(value) if (text := concept(one)))


def code(value: Any) -> str:
    """Return the first code of a CodeableConcept, for statuses."""
    for one in each(value):
        for coding in each(one.get("coding")):
            if text := words(coding.get("code")):
                return text
    return ""


def quantity(value: Any) -> str:
    """Return a Quantity with its comparator and unit."""
    for one in each(value):
        if figure := number(one.get("value")):
            unit = words(one.get("unit")) or words(one.get("code"))
            return f"{words(one.get('comparator'))}{figure} {unit}".strip()
    return ""


def value_of(resource: Resource) -> str:
    """Return value[x] of an observation or a component."""
    for key, value in resource.items():
        if not key.startswith("value"):
            continue
        match key:
            case "valueQuantity":
                text = quantity(value)
            case "valueCodeableConcept":
                text = concept(value)
            case "valueRange":
                text = "–".join(
                    filter(None, (quantity(value.get("low")), quantity(value.get("high"))))
                    if isinstance(value, dict)
                    else ()
                )
            case "valueRatio":
                text = "/".join(
                    filter(None, (quantity(value.get("numerator")), quantity(value.get("denominator"))))
                    if isinstance(value, dict)
                    else ()
                )
            case "valueBoolean":
                text = "yes" if value is True else "no" if value is False else ""
            case "valueInteger":
                text = number(value)
            case "valueDateTime" | "valuePeriod":
                text = day(value) if isinstance(value, str) else period(value)
            case _:
                text = words(value)
        if text:
            return text
    if absent := concept(resource.get("dataAbsentReason")) or code(resource.get("dataAbsentReason")):
        return f"no value ({absent})"
    return ""


def period(value: Any) -> str:
    """Return a Period as words."""
    for one in each(value):
        start, end = day(one.get("start")), day(one.get("end"))
        if start and end and start != end:
            return f"{start} to {end}"
        return start or end
    return ""


def first_day(resource: Resource, *names: str) -> str:
    """Return the first date among elements, which are a dateTime or a Period."""
    for name in names:
        value = resource.get(name)
        if text := day(value) or next((day(one.get("start")) or day(one.get("end")) for one in each(value)), ""):
            return text
    return ""


def dosage(value: Any) -> str:
    """Return dosage instructions: the author's text, or dose, timing and route."""
    lines = []
    for one in each(value):
        if text := words(one.get("text")) or words(one.get("patientInstruction")):
            lines.append(text)
            continue
        doses = [quantity(rate.get("doseQuantity")) for rate in each(one.get("doseAndRate"))]
        parts = [f"dose {dose}" for dose in doses if dose]
        for timing in each(one.get("timing")):
            parts.append(concept(timing.get("code")))
            for repeat in each(timing.get("repeat")):
                times, length = number(repeat.get("frequency")), number(repeat.get("period"))
                if times and length:
                    parts.append(f"{times} times in {length} {words(repeat.get('periodUnit'))}")
        parts.append(concept(one.get("route")))
        if one.get("asNeededBoolean") is True:
            parts.append("as needed")
        lines.append(" ".join(part for part in parts if part))
    return "; ".join(line for line in lines if line)
