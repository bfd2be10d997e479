"""Reading a practice's records: what is read, and that a wrong row is told with its line and without its text."""

from __future__ import annotations

import base64
import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from appliance.coding.validation.csv_file import read_csv
from appliance.coding.validation.fhir_file import read_fhir
from appliance.coding.validation.records import RecordsError
from appliance.coding.validation.run import read_records
from appliance.errors import UnknownStateError

HEADER = "id,date_of_service,codes,text\n"
SECRET = "Zebediah Quillfeather"


def _csv(tmp_path: Path, content: str | bytes) -> Path:
    file = tmp_path / "practice.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def test_codes_are_read_in_order_with_their_dots_and_once(tmp_path: Path) -> None:
    file = _csv(
        tmp_path, '\ufeffID,Date of service,codes,text,age_years\nA,2026-05-01,"e119; I10|E11.9, 99213-25",Cough.,54\n'
    )
    records, wrong = read_csv(file)
    assert wrong == []
    assert records[0].codes == ("E11.9", "I10")
    assert (records[0].others, records[0].age_years, records[0].on) == (1, 54, datetime.date(2026, 5, 1))


def test_every_wrong_row_is_told_with_its_line_and_without_its_text(tmp_path: Path) -> None:
    rows = [
        f'A,2026-05-01,I10,"{SECRET}\nof two lines"',
        f"B,01/05/2026,I10,{SECRET}",
        f"C,2026-05-01,banana,{SECRET}",
        f"D,2026-05-01,,{SECRET}",
        f"A,2026-05-01,I10,{SECRET}",
        "E,2026-05-01,I10,",
        f"F,2009-05-01,I10,{SECRET}",
        "G,2026-05-01",
        f",2026-05-01,I10,{SECRET}",
        f"H,2026-05-01,{' '.join(['I10'] * 201)},{SECRET}",
        "I,2026-05-01,I10,a\x00b",
        f"J,2026-05-01,I10,{SECRET}",
        f"K,2999-01-01,I10,{SECRET}",
    ]
    file = _csv(tmp_path, HEADER + "\n".join(rows) + "\n")
    with pytest.raises(RecordsError) as caught:
        read_records(file, fhir=False, skip_wrong=False)
    told = str(caught.value)
    words = "date|1. of its codes|no ICD-10-CM|line 2 already|text|2009-05-01|columns|id|201 codes|zero byte"
    for line, word in [*enumerate(words.split("|"), 4), (15, "2999-01-01")]:
        assert any(f"line {line}:" in one and word in one for one in told.splitlines()), (line, told)
    assert "11 records" in told
    assert SECRET not in told
    assert "banana" not in told
    records, wrong = read_records(file, fhir=False, skip_wrong=True)
    assert [record.id for record in records] == ["A", "J"]
    assert len(wrong) == 11


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("id,codes\n", "date_of_service, text or path"),
        ("", "no column"),
        (HEADER, "no record"),
        (HEADER + 'A,2026-05-01,I10,"open\n', "no CSV"),
        (HEADER + "A,2026-05-01,I10," + "x" * 300_000 + "\n", "no CSV"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: str, word: str) -> None:
    with pytest.raises(RecordsError, match=word):
        read_csv(_csv(tmp_path, content))


def test_bytes_that_are_no_utf8_are_told_by_line(tmp_path: Path) -> None:
    _, wrong = read_csv(_csv(tmp_path, HEADER.encode() + b"A,2026-05-01,I10,caf\xe9\n"))
    assert [(one.place, one.problem) for one in wrong] == [("line 2", "text: not UTF-8")]


def test_paths_stay_below_the_file(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    (inside / "notes").mkdir(parents=True)
    (inside / "notes" / "a.txt").write_text("Cough.", "utf-8")
    (tmp_path / "outside.txt").write_text("Cough.", "utf-8")
    (inside / "link.txt").symlink_to(tmp_path / "outside.txt")
    rows = [
        f"{n},2026-05-01,R05.9,{p}"
        for n, p in enumerate(("notes/a.txt", "../outside.txt", "link.txt", "/etc/hostname", "no.txt", "", "\x01"))
    ]
    file = _csv(inside, "id,date_of_service,codes,path\n" + "\n".join(rows) + "\n")
    records, wrong = read_csv(file)
    assert [(record.id, record.text) for record in records] == [("0", "Cough.")]
    assert [one.place for one in wrong] == [f"line {n}" for n in range(3, 9)]


def test_a_file_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(UnknownStateError):
        read_csv(tmp_path / "no.csv")
    with pytest.raises(UnknownStateError):
        read_fhir(tmp_path / "no.json")


def _icd(*codes: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code} for code in codes]}


def _bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]}


def _visit(number: int, text: str = "Cough.") -> list[dict[str, Any]]:
    encounter = {"reference": f"Encounter/{number}"}
    encoded = base64.b64encode(text.encode()).decode()
    refuted = {"coding": [{"code": "refuted"}]}
    return [
        {"resourceType": "Encounter", "id": str(number), "period": {"start": "2026-05-01T09:00:00Z"}},
        {
            "resourceType": "DocumentReference", "id": f"d{number}", "status": "current",
            "subject": {"reference": "Patient/p"},
            "context": {"encounter": [encounter]},
            "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "data": encoded}}],
        },
        {"resourceType": "Condition", "encounter": encounter, "code": _icd("R05.9")},
        {"resourceType": "Condition", "encounter": encounter, "code": _icd("J18.9"), "verificationStatus": refuted},
    ]  # fmt: skip


def test_conditions_of_the_encounter_count_unless_refuted(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "1970-05-02"}
    file.write_text(json.dumps(_bundle(patient, *_visit(1), *_visit(2, "Rash."))), "utf-8")
    records, wrong = read_fhir(file)
    assert wrong == []
    assert [(each.id, each.codes, each.text, each.age_years) for each in records] == [
        ("1", ("R05.9",), "Cough.", 55),
        ("2", ("R05.9",), "Rash.", 55),
    ]


def test_a_claim_goes_before_conditions_and_keeps_its_sequence(tmp_path: Path) -> None:
    claim = {
        "resourceType": "Claim", "status": "active", "item": [{"encounter": [{"reference": "Encounter/1"}]}],
        "diagnosis": [
            {"sequence": 2, "diagnosisCodeableConcept": _icd("I10")},
            {"sequence": 1, "diagnosisReference": {"reference": "Condition/c"}},
        ],
    }  # fmt: skip
    referred = {"resourceType": "Condition", "id": "c", "code": _icd("E11.9")}
    file = tmp_path / "b.ndjson"
    file.write_text("\n" + json.dumps(_bundle(*_visit(1), claim, referred)) + "\n{\n", "utf-8")
    records, wrong = read_fhir(file)
    assert [each.codes for each in records] == [("E11.9", "I10")]
    assert [one.place for one in wrong] == ["line 3"]


def test_a_composition_is_read_as_text_with_its_headings(tmp_path: Path) -> None:
    composition = {
        "resourceType": "Composition", "id": "x", "status": "final", "date": "2026-05-01",
        "section": [{"title": "Assessment", "text": {"div": "<div><p>Cough &amp; fever.</p><p>Two lines</p></div>"}}],
    }  # fmt: skip
    (tmp_path / "Doe_Jane.json").write_text(
        json.dumps(_bundle(composition, {"resourceType": "Condition", "code": _icd("R05.9")})), "utf-8"
    )
    (tmp_path / "Doe_John.json").write_text("[]", "utf-8")
    records, wrong = read_fhir(tmp_path)
    assert records[0].text == "ASSESSMENT\n\nCough & fever.\nTwo lines"
    # Exports name files after patients.
    assert "Doe" not in records[0].place + wrong[0].place


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        "{}",
        "null",
        '{"resourceType":"Bundle","entry":3}',
        '{"resourceType":"Bundle","entry":[1,null]}',
        "\x00",
    ],
)
def test_what_is_no_bundle_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "b.json"
    file.write_text(content, "utf-8")
    with pytest.raises(RecordsError):
        read_records(file, fhir=True, skip_wrong=True)


@pytest.mark.parametrize("spoilt", ["no-base64!", "/w==", 7])
def test_an_attachment_that_is_no_text_is_told(tmp_path: Path, spoilt: object) -> None:
    visit = _visit(1)
    visit[1]["content"][0]["attachment"]["data"] = spoilt
    file = tmp_path / "b.json"
    file.write_text(json.dumps(_bundle(*visit)), "utf-8")
    with pytest.raises(RecordsError):
        read_records(file, fhir=True, skip_wrong=False)
