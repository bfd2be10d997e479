"""Large and hostile input over the API: nothing dropped in silence, nothing half done."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.anyio
LINE = "2019-03-04 Observation: Leukocytes [#/volume] in Blood by Automated count 6.292 10*3/uL"


async def upload(gw: Any, encounter: str, text: str, *, status: int) -> Any:
    return await gw.ask(
        "POST", f"/v1/encounters/{encounter}/records", content=text.encode(),
        headers={"content-type": "text/plain"}, status=status,
    )  # fmt: skip


@pytest.mark.slow
async def test_a_record_of_two_million_characters_is_drafted_from_whole(gw: Any) -> None:
    encounter = await gw.encounter()
    text = "\n".join(f"{LINE} {number}" for number in range(2_000_000 // (len(LINE) + 7)))
    assert len(text) > 1_900_000
    record = (await upload(gw, encounter, text, status=201)).json()["id"]
    gw.engine.everywhere = [f"{LINE} 7"]
    made = await gw.draft(encounter, record, kind="record_summary")
    # Every line went to the engine, in one part or another.
    sent = "\n".join(str(request["messages"]) for request in gw.engine.requests)
    numbers = [number for number in range(0, 2_000_000 // (len(LINE) + 7), 97) if f"10*3/uL {number}" not in sent]
    assert numbers == []
    assert len(gw.engine.requests) > 1
    assert made["state"] == "draft"


async def test_a_record_over_its_bound_is_refused_and_nothing_stays(start: Any) -> None:
    async with start(max_record_bytes=100_000) as gw:
        encounter = await gw.encounter()
        answer = await upload(gw, encounter, f"{LINE}\n" * 2_000, status=413)
        assert answer.json()["max_bytes"] == 100_000
        assert gw.rows("SELECT id FROM record") == []


async def test_a_store_that_is_full_refuses_and_goes_on_when_there_is_room(gw: Any) -> None:
    """SQLite's own error of a full disk, from inside of SQLite: no page more than there are."""
    encounter = await gw.encounter()
    with gw.core.database.engine.connect() as connection:
        (pages,) = connection.exec_driver_sql("PRAGMA page_count").one()
    gw.core.database.engine.dispose()

    def bound(connection: Any, _: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    from sqlalchemy import event

    event.listen(gw.core.database.engine, "connect", bound)
    answer = await upload(gw, encounter, f"{LINE}\n" * 500, status=507)
    assert answer.json()["type"].endswith("disk-full")
    assert gw.rows("SELECT id FROM record") == []
    event.remove(gw.core.database.engine, "connect", bound)
    gw.core.database.engine.dispose()
    await upload(gw, encounter, f"{LINE}\n" * 500, status=201)
