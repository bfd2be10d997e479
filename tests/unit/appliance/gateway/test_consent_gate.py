"""Consent comes before capture, and a withdrawal ends it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.anyio


def code(answer: Any) -> str:
    return str(answer.json()["type"].rsplit(":", 1)[-1])


async def test_nothing_is_taken_without_consent(gw: Any) -> None:
    encounter = await gw.encounter()
    answer = await gw.upload(encounter, status=403)
    assert code(answer) == "consent-missing"
    assert gw.recordings(encounter) == []
    assert gw.rows("SELECT id FROM recording") == []


@pytest.mark.parametrize(
    ("parties", "wanted"),
    [
        (("patient",), "consent-clinician-missing"),
        (("clinician",), "consent-patient-missing"),
    ],
)
async def test_everybody_who_is_heard_must_consent_in_california(
    gw: Any, parties: tuple[str, ...], wanted: str
) -> None:
    encounter = await gw.encounter()
    await gw.consent(encounter, *parties)
    assert code(await gw.upload(encounter, status=403)) == wanted


async def test_somebody_else_present_must_consent_too(gw: Any) -> None:
    encounter = await gw.encounter()
    await gw.consent(encounter, others_present=1)
    assert code(await gw.upload(encounter, status=403)) == "consent-others-missing"


async def test_consent_is_for_the_place_where_it_was_given(gw: Any) -> None:
    encounter = await gw.encounter()
    await gw.consent(encounter, patient_state="NV")
    assert code(await gw.upload(encounter, status=403)) == "consent-location-changed"


async def test_a_refusal_stands(gw: Any) -> None:
    encounter = await gw.encounter()
    await gw.consent(encounter, "patient", kind="refused")
    assert code(await gw.upload(encounter, status=403)) == "consent-refused"


async def test_consent_ages(start: Any) -> None:
    async with start(consent={"max_age_s": 60}) as gw:
        encounter = await gw.encounter()
        old = (datetime.now(UTC) - timedelta(seconds=120)).isoformat()
        answer = await gw.consent(encounter, "patient", at=old)
        assert (answer.status_code, code(answer)) == (422, "consent-too-old")


async def test_an_event_in_the_future_and_one_of_an_unknown_place_are_refused(gw: Any) -> None:
    encounter = await gw.encounter()
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert code(await gw.consent(encounter, "patient", at=later)) == "consent-in-future"
    assert code(await gw.consent(encounter, "patient", patient_state="ZZ")) == "state-unknown"
    assert code(await gw.consent(encounter, "patient", patient_state=None)) == "consent-no-location"
    assert gw.rows("SELECT id FROM consent_event") == []


async def test_parts_that_do_not_fit_together_are_a_refusal_and_no_crash(gw: Any) -> None:
    encounter = await gw.encounter()
    party = {"kind": "other_party", "count": 2}
    answer = await gw.consent(encounter, "x", party=party, others_present=0)
    assert (answer.status_code, code(answer)) == (422, "consent-event")


@pytest.mark.both_stores
@pytest.mark.parametrize("disposition", ["keep_until_review", "delete_recording", "delete_all"])
async def test_a_withdrawal_handles_what_was_captured(start: Any, disposition: str) -> None:
    async with start(consent={"on_withdrawal": disposition}) as gw:
        encounter, document = await gw.drafted()
        (recording,) = gw.recordings(encounter)
        answer = (await gw.consent(encounter, "patient", kind="withdrawn")).json()
        assert (answer["capture_allowed"], answer["reason"]) == (False, "consent-withdrawn")
        assert code(await gw.upload(encounter, status=403)) == "consent-withdrawn"
        kept = disposition == "keep_until_review"
        assert recording.exists() is kept
        assert gw.row("SELECT state FROM recording")[0] == ("stored" if kept else "deleted")
        everything = disposition == "delete_all"
        assert len(gw.rows("SELECT id FROM transcript")) == (0 if everything else 1)
        assert len(gw.rows("SELECT document_id FROM revision")) == (0 if everything else 1)
        found = await gw.ask("GET", f"/v1/documents/{document}")
        assert found.status_code == (404 if everything else 200)
        entry = next(one for one in gw.entries() if one["event"] == "consent.withdrawn")
        assert entry["numbers"] == {"recordings": 0 if kept else 1, "documents": 1 if everything else 0}


async def test_what_is_held_after_a_withdrawal_cannot_be_signed_or_drafted(start: Any) -> None:
    async with start(consent={"on_withdrawal": "keep_until_review"}) as gw:
        encounter, document = await gw.drafted()
        await gw.act(document, "review")
        (transcript,) = gw.row("SELECT id FROM transcript")
        await gw.consent(encounter, "patient", kind="withdrawn")
        answer = await gw.act(document, "signature", json={"attest": True})
        assert (answer.status_code, code(answer)) == (403, "consent-withdrawn")
        given = {"kind": "visit_note", "sources": [transcript]}
        answer = await gw.ask("POST", f"/v1/encounters/{encounter}/drafts", json=given)
        assert (answer.status_code, code(answer)) == (403, "consent-withdrawn")
        await gw.consent(encounter)
        assert (await gw.act(document, "signature", json={"attest": True})).status_code == 201


async def test_a_signed_document_survives_a_withdrawal(start: Any) -> None:
    async with start(consent={"on_withdrawal": "delete_all"}) as gw:
        encounter, document = await gw.signed()
        await gw.consent(encounter, "patient", kind="withdrawn")
        assert (await gw.ask("GET", f"/v1/documents/{document}/signed")).status_code == 200


async def test_a_withdrawal_that_cannot_be_recorded_deletes_nothing(start: Any) -> None:
    async with start(consent={"on_withdrawal": "delete_all"}) as gw:
        encounter = await gw.visit()
        await gw.upload(encounter)
        (file,) = gw.recordings(encounter)
        gw.break_log()
        assert (await gw.consent(encounter, "patient", kind="withdrawn")).status_code == 503
        assert file.exists()
        assert gw.row("SELECT state FROM recording")[0] == "stored"


@pytest.mark.both_stores
async def test_a_withdrawal_beats_a_transcript_that_is_in_work(gw: Any) -> None:
    gw.transcription.hold = asyncio.Event()
    encounter = await gw.visit()
    transcript = await gw.order(encounter, await gw.upload(encounter))
    await gw.transcription.asked.wait()
    await gw.consent(encounter, "patient", kind="withdrawn")
    gw.transcription.hold.set()
    await gw.core.jobs.wait(5)
    found = (await gw.ask("GET", f"/v1/transcripts/{transcript}", status=200)).json()
    assert (found["state"], found["problem"], found["text"]) == ("failed", "consent-withdrawn", None)
    assert "transcript.completed" not in gw.happened()


@pytest.mark.both_stores
async def test_a_withdrawal_beats_a_draft_that_is_in_work(gw: Any) -> None:
    encounter = await gw.visit()
    transcript = await gw.transcribed(encounter)
    gw.engine.hold_after = 2
    given = {"kind": "visit_note", "sources": [transcript]}
    drafting = asyncio.create_task(gw.ask("POST", f"/v1/encounters/{encounter}/drafts", json=given))
    await gw.engine.held.wait()
    await gw.consent(encounter, "patient", kind="withdrawn")
    gw.engine.release.set()
    answer = await drafting
    assert (answer.status_code, code(answer)) == (403, "consent-withdrawn")
    assert gw.row("SELECT state, sealed FROM document") == ("failed", None)
    assert gw.happened()[-1] == "draft.failed"
    assert "draft.completed" not in gw.happened()


async def test_one_who_only_withdraws_drafting_keeps_the_recording(gw: Any) -> None:
    encounter = await gw.visit()
    transcript = await gw.transcribed(encounter)
    await gw.consent(encounter, "patient", kind="withdrawn", scope=["drafting"])
    assert len(gw.recordings(encounter)) == 1
    given = {"kind": "visit_note", "sources": [transcript]}
    answer = await gw.ask("POST", f"/v1/encounters/{encounter}/drafts", json=given)
    assert (answer.status_code, code(answer)) == (403, "consent-withdrawn")


async def test_many_consent_events_do_not_stop_a_note(gw: Any) -> None:
    encounter = await gw.visit()
    for _ in range(20):
        await gw.consent(encounter)
    found = await gw.draft(encounter, await gw.transcribed(encounter))
    lines = [one for section in found["document"]["sections"] for one in section["statements"]]
    (line,) = [one["text"] for one in lines if one["author"] == "template"]
    assert line.startswith("Consent to recording")
    assert "consent.earlier" in [one["code"] for one in found["document"]["notices"]]
