"""What only PostgreSQL does: connections that end, a disk of its own that fills. Beside those marked `both_stores`."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.gateway.store.database import Database

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.parametrize("store", ["postgresql"], indirect=True),
]
GIVEN = {"patient_ref": "MRN 1", "patient_state": "CA", "clinician_state": "CA"}


def code(answer: Any) -> str:
    return str(answer.json()["type"].rsplit(":", 1)[-1])


async def test_a_server_that_ends_our_connections_costs_one_answer(gw: Any) -> None:
    encounter = await gw.encounter()
    other = Database(gw.core.settings.url)
    with other.read() as connection:
        ended = connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE usename = current_user AND pid <> pg_backend_pid()"
        ).all()
    other.close()
    assert ended
    statuses = [(await gw.ask("GET", f"/v1/encounters/{encounter}")).status_code for _ in range(3)]
    assert statuses[-2:] == [200, 200]
    assert statuses[0] in (200, 503)


async def test_a_full_disk_of_the_server_is_told_as_such(gw: Any) -> None:
    # PostgreSQL's own error of that class, from inside of the server (appendix A: 53100 disk_full).
    gw.tamper(
        "CREATE FUNCTION full_disk() RETURNS trigger AS $$ BEGIN "
        "RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$ LANGUAGE plpgsql"
    )
    gw.tamper("CREATE TRIGGER full_disk BEFORE INSERT ON encounter FOR EACH ROW EXECUTE FUNCTION full_disk()")
    size = gw.core.log.size
    answer = await gw.ask("POST", "/v1/encounters", json=GIVEN)
    assert (answer.status_code, code(answer)) == (507, "disk-full")
    assert gw.core.log.size == size
    gw.tamper("DROP TRIGGER full_disk ON encounter")
    assert (await gw.ask("POST", "/v1/encounters", json=GIVEN)).status_code == 201
