"""No answer and no line of the log repeats what was sent, unless it is the content that was asked for."""

# ruff: noqa: E501 (one request a line)
from __future__ import annotations

import re
from typing import Any

import pytest

from appliance.gateway.auth.principal import Role

pytestmark = pytest.mark.anyio
MARK = "ZqSecretMarker"
ADMIN = ("boss", Role.ADMIN)


def requests(encounter: str, document: str) -> list[tuple[str, str, tuple[str, Role], dict[str, Any]]]:
    doctor = ("doc-1", Role.CLINICIAN)
    here, there = f"/v1/encounters/{encounter}", f"/v1/documents/{document}"
    event = {
        "id": "x", "kind": "given", "party": {"kind": "patient"}, "method": "verbal", "patient_state": "CA",
        "clinician_state": "CA", "at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    whole = {"patient_ref": "x", "patient_state": "CA", "clinician_state": "CA"}
    found: list[tuple[str, str, tuple[str, Role], dict[str, Any]]] = [
        ("POST", "/v1/encounters", doctor, {"json": {**whole, MARK: 1}}),
        ("POST", "/v1/encounters", doctor, {"json": {**whole, "team": [f"{MARK} x"]}}),
        ("POST", "/v1/encounters", doctor, {"json": {**whole, "patient_state": MARK}}),
        ("POST", "/v1/encounters", doctor, {"json": {**whole, "patient_ref": f"{MARK}\x00"}}),
        ("POST", "/v1/encounters", doctor, {"content": f'{{"{MARK}": '.encode()}),
        ("POST", "/v1/encounters", doctor, {"content": MARK.encode(), "headers": {"content-type": MARK}}),
        ("GET", f"/v1/encounters?after={MARK}", doctor, {}),
        ("GET", f"/v1/encounters?state={MARK}", doctor, {}),
        ("GET", f"/v1/encounters/{MARK}", doctor, {}),
        ("GET", f"/{MARK}?{MARK}={MARK}", doctor, {}),
        (MARK.upper(), "/v1/me", doctor, {}),
        ("POST", f"{here}/break-glass", doctor, {"json": {"reason": "Zz"}, "headers": {"x-note": MARK}}),
        ("POST", f"{here}/break-glass", doctor, {"json": {"reason": f"{MARK}\x01 0123456789"}}),
        ("POST", f"{here}/recordings", doctor, {"content": MARK.encode() * 5, "headers": {"content-type": "audio/wav"}}),
        ("POST", f"{here}/recordings", doctor, {"content": b"RIFF", "headers": {"content-type": MARK}}),
        ("POST", f"{here}/records", doctor, {"content": b"{" + MARK.encode(), "headers": {"content-type": "application/fhir+json"}}),
        ("POST", f"{here}/records", doctor, {"json": {"resourceType": MARK}}),
        ("POST", f"{here}/records", doctor, {"content": MARK.encode() + b"\x00", "headers": {"content-type": "text/plain"}}),
        ("POST", f"{here}/records", doctor, {"content": MARK.encode(), "headers": {"content-type": MARK}}),
        ("POST", f"{here}/transcripts", doctor, {"json": {"recording": MARK}}),
        ("POST", f"{here}/drafts", doctor, {"json": {"kind": MARK}}),
        ("POST", f"{here}/drafts", doctor, {"json": {"kind": "visit_note", "fields": {MARK: "x"}}}),
        ("POST", f"{here}/drafts", doctor, {"json": {"kind": "visit_note", "template": MARK.lower()}}),
        ("POST", f"{here}/drafts", doctor, {"json": {"kind": "front_desk_template", "fields": {"subject": f"{MARK} 555-123-4567"}}}),
        ("PUT", f"{there}/content", doctor, {"json": {"sections": {MARK: []}}, "headers": {"if-match": "2"}}),
        ("PUT", f"{there}/content", doctor, {"json": {"sections": {MARK: [{"text": ""}]}}, "headers": {"if-match": "2"}}),
        ("PUT", f"{there}/content", doctor, {"json": {"sections": {}}, "headers": {"if-match": MARK}}),
        ("POST", f"{there}/acknowledgements", doctor, {"json": {"statements": [f"{MARK} "], "reason": "known_from_chart"}, "headers": {"if-match": "2"}}),
        ("POST", f"{there}/rejection", doctor, {"json": {"reason": MARK}, "headers": {"if-match": "2"}}),
        ("POST", f"{there}/signature", doctor, {"json": {"attest": MARK}, "headers": {"if-match": "2"}}),
        ("POST", f"{there}/addenda", doctor, {"json": {"text": MARK}}),
        ("PUT", "/v1/practice/vocabulary", ADMIN, {"json": {"terms": [f"{MARK}\n"]}}),
        ("PUT", "/v1/practice/vocabulary", ADMIN, {"json": {MARK: []}}),
        ("PUT", "/v1/practice/templates/x", ADMIN, {"json": {MARK: {MARK: MARK}, "id": MARK}}),
        ("PUT", f"/v1/practice/templates/{MARK}", ADMIN, {"json": {}}),
        ("POST", f"{here}/destruction", ADMIN, {"json": {"reason": MARK}}),
        ("GET", f"/v1/audit/proofs/{MARK}", ("a", Role.AUDITOR), {}),
        ("GET", f"/v1/audit/entries?start={MARK}", ("a", Role.AUDITOR), {}),
    ]  # fmt: skip
    for name, value in (
        ("id", f"{MARK} "), ("kind", MARK), ("party", {"kind": MARK}), ("party", {MARK: 1}), ("method", MARK),
        ("patient_state", MARK), ("at", MARK), ("scope", [MARK]), ("language", MARK), ("wording", f"{MARK} "),
        ("others_present", MARK),
    ):  # fmt: skip
        found.append(("POST", f"{here}/consent-events", doctor, {"json": {**event, name: value}}))
    return found


async def test_no_problem_and_no_line_repeats_the_request(gw: Any, lines: list[str]) -> None:
    encounter, document = await gw.drafted()
    await gw.act(document, "review")
    for method, path, who, more in requests(encounter, document):
        answer = await gw.ask(method, path, who=who, **more)
        assert 400 <= answer.status_code < 500, (method, path, answer.status_code, answer.text[:300])
        assert answer.headers["content-type"] == "application/problem+json", (method, path)
        assert MARK.lower() not in answer.text.lower(), (method, path, answer.text)
        found = answer.json()
        assert found["status"] == answer.status_code
        assert found["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
        assert answer.headers["cache-control"] == "no-store"
    for token in (f"Bearer {MARK}", f"Bearer {MARK}.{MARK}.{MARK}", MARK):
        answer = await gw.base.get("/v1/me", headers={"authorization": token})
        assert MARK not in answer.text
    ours = [line for line in lines if line.startswith(("request ", "transcript ", "draft ", "error", "retention"))]
    assert ours
    assert MARK.lower() not in "\n".join(ours).lower()
    assert not any(word in "\n".join(ours) for word in (encounter, document, "knee", "MRN"))


async def test_a_line_of_the_log_holds_numbers_and_names_of_ours_only(gw: Any, lines: list[str]) -> None:
    encounter = await gw.visit()
    await gw.transcribed(encounter)
    pattern = re.compile(
        r"request [0-9a-f-]{36} method=[A-Z-]+ route=[a-z0-9_/{}-]+ status=\d{3} elapsed_ms=[0-9.]+ [a-z0-9A-Z._ -]*"
    )
    found = [line for line in lines if line.startswith("request ")]
    assert len(found) >= 5
    assert all(pattern.fullmatch(line) for line in found), found


async def test_a_body_over_its_bound_is_refused_with_and_without_a_length(gw: Any) -> None:
    async def pieces() -> Any:
        for _ in range(40):
            yield b" " * 65_536

    for body in (b" " * 2_000_000, pieces()):
        answer = await gw.ask("POST", "/v1/encounters", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 413
        assert answer.json()["type"].endswith("too-large")


async def test_what_no_one_expected_is_an_internal_error_without_words(
    gw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any, **__: Any) -> None:
        raise RuntimeError(MARK)

    monkeypatch.setattr("appliance.gateway.routes.encounters.may", breaks)
    answer = await gw.ask("GET", "/v1/encounters")
    assert answer.status_code == 500
    assert answer.json()["type"].endswith("internal")
    assert MARK not in answer.text
