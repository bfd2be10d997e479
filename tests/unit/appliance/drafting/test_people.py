"""Who and what a bundle names, for de-identification: all of it, bounded, whatever the form of the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.drafting.records import KnownValue, read_bundle
from appliance.drafting.records.people import MAX_NAMES, MAX_VALUES, people_of

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [
        {"system": "urn:practice", "value": "883421"},
        {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-12-3456"},
        {"type": {"coding": [{"code": "DL"}]}, "value": "S9912345"},
    ],
    "name": [{"family": "Okafor123", "given": ["Adaeze", "Ngozi"], "prefix": ["Ms."]}, {"text": "Ada Eze"}],
    "telecom": [
        {"system": "phone", "value": "512-867-5309"}, {"system": "email", "value": "ada@mail.org"},
        {"system": "fax", "value": "512-867-5310"}, {"value": "tel:512-867-5311"},
    ],
    "address": [{"line": ["14 Rosewood Lane"], "city": "Waltham", "postalCode": "02451"}],
    "contact": [
        {"name": {"family": "Brandt", "given": ["Ulrike"]}, "telecom": [{"system": "sms", "value": "617-555-9911"}]}
    ],
}  # fmt: skip
OTHERS: list[dict[str, Any]] = [
    {"resourceType": "RelatedPerson", "name": [{"family": "Okafor", "given": ["Chidi"]}]},
    {"resourceType": "Practitioner", "name": [{"family": "Lindqvist", "given": ["Maj"]}],
     "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}]},
    {"resourceType": "Coverage", "subscriberId": "XJK 4432 A", "class": [{"value": "GRP-77120"}],
     "identifier": [{"value": "POL-55-1"}]},
    {"resourceType": "Organization", "name": "Alder Creek Family Practice"},
    {"resourceType": "Device", "serialNumber": "SN-0042-77"},
    {"resourceType": "Condition", "code": {"text": "Asthma"},
     "asserter": {"reference": "Practitioner/9", "display": "Dr. Hal Pruitt"},
     "recorder": {"reference": "urn:uuid:77", "display": "Mrs. Ines Duarte"},
     "subject": {"reference": "Encounter/1", "display": "Annual visit"}},
    {"resourceType": "Observation", "code": {"text": "Weight"},
     "contained": [{"resourceType": "Practitioner", "id": "c", "name": [{"text": "Sora Vale"}]}]},
]  # fmt: skip


def test_everybody_and_everything_that_identifies_is_named() -> None:
    people = people_of([PATIENT, *OTHERS])
    assert people.names == (
        "Adaeze Ngozi Okafor", "Ada Eze", "Ulrike Brandt", "Chidi Okafor", "Maj Lindqvist", "Dr. Hal Pruitt",
        "Mrs. Ines Duarte", "Sora Vale",
    )  # fmt: skip
    assert {(value.kind, value.text) for value in people.values} == {
        ("record", "883421"), ("ssn", "999-12-3456"), ("licence", "S9912345"), ("phone", "512-867-5309"),
        ("email", "ada@mail.org"), ("fax", "512-867-5310"), ("phone", "512-867-5311"), ("phone", "617-555-9911"),
        ("address", "14 Rosewood Lane"), ("place", "Waltham"), ("place", "02451"), ("licence", "1234567893"),
        ("plan", "XJK 4432 A"), ("plan", "GRP-77120"), ("plan", "POL-55-1"),
        ("facility", "Alder Creek Family Practice"),
        ("device", "SN-0042-77"),
    }  # fmt: skip
    assert "Okafor" not in repr(people)
    assert "883421" not in repr(people)


def test_a_record_has_its_people_and_its_source_does_not() -> None:
    data = json.dumps({"resourceType": "Bundle", "entry": [{"resource": one} for one in (*OTHERS, PATIENT)]}).encode()
    record = read_bundle(data)
    assert "Adaeze Ngozi Okafor" in record.people.names
    assert record.people.names[0] == "Adaeze Ngozi Okafor"  # the patient first, wherever they stand
    assert not any(name in record.source.text for name in record.people.names)
    assert KnownValue("record", "883421") in record.people.values


ODD: list[Any] = [
    None, 7, "x", [], [None], {}, {"resourceType": 7}, {"resourceType": "Patient"},
    {"resourceType": "Patient", "name": "Ada"},
    {"resourceType": "Patient", "name": [7, None, {"given": 7, "family": []}]},
    {"resourceType": "Patient", "telecom": [{"value": 7}, {"system": [], "value": "x"}], "address": [{"line": 7}, 3]},
    {"resourceType": "Patient", "identifier": [{"value": None, "type": [7, {"coding": 7}], "system": {}}]},
    {"resourceType": "Coverage", "class": 7, "subscriberId": {}}, {"resourceType": "Device", "udiCarrier": "x"},
    {"resourceType": "Patient", "name": [{"text": "x" * 10_000}]}, {"display": "Dr. A B", "reference": {}, "type": []},
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_a_malformed_resource_costs_itself_and_nothing_else(odd: Any) -> None:
    assert "Adaeze Ngozi Okafor" in people_of([odd, PATIENT]).names


def test_the_number_of_people_and_values_is_bounded_and_the_patient_is_kept() -> None:
    many = [
        {"resourceType": "Practitioner", "name": [{"text": f"P{n}x Q"}], "identifier": [{"value": f"{n:08}"}]}
        for n in range(MAX_VALUES + 50)
    ]  # fmt: skip
    people = people_of([*many, PATIENT])
    assert (len(people.names), len(people.values)) == (MAX_NAMES, MAX_VALUES)
    assert people.names[0] == "Adaeze Ngozi Okafor"
    assert people.values[0].text == "512-867-5309"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12)
    | st.sampled_from(["Patient", "Coverage", "Practitioner/1", "phone"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(
            ["resourceType", "name", "given", "family", "text", "telecom", "system", "value", "address", "line", "city",
             "identifier", "type", "coding", "code", "class", "contact", "display", "reference", "udiCarrier"]
        ),
        inner, max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(JSON, max_size=4))
def test_no_form_breaks_it(resources: list[Any]) -> None:
    people = people_of(resources)
    assert all(0 < len(name) <= 401 for name in people.names)
    assert all(value.text.strip() for value in people.values)
