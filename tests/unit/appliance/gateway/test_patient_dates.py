"""Dates move by the patient: intervals hold over encounters, the secret goes with the last of them."""

# ruff: noqa: S608 (the identifiers in these queries are the test's own)
from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from appliance.deid.identifier import IdentifierKind as Kind
from appliance.gateway.auth.principal import Role
from appliance.gateway.deid import Deidentification
from appliance.gateway.store import patients
from appliance.gateway.vault import IntegrityError, Vault
from tests.fakes.deid import FakeDetector

pytestmark = pytest.mark.anyio
LISTED = {"2024-03-05": Kind.DATE, "2024-06-11": Kind.DATE, "Maria Lopez": Kind.NAME}
TEXT = "Maria Lopez came on 2024-03-05."
LATER = "Maria Lopez came on 2024-06-11."
DAYS = (date(2024, 6, 11) - date(2024, 3, 5)).days


@pytest.fixture
async def gw(start: Any) -> AsyncIterator[Any]:
    async with start() as gateway:
        gateway.core.deid = Deidentification(gateway.core.deid.policy, lambda: FakeDetector(LISTED))
        yield gateway


async def hidden(gw: Any, encounter: str, text: str = TEXT, *, status: int = 200) -> Any:
    path = f"/v1/encounters/{encounter}/deidentification"
    return (await gw.ask("POST", path, json={"text": text}, status=status)).json()


async def moved(gw: Any, encounter: str, text: str = TEXT) -> date:
    made = (await hidden(gw, encounter, text))["texts"][0]["text"]
    return date.fromisoformat(made.rstrip(".").split()[-1])


async def restored(gw: Any, encounter: str, made: Any) -> Any:
    given = {"text": made["texts"][0]["text"], "mapping": made["mapping"]}
    return (await gw.ask("POST", f"/v1/encounters/{encounter}/restoration", json=given, status=200)).json()


async def destroyed(gw: Any, encounter: str) -> None:
    path = f"/v1/encounters/{encounter}/destruction"
    who = ("boss", Role.ADMIN)
    await gw.ask("POST", path, json={"reason": "patient_request"}, who=who, status=200)


def legacy(gw: Any, encounter: str) -> None:
    """Make it an encounter of a release that knew no patients' secrets."""
    gw.tamper("DELETE FROM encounter_patient WHERE encounter_id = :one", one=encounter)


@pytest.mark.both_stores
async def test_intervals_hold_over_the_encounters_of_a_patient_and_names_do_not_follow(gw: Any) -> None:
    first, second = await gw.encounter(patient_ref="MRN 77120"), await gw.encounter(patient_ref=" mrn  77120")
    assert (await moved(gw, second, LATER) - await moved(gw, first)).days == DAYS
    names = {(await hidden(gw, one))["texts"][0]["text"].split(" came")[0] for one in (first, second)}
    assert len(names) == 2  # who sees both texts is not told by a name that it is the same person
    made = await hidden(gw, second)
    back = await restored(gw, second, made)
    assert (back["text"], back["exact"]) == (TEXT, True)


async def test_patients_move_apart(gw: Any) -> None:
    days = {await moved(gw, await gw.encounter(patient_ref=f"MRN 9{n:05}")) for n in range(8)}
    assert len(days) > 2  # of 48 possible shifts; eight alike would be chance of 1 in 10^11


async def test_an_encounter_of_an_earlier_release_keeps_its_shift(gw: Any) -> None:
    old, new = await gw.encounter(patient_ref="MRN 77120"), await gw.encounter(patient_ref="MRN 77120")
    by_patient = await moved(gw, old)
    legacy(gw, old)
    with gw.core.database.read() as connection:
        assert patients.find(connection, old) is None
    # The shift of its own key, as that release drew it.
    from appliance.deid.deidentify import Deidentifier
    from appliance.gateway.store import encounters

    with gw.core.database.read() as connection:
        wrapped = encounters.wrapped_key(connection, old)
    key = gw.core.vault.unwrap(old, wrapped)
    (made,) = Deidentifier(FakeDetector(LISTED), key.surrogate_key(), [TEXT]).run()
    assert (await hidden(gw, old))["texts"][0]["text"] == made.text
    assert await moved(gw, new) == by_patient


async def test_a_text_of_before_comes_back_after_the_shift_is_another(gw: Any) -> None:
    encounter = await gw.encounter(patient_ref="MRN 77120")
    legacy(gw, encounter)
    made = await hidden(gw, encounter)
    tag = gw.core.vault.patient_tag("MRN 77120")
    with gw.core.database.write() as connection:
        patients.add(connection, encounter, tag, None, lambda: gw.core.vault.new_patient_secret(tag))
    back = await restored(gw, encounter, made)
    assert (back["text"], back["exact"]) == (TEXT, True)


async def test_a_store_of_an_earlier_release_gets_the_tables_and_keeps_its_encounters(start: Any) -> None:
    async with start() as gw:
        encounter = await gw.encounter()
        path = gw.core.settings.state_dir
    (file,) = [one for one in path.rglob("*") if one.is_file() and one.read_bytes()[:15] == b"SQLite format 3"]
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE encounter_patient")
        connection.execute("DROP TABLE patient_secret")
    connection.close()
    async with start() as gw:
        gw.core.deid = Deidentification(gw.core.deid.policy, lambda: FakeDetector(LISTED))
        assert (await hidden(gw, encounter))["texts"][0]["text"] != TEXT
        assert gw.rows("SELECT * FROM encounter_patient") == []


@pytest.mark.both_stores
async def test_the_secret_goes_with_the_last_encounter_of_the_patient(gw: Any) -> None:
    first, second = await gw.encounter(patient_ref="MRN 77120"), await gw.encounter(patient_ref="MRN 77120")
    await gw.encounter(patient_ref="MRN 88")
    before = await moved(gw, second)
    await destroyed(gw, first)
    assert gw.row("SELECT count(*) FROM patient_secret")[0] == 2
    assert await moved(gw, second) == before
    wrapped = gw.row(f"SELECT wrapped FROM patient_secret WHERE tag = '{gw.core.vault.patient_tag('MRN 77120')}'")[0]
    await destroyed(gw, second)
    assert gw.row("SELECT count(*) FROM patient_secret")[0] == 1
    assert gw.row("SELECT count(*) FROM encounter_patient")[0] == 1
    if gw.core.database.is_sqlite:
        assert bytes(wrapped) not in gw.raw()
    # A patient who comes back is a new one.
    again = await gw.encounter(patient_ref="MRN 77120")
    assert gw.row("SELECT count(*) FROM patient_secret")[0] == 2
    await moved(gw, again)


async def test_what_an_earlier_release_destroyed_is_forgotten_at_the_next_start(start: Any) -> None:
    async with start() as gw:
        encounter = await gw.encounter()
        gw.tamper("UPDATE encounter SET state = 'deleted', sealed = '' WHERE id = :one", one=encounter)
    async with start() as gw:
        assert gw.row("SELECT count(*) FROM patient_secret")[0] == 0
        assert gw.row("SELECT count(*) FROM encounter_patient")[0] == 0


async def test_a_secret_that_was_taken_or_changed_hides_nothing_in_another_way(gw: Any) -> None:
    encounter = await gw.encounter()
    gw.tamper("UPDATE patient_secret SET wrapped = :other", other=b"x" * 60)
    assert (await hidden(gw, encounter, status=500))["type"].endswith("integrity")
    gw.tamper("DELETE FROM patient_secret")
    assert (await hidden(gw, encounter, status=500))["type"].endswith("integrity")


def test_a_tag_says_nothing_without_the_master_key_and_a_secret_opens_for_its_patient_only() -> None:
    one, other = Vault(b"1" * 32), Vault(b"2" * 32)
    assert one.patient_tag("MRN 1") == one.patient_tag(" mrn 1 ") != other.patient_tag("MRN 1")
    assert one.patient_tag("MRN 1") != one.patient_tag("MRN 2")
    wrapped = one.new_patient_secret("a")
    assert len(one.patient_secret("a", wrapped)) == 32
    for vault, tag in ((one, "b"), (other, "a")):
        with pytest.raises(IntegrityError):
            vault.patient_secret(tag, wrapped)
