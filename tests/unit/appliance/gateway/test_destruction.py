"""Destruction with the key, and retention."""

# ruff: noqa: S608 (the identifiers in these queries are the test's own)
from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance.gateway.auth.principal import Role
from appliance.gateway.retention import Due, due
from appliance.gateway.settings import Settings
from appliance.gateway.store.documents import DocumentRow
from appliance.gateway.store.encounters import EncounterRow

ADMIN = ("boss", Role.ADMIN)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def days(count: float) -> datetime:
    return NOW - timedelta(days=count)


def row(created: float) -> EncounterRow:
    return EncounterRow("e", "open", days(created), "x", "x", "CA", "CA", None, b"")


def signed(closed: float) -> DocumentRow:
    return DocumentRow("d", "e", "visit_note", "signed", 4, days(closed + 1), "x", closed_at=days(closed))


DRAFT = DocumentRow("d", "e", "visit_note", "draft", 1, days(0.5), "x", completed_at=days(0.5))


@pytest.mark.parametrize(
    ("created", "found", "wanted"),
    [
        (1, [], Due(False, None)),
        (89, [], Due(False, None)),
        (91, [], Due(False, "unfinished")),
        (91, [DRAFT], Due(False, None)),
        (400, [replace(DRAFT, created_at=days(300), completed_at=days(300))], Due(False, "unfinished")),
        (400, [replace(DRAFT, state="rejected", closed_at=days(10))], Due(False, None)),
        (40, [signed(29)], Due(False, None)),
        (40, [signed(31)], Due(True, None)),
        (40, [signed(31), DRAFT], Due(False, None)),
        (40, [signed(31), replace(DRAFT, created_at=days(10))], Due(True, None)),
        (40, [signed(31), signed(5)], Due(False, None)),
        (3000, [signed(365 * 7 - 1)], Due(True, None)),
        (3000, [signed(365 * 7 + 1)], Due(True, "retention")),
    ],
)
def test_what_is_due(created: float, found: list[DocumentRow], wanted: Due) -> None:
    assert due(row(created), found, Settings(), NOW) == wanted


@pytest.mark.both_stores
@pytest.mark.anyio
async def test_a_sweep_removes_recordings_and_then_the_encounter(gw: Any) -> None:
    encounter, document = await gw.signed()
    other = await gw.encounter()
    now = datetime.now(UTC)
    assert gw.core.retention.sweep(now) == 0
    assert gw.core.retention.sweep(now + timedelta(days=31)) == 1
    assert gw.recordings(encounter) == []
    assert gw.row("SELECT state FROM recording")[0] == "deleted"
    assert gw.core.retention.sweep(now + timedelta(days=31)) == 0
    assert (await gw.ask("GET", f"/v1/documents/{document}/signed")).status_code == 200
    assert gw.core.retention.sweep(now + timedelta(days=91)) == 1
    assert gw.row(f"SELECT state FROM encounter WHERE id = '{other}'")[0] == "deleted"
    assert gw.core.retention.sweep(now + timedelta(days=365 * 7 + 1)) == 1
    assert (await gw.ask("GET", f"/v1/documents/{document}/signed")).status_code == 404
    destroyed = [one for one in gw.entries() if one["event"] == "retention.key_destroyed"]
    assert [one["reason"] for one in destroyed] == ["unfinished", "retention"]
    assert {one["actor"]["subject"] for one in destroyed} == {"appliance"}


@pytest.mark.both_stores
@pytest.mark.anyio
async def test_a_destroyed_encounter_is_gone_with_its_key(gw: Any) -> None:
    encounter, document = await gw.signed()
    (wrapped,) = gw.row("SELECT wrapped FROM encounter_key")
    sealed = [one[0] for one in gw.rows("SELECT sealed FROM revision")] + [gw.row("SELECT sealed FROM transcript")[0]]
    if gw.core.database.is_sqlite:  # else the rows are not in the state folder
        assert all(one in gw.raw() for one in (wrapped, *sealed[:1]))
    path = f"/v1/encounters/{encounter}/destruction"
    given = {"reason": "patient_request"}
    assert (await gw.ask("POST", path, json=given)).status_code == 403
    done = (await gw.ask("POST", path, json=given, who=ADMIN, status=200)).json()
    assert done["recordings"] == 1
    entry = gw.entries()[done["audit_index"]]
    assert (entry["event"], entry["reason"], entry["actor"]["subject"]) == (
        "retention.key_destroyed", "patient_request", "boss",
    )  # fmt: skip
    left = "SELECT count(*) FROM {}"
    assert [gw.row(left.format(table))[0] for table in ("encounter_key", "revision", "transcript", "signature")] == [
        0
    ] * 4
    raw = gw.raw()
    assert wrapped not in raw
    assert not any(one[:64] in raw for one in sealed)
    assert gw.recordings(encounter) == []
    for sub in ("recordings", "consent", "documents", "transcripts"):
        assert (await gw.ask("GET", f"/v1/encounters/{encounter}/{sub}")).status_code == 410, sub
    assert (await gw.ask("GET", f"/v1/documents/{document}")).status_code == 404
    shown = (await gw.ask("GET", f"/v1/encounters/{encounter}", who=ADMIN, status=200)).json()
    assert (shown["state"], shown["patient_ref"]) == ("deleted", None)
    assert (await gw.ask("POST", path, json=given, who=ADMIN)).status_code == 410
    assert gw.happened().count("retention.key_destroyed") == 1


@pytest.mark.anyio
async def test_without_a_log_nothing_is_destroyed(gw: Any) -> None:
    encounter, _ = await gw.signed()
    gw.break_log()
    path = f"/v1/encounters/{encounter}/destruction"
    answer = await gw.ask("POST", path, json={"reason": "patient_request"}, who=ADMIN)
    assert answer.status_code == 503
    assert len(gw.rows("SELECT wrapped FROM encounter_key")) == 1
    assert len(gw.recordings(encounter)) == 1
