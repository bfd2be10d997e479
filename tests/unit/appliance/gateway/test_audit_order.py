"""Nothing is released before its entry is durable, and a log that cannot be written releases nothing."""

# ruff: noqa: S608 (the identifiers in these queries are the test's own)
from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.anyio


@pytest.mark.both_stores
async def test_without_a_log_no_route_releases_anything(gw: Any) -> None:
    encounter, document = await gw.signed()
    (transcript,) = gw.row("SELECT id FROM transcript")
    (recording,) = gw.row("SELECT id FROM recording")
    record = await gw.ask(
        "POST", f"/v1/encounters/{encounter}/records", content=b"Seen for KneeMarker pain.",
        headers={"content-type": "text/plain"}, status=201,
    )  # fmt: skip
    record_id = record.json()["id"]
    tables = ("encounter", "document", "revision", "recording", "transcript", "record", "consent_event", "addendum")
    before = {table: gw.row(f"SELECT count(*) FROM {table}")[0] for table in tables}
    gw.break_log()
    here = f"/v1/encounters/{encounter}"
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/v1/encounters", {}),
        ("GET", here, {}),
        ("POST", "/v1/encounters", {"json": {"patient_ref": "x", "patient_state": "CA", "clinician_state": "CA"}}),
        ("PUT", f"{here}/care-team", {"json": {"team": []}}),
        ("POST", f"{here}/break-glass", {"json": {"reason": "A good reason indeed"}}),
        ("POST", f"{here}/recordings", {"content": b"RIFF" + b"0" * 100, "headers": {"content-type": "audio/wav"}}),
        ("GET", f"{here}/recordings/{recording}", {}),
        ("POST", f"{here}/transcripts", {"json": {"recording": recording}}),
        ("GET", f"/v1/transcripts/{transcript}", {}),
        ("POST", f"{here}/records", {"content": b"text", "headers": {"content-type": "text/plain"}}),
        ("GET", f"/v1/records/{record_id}", {}),
        ("POST", f"{here}/drafts", {"json": {"kind": "visit_note", "sources": [transcript]}}),
        ("POST", f"{here}/drafts", {"json": {"kind": "visit_note", "sources": [transcript], "preview": True}}),
        ("GET", f"/v1/documents/{document}", {}),
        ("GET", f"/v1/documents/{document}/history", {}),
        ("GET", f"/v1/documents/{document}/signed", {}),
        ("POST", f"/v1/documents/{document}/addenda", {"json": {"text": "more"}}),
        ("POST", f"{here}/close", {}),
    ]  # fmt: skip
    for method, path, more in requests:
        answer = await gw.ask(method, path, **more)
        assert answer.status_code == 503, (method, path, answer.text[:300])
        assert answer.json()["type"].endswith("audit-unavailable"), (method, path)
        assert "knee" not in answer.text.lower()
        assert "MRN" not in answer.text
    assert (await gw.consent(encounter, "patient", kind="withdrawn")).status_code == 503
    after = {table: gw.row(f"SELECT count(*) FROM {table}")[0] for table in tables}
    # A refused upload and a refused draft leave a row that says so, and nothing else is there.
    assert {**after, "recording": 0, "document": 0} == {**before, "recording": 0, "document": 0}
    assert len(gw.rows("SELECT id FROM recording WHERE state = 'stored'")) == 1
    assert len(gw.rows("SELECT id FROM document WHERE sealed IS NOT NULL")) == 1


@pytest.mark.both_stores
@pytest.mark.parametrize("act", ["review", "content", "signature", "rejection"])
async def test_without_a_log_no_act_of_the_review_counts(gw: Any, act: str) -> None:
    _, document = await gw.drafted()
    if act != "review":
        await gw.act(document, "review")
    version = gw.version(document)
    sections = {name: [] for name in ("history", "exam", "assessment", "plan", "consent")}
    given = {
        "review": None, "content": {"sections": sections}, "signature": {"attest": True},
        "rejection": {"reason": "other"},
    }[act]  # fmt: skip
    gw.break_log()
    answer = await gw.act(document, act, json=given)
    assert answer.status_code == 503
    assert gw.version(document) == version


@pytest.mark.both_stores
async def test_one_entry_for_each_decision_of_a_visit(gw: Any) -> None:
    _, document = await gw.signed()
    await gw.ask("GET", f"/v1/documents/{document}/signed")
    assert gw.happened() == [
        "encounter.created", "consent.given", "consent.given", "recording.stored", "transcript.ordered",
        "transcript.completed", "transcript.read", "draft.begun", "draft.completed", "review.begun", "document.signed",
        "document.signed_read",
    ]  # fmt: skip
    for index, entry in enumerate(gw.entries()):
        assert entry["actor"]["subject"] in ("doc-1", "appliance")
        assert entry["encounter"]
        assert "knee" not in json.dumps(entry), index


async def test_indexes_in_the_store_are_those_of_the_log(gw: Any) -> None:
    await gw.signed()
    entries = gw.entries()
    (signed,) = gw.row("SELECT audit_index FROM signature")
    assert entries[signed]["event"] == "document.signed"
    (completed,) = gw.row("SELECT audit_index FROM revision WHERE act = 'draft'")
    assert entries[completed]["event"] == "draft.completed"
    (heard,) = gw.row("SELECT audit_index FROM transcript")
    assert entries[heard]["event"] == "transcript.completed"
