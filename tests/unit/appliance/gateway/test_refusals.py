"""Every refusal is on record before it is answered, and nobody can fill the log with them."""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import websockets.asyncio.client as client
from websockets.exceptions import InvalidStatus

from appliance.contract.audit import Actor
from appliance.gateway.auth.principal import Role
from appliance.gateway.refusals import MAX_DIFFERENT, OUTSIDE_S, WINDOW_S, Refusal, Refusals
from appliance.gateway.trail import Act, Trail
from appliance.problems import ProblemError

pytestmark = pytest.mark.anyio
OTHER = ("doc-2", Role.CLINICIAN)
DOC = Actor(subject="doc-1", role="clinician")


def refused(gw: Any) -> list[dict[str, Any]]:
    return [one for one in gw.entries() if one["outcome"] == "refused" and "times" in one["numbers"]]


def short(one: dict[str, Any]) -> tuple[str, str | None, str, str]:
    return one["event"], one["action"], one["reason"], one["actor"]["subject"]


@pytest.mark.both_stores
async def test_an_outsider_of_the_team_is_on_record_with_what_they_wanted(gw: Any) -> None:
    encounter, document = await gw.drafted()
    (transcript,) = gw.row("SELECT id FROM transcript")
    for path, action, subject in (
        (f"/v1/encounters/{encounter}", "encounter.read_metadata", None),
        (f"/v1/documents/{document}", "document.read", document),
        (f"/v1/transcripts/{transcript}", "transcript.read", transcript),
    ):
        await gw.ask("GET", path, who=OTHER, status=403)
        last = gw.entries()[-1]
        assert short(last) == ("access.refused", action, "not-in-team", "doc-2")
        assert (last["encounter"], last["subject"], last["outcome"]) == (encounter, subject, "refused")
    await gw.ask("GET", "/v1/audit/entries", status=403)
    assert short(gw.entries()[-1]) == ("access.refused", "audit.read", "role", "doc-1")
    why = "Unconscious in the emergency room"
    path = f"/v1/encounters/{encounter}/break-glass"
    await gw.base.post(path, json={"reason": why}, headers=gw.headers("doc-2", mfa=False))
    assert short(gw.entries()[-1]) == ("access.refused", "access.break_glass", "mfa-required", "doc-2")
    assert gw.entries()[-1]["encounter"] == encounter
    await gw.ask("GET", f"/v1/encounters/{uuid.uuid4()}", who=OTHER, status=404)
    assert len(refused(gw)) == 5


async def test_a_capture_without_consent_and_a_draft_after_a_withdrawal_are_on_record(real: Any) -> None:
    gw = real
    encounter = await gw.encounter()
    await gw.upload(encounter, status=403)
    assert short(gw.entries()[-1]) == ("capture.refused", None, "consent-missing", "doc-1")
    assert gw.entries()[-1]["encounter"] == encounter
    with pytest.raises(InvalidStatus):
        async with client.unix_connect(
            str(gw.socket), uri=f"ws://gateway/v1/encounters/{encounter}/live", additional_headers=gw.headers("doc-1")
        ):
            pass
    assert len(refused(gw)) == 1  # the same decision within a minute: counted
    other = await gw.visit()
    transcript = await gw.transcribed(other)
    await gw.consent(other, "patient", kind="withdrawn")
    body = {"kind": "visit_note", "sources": [transcript]}
    await gw.ask("POST", f"/v1/encounters/{other}/drafts", json=body, status=403)
    gw.core.refusals.flush(everything=True)
    assert [(one["event"], one["encounter"], one["numbers"]["times"]) for one in refused(gw)] == [
        ("capture.refused", encounter, 1), ("drafting.refused", other, 1), ("capture.refused", encounter, 1),
    ]  # fmt: skip


async def test_a_signature_over_unsupported_statements_is_on_record(gw: Any) -> None:
    encounter, document = await gw.drafted("The patient is a 35-year-old male.", "He takes lisinopril 20 mg.")
    await gw.act(document, "review")
    answer = await gw.act(document, "signature", json={"attest": True})
    assert answer.status_code == 409
    last = gw.entries()[-1]
    assert short(last) == ("signature.refused", None, "unsupported-statements", "doc-1")
    assert (last["encounter"], last["subject"]) == (encounter, document)
    assert last["numbers"]["statements"] == len(answer.json()["statements"]) >= 1


async def test_no_refusal_is_answered_that_is_not_on_record(gw: Any) -> None:
    encounter = await gw.encounter()
    gw.break_log()
    for _ in range(2):
        answer = await gw.ask("GET", f"/v1/encounters/{encounter}", who=OTHER)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:fleetctl:problem:audit-unavailable")


@pytest.mark.both_stores
async def test_identical_refusals_are_one_entry_and_a_count(start: Any) -> None:
    async with start() as gw:
        encounter = await gw.encounter()
        async with asyncio.TaskGroup() as all_at_once:
            for _ in range(40):
                all_at_once.create_task(gw.ask("GET", f"/v1/encounters/{encounter}", who=OTHER, status=403))
        assert [one["numbers"]["times"] for one in refused(gw)] == [1]
    async with start() as gw:  # the count is written when the gateway stops
        assert [one["numbers"]["times"] for one in refused(gw)] == [1, 39]


async def test_bad_tokens_cost_the_log_one_entry_whatever_their_number(start: Any, lines: list[str]) -> None:
    async with start() as gw:
        size = gw.core.log.size
        for number in range(30):
            answer = await gw.base.get("/v1/me", headers={"authorization": f"Bearer x{number}"})
            assert answer.status_code == 401
        assert gw.core.log.size == size
        assert any("status=401" in line and "token-malformed outsiders=30" in line for line in lines)
        assert not any("Bearer" in line or "x29" in line for line in lines)
    async with start() as gw:
        last = gw.entries()[-1]
        assert (last["event"], last["actor"]["subject"]) == ("access.unauthenticated", "appliance")
        assert last["numbers"] == {"token-malformed": 30}


class Kept:
    """A log that keeps entries, and can fail."""

    def __init__(self) -> None:
        self.entries: list[Any] = []
        self.fails = False

    def append(self, entry: Any) -> Any:
        if self.fails:
            raise ProblemError(503, "audit-unavailable", "x", "x")
        self.entries.append(entry)
        return type("Receipt", (), {"index": len(self.entries) - 1})

    def times(self) -> list[int]:
        return [int(one.numbers["times"]) for one in self.entries]


def test_the_count_follows_when_the_minute_is_over_and_is_kept_when_it_cannot_be_written() -> None:
    log, now = Kept(), [0.0]
    refusals = Refusals(Trail(log), clock=lambda: now[0])
    one = Refusal(DOC, "access.refused", "role", encounter="e1")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(refusals.note, [one] * 100))
    refusals.flush()
    assert log.times() == [1]
    now[0] = WINDOW_S
    log.fails = True
    with pytest.raises(ProblemError):
        refusals.flush()
    log.fails = False
    refusals.flush()
    assert log.times() == [1, 99]
    refusals.note(one)
    refusals.note(one)
    now[0] *= 2
    refusals.note(one)  # before anything was flushed
    assert log.times() == [1, 99, 1, 1, 1]
    assert sum(log.times()) == 100 + 3


def test_one_actor_cannot_fill_the_log_with_different_refusals() -> None:
    log, now = Kept(), [0.0]
    refusals = Refusals(Trail(log), clock=lambda: now[0])
    for number in range(1000):
        refusals.note(Refusal(DOC, "access.refused", "not-in-team", encounter=f"e{number}"))
    refusals.note(Refusal(Actor(subject="doc-9", role="clinician"), "access.refused", "role"))
    assert len(log.entries) == MAX_DIFFERENT + 2
    assert log.entries[MAX_DIFFERENT].reason == "too-many-refusals"
    now[0] = WINDOW_S
    refusals.flush()
    assert sum(log.times()) == 1001
    refusals.note(Refusal(DOC, "access.refused", "not-in-team", encounter="e1000"))
    assert log.entries[-1].encounter == "e1000"


def test_outsiders_are_summed_up_once_a_period() -> None:
    log, now = Kept(), [0.0]
    refusals = Refusals(Trail(log), clock=lambda: now[0])
    assert [refusals.outsider(code) for code in ("token-expired", "token-missing", "token-expired")] == [1, 2, 3]
    now[0] = OUTSIDE_S - 1
    refusals.flush()
    assert log.entries == []
    now[0] = OUTSIDE_S
    log.fails = True
    with pytest.raises(ProblemError):
        refusals.flush()
    log.fails = False
    refusals.flush()
    refusals.flush()
    (entry,) = log.entries
    assert entry.numbers == {"token-expired": 2, "token-missing": 1}
    assert Act("x").action is None
