"""Nothing of a patient lies in clear in the state folder, the database with its log, or the audit log."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.clinical.source import Speaker

pytestmark = pytest.mark.anyio

PATIENT, TITLE, SPOKEN, WRITTEN, ADDED, EMERGENCY, RECORD = (
    f"Zq{word}Marker" for word in ("Patient", "Title", "Spoken", "Written", "Added", "Emergency", "Record")
)
SOUND = b"ZqSoundMarker"


async def test_no_plaintext_at_rest(start: Any) -> None:
    async with start() as gw:
        encounter = await gw.encounter(patient_ref=PATIENT, title=TITLE)
        await gw.consent(encounter)
        gw.transcription.lines = ((Speaker.PATIENT, f"My left knee has hurt, {SPOKEN} said."),)
        recording = await gw.upload(encounter, b"RIFF" + SOUND * 40_000)
        transcript = await gw.order(encounter, recording)
        found = (await gw.ask("GET", f"/v1/transcripts/{transcript}?wait_s=20", status=200)).json()
        assert SPOKEN in found["text"]
        await gw.ask(
            "POST", f"/v1/encounters/{encounter}/records", content=f"Seen for {RECORD}.".encode(),
            headers={"content-type": "text/plain"}, status=201,
        )  # fmt: skip
        gw.engine.sections = {"history": [f"The left knee has hurt, {SPOKEN} said."]}
        document = (await gw.draft(encounter, transcript))["id"]
        await gw.act(document, "review")
        texts: dict[str, Any] = {name: [] for name in ("history", "exam", "assessment", "plan", "consent")}
        texts["plan"] = [{"text": f"Rest, {WRITTEN}."}]
        assert (await gw.act(document, "content", json={"sections": texts})).status_code == 200
        assert (await gw.act(document, "signature", json={"attest": True})).status_code == 201
        added = await gw.ask("POST", f"/v1/documents/{document}/addenda", json={"text": f"Later {ADDED}."}, status=201)
        assert ADDED in added.json()["text"]
        await gw.ask(
            "POST", f"/v1/encounters/{encounter}/break-glass", json={"reason": f"Emergency: {EMERGENCY}"}, status=201
        )
        for raw in (gw.raw(),):
            for marker in (PATIENT, TITLE, SPOKEN, WRITTEN, ADDED, EMERGENCY, RECORD):
                assert marker.encode() not in raw, marker
            assert SOUND not in raw
            assert encounter.encode() in raw  # the search itself finds what is there
        log = str(gw.entries())
        assert not any(marker in log for marker in (PATIENT, TITLE, SPOKEN, WRITTEN, ADDED, EMERGENCY, RECORD))
    # After the end as well, when the write-ahead log was folded in.
    assert SPOKEN.encode() not in gw.raw()


async def test_ciphertext_moved_to_another_place_does_not_open(gw: Any) -> None:
    first, second = await gw.encounter(), await gw.encounter()
    with gw.core.database.write() as connection:
        sealed = connection.exec_driver_sql("SELECT sealed FROM encounter WHERE id = ?", (first,)).scalar()
        connection.exec_driver_sql("UPDATE encounter SET sealed = ? WHERE id = ?", (sealed, second))
    answer = await gw.ask("GET", f"/v1/encounters/{second}")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:fleetctl:problem:integrity")


async def test_a_key_moved_to_another_encounter_does_not_unwrap(gw: Any) -> None:
    first, second = await gw.encounter(), await gw.encounter()
    with gw.core.database.write() as connection:
        query = "SELECT wrapped FROM encounter_key WHERE encounter_id = ?"
        wrapped = connection.exec_driver_sql(query, (first,)).scalar()
        connection.exec_driver_sql("UPDATE encounter_key SET wrapped = ? WHERE encounter_id = ?", (wrapped, second))
    assert (await gw.ask("GET", f"/v1/encounters/{second}")).status_code == 500
    assert (await gw.ask("GET", f"/v1/encounters/{first}")).status_code == 200
