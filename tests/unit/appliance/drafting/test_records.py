"""Records from outside: what becomes a fact, what is counted instead, what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.clinical.document import DocumentKind
from appliance.drafting.kinds import built_in
from appliance.drafting.records import RecordRefusedError, read_bundle, read_text, skeleton
from appliance.drafting.records.bundle import MAX_ENTRIES

ROOT = Path(__file__).parents[4]
SAMPLES = ROOT.parent / "shared/data/fhir"


def bundle(*resources: dict[str, Any], **more: Any) -> bytes:
    entries = [{"fullUrl": f"urn:uuid:{number}", "resource": resource} for number, resource in enumerate(resources)]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries, **more}).encode()


def coded(text: str) -> dict[str, Any]:
    return {"coding": [{"display": text, "code": "1"}]}


def line(resource: dict[str, Any]) -> str:
    return read_bundle(bundle(resource)).source.text


def test_an_excerpt_becomes_lines_with_labelled_passages() -> None:
    record = read_bundle((ROOT / "tests/data/fhir/excerpt.json").read_bytes())
    lines = record.source.text.split("\n")
    assert lines[0] == "undated Patient: female, born 2019-05-22"
    assert "2020-08-04 Allergy intolerance: Dander (animal) allergy, criticality low, active" in lines
    assert "2020-03-17 Condition: Concussion with no loss of consciousness, resolved, ended 2020-04-16" in lines
    plan = next(text for text in lines if "Care plan" in text)
    assert "for Concussion with no loss of consciousness" in plan  # a urn:uuid reference was followed
    assert [record.source.text[one.start : one.end] for one in record.source.passages] == lines
    assert [fact.line for fact in record.facts] == lines
    assert record.source.passages[-1].label == "Medication request 2020-08-04"
    assert record.entries["Claim"] == 1
    assert [notice.code for notice in record.notices] == ["record.not_read"]
    assert "1 Claim" in record.notices[0].text


def test_nothing_that_identifies_the_patient_gets_into_a_source() -> None:
    data = json.loads((ROOT / "tests/data/fhir/excerpt.json").read_text())
    patient = next(one["resource"] for one in data["entry"] if one["resource"]["resourceType"] == "Patient")
    text = read_bundle(json.dumps(data).encode()).source.text
    for secret in (
        patient["id"],
        patient["name"][0]["family"],
        patient["address"][0]["line"][0],
        patient["telecom"][0]["value"],
    ):
        assert secret not in text


def test_all_development_bundles_are_read_without_loss() -> None:
    if not (SAMPLES / "index.jsonl").is_file():
        pytest.skip("the FHIR bundles of the development data are not there")
    index = [json.loads(text) for text in (SAMPLES / "index.jsonl").read_text().splitlines()]
    assert len(index) == 20
    for one in index:
        record = read_bundle((SAMPLES / one["file"]).read_bytes())
        assert record.entries == one["resources"]
        outside = {"Claim", "ExplanationOfBenefit", "Organization", "Practitioner", "Goal"}
        read = {kind: sum(fact.kind == kind for fact in record.facts) for kind in one["resources"]}
        assert {kind: count for kind, count in read.items() if kind not in outside} == {
            kind: count for kind, count in one["resources"].items() if kind not in outside
        }


@pytest.mark.parametrize(
    ("resource", "wanted"),
    [
        (
            {"resourceType": "MedicationRequest", "status": "active", "authoredOn": "2021-02-03T10:00:00Z",
             "medicationCodeableConcept": {"text": "Metformin 500 mg"},
             "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
                                    "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}}]},
            "2021-02-03 Medication request: Metformin 500 mg, dose 1 tablet 2 times in 1 d, active",
        ),
        (
            {"resourceType": "MedicationRequest", "status": "active", "doNotPerform": True,
             "medicationCodeableConcept": coded("Penicillin")},
            "undated Medication request: Penicillin, must not be given, active",
        ),
        (
            {"resourceType": "Immunization", "status": "not-done", "occurrenceDateTime": "2020",
             "vaccineCode": coded("Influenza"), "statusReason": coded("Patient objection")},
            "2020 Immunization: Influenza, not given, Patient objection",
        ),
        (
            {"resourceType": "Procedure", "status": "not-done", "code": coded("Appendectomy")},
            "undated Procedure: Appendectomy, not done",
        ),
        (
            {"resourceType": "Condition", "code": coded("Asthma"),
             "verificationStatus": {"coding": [{"code": "refuted"}]},
             "onsetDateTime": "2019-05"},
            "2019-05 Condition: Asthma, refuted",
        ),
        (
            {"resourceType": "Observation", "status": "final", "code": coded("Sodium"),
             "effectiveDateTime": "2020-01-02", "interpretation": [coded("Low")],
             "valueQuantity": {"value": 0.00012345678, "unit": "mol/L", "comparator": "<"}},
            "2020-01-02 Observation: Sodium <0.0001235 mol/L, Low",
        ),
        (
            {"resourceType": "Observation", "status": "preliminary", "code": coded("HIV test"), "valueBoolean": False},
            "undated Observation: HIV test no, preliminary",
        ),
        (
            {"resourceType": "Observation", "status": "final", "code": coded("Weight"),
             "dataAbsentReason": coded("Not Performed")},
            "undated Observation: Weight no value (Not Performed)",
        ),
        (
            {"resourceType": "AllergyIntolerance", "code": coded("Penicillin"), "recordedDate": "2001-01-01",
             "reaction": [{"manifestation": [coded("Hives")], "severity": "severe"}]},
            "2001-01-01 Allergy intolerance: Penicillin, reaction Hives, severe",
        ),
        (
            {"resourceType": "MedicationStatement", "status": "active", "medicationReference": {"reference": "#m"},
             "contained": [{"resourceType": "Medication", "id": "m", "code": coded("Warfarin 5 mg")}]},
            "undated Medication statement: Warfarin 5 mg, active",
        ),
        (
            {"resourceType": "Condition", "code": {"text": "two\nlines\tand  more"}},
            "undated Condition: two lines and more",
        ),
    ],
)  # fmt: skip
def test_a_resource_says_what_it_says(resource: dict[str, Any], wanted: str) -> None:
    assert line(resource) == wanted


def test_what_is_not_a_fact_is_counted() -> None:
    record = read_bundle(
        bundle(
            {"resourceType": "Condition", "code": coded("Asthma")},
            {
                "resourceType": "Condition",
                "code": coded("Cancer"),
                "verificationStatus": {"coding": [{"code": "entered-in-error"}]},
            },
            {"resourceType": "Observation", "status": "entered-in-error", "code": coded("Weight")},
            {"resourceType": "Procedure", "code": {"coding": [{"code": "123"}]}},
            {"resourceType": "Appointment"},
            {"resourceType": "Condition", "code": {"text": "x" * 3_000}},
        )
    )
    assert "Cancer" not in record.source.text
    assert [notice.code for notice in record.notices] == [
        "record.not_read", "record.wordless", "record.in_error", "record.shortened",
    ]  # fmt: skip
    assert sum(record.entries.values()) == 6


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "UTF-8"),
        (b"{}", "no FHIR Bundle"),
        (b'{"resourceType": "Patient"}', "no FHIR Bundle"),
        (b'{"resourceType": "Bundle", "entry": {}}', "no FHIR Bundle"),
        (b'{"resourceType": "Bundle", "resourceType": "Bundle"}', "same key twice"),
        (b'{"resourceType": "Bundle", "entry": [{}]}', "no resource"),
        (b'{"resourceType": "Bundle", "entry": [3]}', "no resource"),
        (b'{"resourceType": "Bundle", "x": NaN}', "NaN"),
        (b'{"resourceType": "Bundle", "x": 1e999999999}', "digits"),
        (b'{"resourceType": "Bundle", "x": ' + b"9" * 100 + b"}", "digits"),
        (b'{"a":' * 100_000, "nested deeper"),
        (b" " * (32 * 1024 * 1024 + 1), "at most"),
        (bundle({"resourceType": "Patient"}, {"resourceType": "Patient"}), "2 patients"),
        (bundle(*[{"resourceType": "Claim"}] * (MAX_ENTRIES + 1)), "at most"),
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(RecordRefusedError, match=said):
        read_bundle(data)


@pytest.mark.parametrize(
    "kind", ["Condition", "Observation", "MedicationRequest", "CarePlan", "Patient", "DiagnosticReport"]
)
@pytest.mark.parametrize("junk", [3, "text", [], [[]], [None], {"coding": 3}, {"coding": [None]}, True])
def test_elements_of_another_type_never_crash_a_reader(kind: str, junk: Any) -> None:
    names = (
        "code status clinicalStatus verificationStatus valueQuantity valueRange valueRatio valuePeriod component "
        "result birthDate period activity addresses dosageInstruction medicationReference onsetDateTime "
        "abatementPeriod category contained referenceRange interpretation id"
    )
    record = read_bundle(bundle({"resourceType": kind, **dict.fromkeys(names.split(), junk)}))
    assert record.entries == {kind: 1}


def test_the_skeleton_has_problems_allergies_and_a_timeline_by_date() -> None:
    record = read_bundle(
        bundle(
            {
                "resourceType": "Condition",
                "code": coded("Sinusitis"),
                "onsetDateTime": "2021-01-01",
                "abatementDateTime": "2021-01-20",
            },
            {"resourceType": "Condition", "code": coded("Asthma"), "onsetDateTime": "2001-05-05"},
            {"resourceType": "MedicationRequest", "status": "active", "medicationCodeableConcept": coded("Albuterol")},
            {"resourceType": "AllergyIntolerance", "code": coded("Peanut"), "recordedDate": "2010-01-01"},
            *(
                {"resourceType": "Observation", "code": coded(f"Test {number}"), "effectiveDateTime": "2020-02-02"}
                for number in range(25)
            ),
        )
    )
    sections, notices = skeleton(record, built_in(DocumentKind.RECORD_SUMMARY))
    texts = {section.name: [one.text for one in section.statements] for section in sections}
    assert [text.split(": ")[1].split(",")[0].rstrip(".") for text in texts["problem_list"]] == ["Asthma", "Sinusitis"]
    assert [text.split(": ")[1].split(",")[0].rstrip(".") for text in texts["medications_allergies"]] == [
        "Peanut",
        "Albuterol",
    ]
    dates = [text.split()[0] for text in texts["timeline"]]
    assert dates == ["2021-01-01", "2020-02-02", "2020-02-02", "2010-01-01", "2001-05-05", "undated"]
    assert notices == ()
    for section in sections:
        for one in section.statements:
            assert one.author == "template"
            assert one.grounding is not None
            for evidence in one.grounding.evidence:
                assert record.source.text[evidence.start : evidence.end].split(": ", 1)[1] in one.text


def test_a_timeline_beyond_the_section_says_what_it_leaves_out() -> None:
    resources = [
        {
            "resourceType": "Encounter",
            "type": [coded("Visit")],
            "period": {"start": f"{1900 + number // 12}-{number % 12 + 1:02d}"},
        }
        for number in range(700)
    ]
    sections, notices = skeleton(read_bundle(bundle(*resources)), built_in(DocumentKind.RECORD_SUMMARY))
    assert len(sections[0].statements) == 500
    assert [notice.code for notice in notices] == ["skeleton.cut.timeline"]
    assert "oldest 200 of 700" in notices[0].text


def test_plain_text_becomes_passages() -> None:
    source = read_text(b"\xef\xbb\xbfAsthma since 2001\r\n\r\n  No allergies \n")
    assert [source.text[one.start : one.end] for one in source.passages] == ["Asthma since 2001", "No allergies"]
    assert [one.label for one in source.passages] == ["Line 1", "Line 3"]
    assert [one.label for one in read_text(b"one\n\x0ctwo\nthree\x0c\nfour").passages] == [
        "Page 1",
        "Page 2",
        "Page 2",
        "Page 3",
    ]


@pytest.mark.parametrize("data", [b"", b" \n", b"\xff", b"a\x00b", b"x" * 2_500_001])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(RecordRefusedError):
        read_text(data)
