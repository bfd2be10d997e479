"""Who and what a FHIR R4 bundle names: people, addresses, telecoms, numbers. For de-identification alone; no source.

What has an unexpected form is passed over, never refused: the record itself is judged elsewhere. Everything is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from appliance.drafting.records.elements import each
from appliance.drafting.records.facts import words

MAX_NAMES, MAX_VALUES = 200, 2_000
"""A patient's record has some dozens of people. What is beyond is cut: patient and relatives come first."""
_MAX_CHARS = 200
_MAX_OBJECTS = 500_000

ValueKind = Literal[
    "address", "place", "facility", "phone", "fax", "email", "url", "ssn", "record", "plan", "licence", "device",
]  # fmt: skip
_PEOPLE = frozenset({"Patient", "RelatedPerson", "Practitioner", "Person"})
_FIRST = {"Patient": 0, "Coverage": 0, "RelatedPerson": 1, "Person": 1}
_PLACES = frozenset({"Organization", "Location"})
_TELECOMS: Mapping[str, ValueKind] = {"phone": "phone", "sms": "phone", "pager": "phone", "fax": "fax", "url": "url"}
# Codes of HL7 table 0203, which Identifier.type has.
_BY_TYPE: Mapping[str, ValueKind] = {
    "SS": "ssn", "SB": "ssn", "DL": "licence", "PPN": "licence", "NPI": "licence", "DEA": "licence", "MD": "licence",
    "MB": "plan", "HC": "plan", "MC": "plan", "MA": "plan", "SN": "device", "UDI": "device",
}  # fmt: skip
_BY_SYSTEM: Mapping[str, ValueKind] = {
    "http://hl7.org/fhir/sid/us-ssn": "ssn", "http://hl7.org/fhir/sid/us-npi": "licence",
    "http://hl7.org/fhir/sid/us-medicare": "plan", "http://hl7.org/fhir/sid/us-mbi": "plan",
}  # fmt: skip
_BY_RESOURCE: Mapping[str, ValueKind] = {"Coverage": "plan", "Device": "device"}
# Types whose instances a reference's display names as a person.
_REFERENCED = re.compile(r"(?:^|/)(?:Patient|RelatedPerson|Practitioner|PractitionerRole|Person)(?:[/?]|$)")
_URN = re.compile(r"^urn:(?:uuid|oid):\S+$")


@dataclass(frozen=True)
class KnownValue:
    """Something that identifies, as the bundle writes it: one line."""

    kind: ValueKind
    text: str


@dataclass(frozen=True)
class People:
    """`names`: full names without titles of courtesy that FHIR keeps apart; `values`: whatever else identifies."""

    names: tuple[str, ...] = ()
    values: tuple[KnownValue, ...] = ()

    def __repr__(self) -> str:
        return f"People({len(self.names)} names, {len(self.values)} values)"


def people_of(resources: Iterable[Any]) -> People:
    """Return who and what resources name. Never raises for what they hold."""
    names: tuple[dict[str, None], ...] = ({}, {}, {})
    values: tuple[dict[KnownValue, None], ...] = ({}, {}, {})
    for node, owner in _objects(resources):
        rank = _FIRST.get(owner, len(names) - 1)
        for name in _names(node, owner):
            if len(names[rank]) < MAX_NAMES:
                names[rank].setdefault(name)
        for value in _values(node, owner):
            if len(values[rank]) < MAX_VALUES:
                values[rank].setdefault(value)
    every_name = dict.fromkeys(name for each_rank in names for name in each_rank)
    every_value = dict.fromkeys(value for each_rank in values for value in each_rank)
    return People(tuple(every_name)[:MAX_NAMES], tuple(every_value)[:MAX_VALUES])


def _objects(resources: Iterable[Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield every object in the bundle's order, with the type of the resource that it is of. No recursion."""
    waiting: list[tuple[Any, str]] = [(one, "") for one in resources][::-1]
    seen = 0
    while waiting and seen < _MAX_OBJECTS:
        node, owner = waiting.pop()
        if isinstance(node, list):
            waiting += [(one, owner) for one in reversed(node)]
        elif isinstance(node, dict):
            seen += 1
            kind = node.get("resourceType")
            owner = kind if isinstance(kind, str) else owner
            yield node, owner
            waiting += [(one, owner) for one in reversed(list(node.values())) if isinstance(one, dict | list)]


def _short(value: Any) -> str:
    text = words(value)
    return text if len(text) <= _MAX_CHARS else ""


def _names(node: Mapping[str, Any], owner: str) -> Iterator[str]:
    if owner in _PEOPLE:
        # Patient.contact has one name, everybody else a list.
        for one in each(node.get("name")):
            yield from _human(one)
    display, reference = _short(node.get("display")), node.get("reference")
    kind = node.get("type")
    if display and (
        (isinstance(reference, str) and _REFERENCED.search(reference))
        or (isinstance(kind, str) and _REFERENCED.search(kind))
        or (isinstance(reference, str) and _URN.match(reference) and _is_name(display))
    ):
        yield _without_digits(display)


def _human(name: Mapping[str, Any]) -> Iterator[str]:
    """Return the texts of a HumanName. Synthea's names end in digits ("Lopez123"); people write them without."""
    given = name.get("given")
    parts = [_short(one) for one in (given if isinstance(given, list) else [given])[:10]]
    whole = " ".join(part for part in (*parts, _short(name.get("family"))) if part)
    for text in dict.fromkeys((_short(name.get("text")), whole[:_MAX_CHARS])):
        if text:
            yield _without_digits(text)


def _without_digits(text: str) -> str:
    return re.sub(r"(?<=[^\W\d_])\d+\b", "", text)


def _is_name(display: str) -> bool:
    """Whether the display of a reference that says no type is a person's: two to six words, a title before them."""
    parts = display.split()
    return 2 <= len(parts) <= 6 and bool(re.match(r"(?:Dr|Mr|Mrs|Ms|Miss|Prof)\b\.?", parts[0]))


def _values(node: Mapping[str, Any], owner: str) -> Iterator[KnownValue]:
    if owner in _PEOPLE | _PLACES:
        for one in each(node.get("telecom")):
            yield from _telecom(one)
        for one in each(node.get("address")):
            yield from _address(one)
    if owner in _PLACES and node.get("resourceType") == owner:
        yield from _known("facility", node.get("name"))
    for one in each(node.get("identifier")):
        if "value" in one:
            yield from _known(_identifier_kind(one, owner), one.get("value"))
    if owner == "Coverage" and node.get("resourceType") == owner:
        for value in (node.get("subscriberId"), node.get("policyHolderId")):
            yield from _known("plan", value)
        for one in each(node.get("class")):
            yield from _known("plan", one.get("value"))
    if owner == "Device" and node.get("resourceType") == owner:
        udi = [one.get("carrierHRF") for one in each(node.get("udiCarrier"))]
        for value in (node.get("serialNumber"), node.get("lotNumber"), node.get("distinctIdentifier"), *udi):
            yield from _known("device", value)


def _known(kind: ValueKind, value: Any) -> Iterator[KnownValue]:
    if text := _short(value):
        yield KnownValue(kind, text)


def _telecom(one: Mapping[str, Any]) -> Iterator[KnownValue]:
    system, value = one.get("system"), one.get("value")
    if isinstance(value, str) and "@" in value:
        yield from _known("email", value.removeprefix("mailto:"))
    else:
        kind = _TELECOMS.get(system, "phone") if isinstance(system, str) else "phone"
        yield from _known(kind, value.removeprefix("tel:") if isinstance(value, str) else value)


def _address(one: Mapping[str, Any]) -> Iterator[KnownValue]:
    lines = one.get("line")
    for line in (lines if isinstance(lines, list) else [lines])[:10]:
        yield from _known("address", line)
    yield from _known("address", one.get("text"))
    for name in ("city", "district", "postalCode"):
        yield from _known("place", one.get(name))


def _identifier_kind(one: Mapping[str, Any], owner: str) -> ValueKind:
    for coding in (coding for kind in each(one.get("type")) for coding in each(kind.get("coding"))):
        code = coding.get("code")
        if isinstance(code, str) and code in _BY_TYPE:
            return _BY_TYPE[code]
    system = one.get("system")
    if isinstance(system, str) and system in _BY_SYSTEM:
        return _BY_SYSTEM[system]
    return _BY_RESOURCE.get(owner, "record")
