"""Codes found by words over the API: the same as `codes lookup` finds, by day, role and bounds."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from appliance.coding.suggestion import CodeSystem
from appliance.coding.tables.kinds import ImportKind, read_files
from appliance.coding.tables.library import Library
from appliance.coding.tables.stamp import Stamp
from appliance.ctl.codes import app
from appliance.errors import NotVerifiedError
from appliance.gateway.auth.principal import Role
from appliance.gateway.codes import Codes
from tests.unit.appliance.gateway.test_code_additions import CODER, code

pytestmark = pytest.mark.anyio
DAY = "2026-05-04"


@pytest.fixture
def packs(gw: Any) -> Path:
    """The folder of the box's imported tables, none yet; nothing suggests here."""
    folder: Path = gw.core.settings.state_dir / "packs"
    gw.core.codes = Codes(Library(folder), None)
    return folder


async def search(gw: Any, words: str, who: Any = CODER, **more: Any) -> Any:
    given = {"words": words, "date_of_service": DAY, **more}
    return await gw.ask("POST", "/v1/codes/search", json=given, who=who)


@pytest.mark.parametrize("words", ["LOW back pain", "high blood pressure", "fracture left femur initial", "xyzzy"])
async def test_it_finds_what_the_command_finds(gw: Any, packs: Path, words: str) -> None:
    body = (await search(gw, words, limit=7)).json()
    asked = ["lookup", *words.split(), "--on", DAY, "--limit", "7", "-o", "json", "--directory", str(packs)]
    shown = json.loads(CliRunner().invoke(app, asked).stdout)
    assert body["found"] == shown["found"]
    assert bool(body["found"]) == (words != "xyzzy")


async def test_a_code_finds_itself_and_the_day_says_whether_it_may_be_claimed(gw: Any, packs: Path) -> None:
    for day, billable in ((DAY, False), ("2021-09-30", True)):
        for words in ("M54.5", "m545"):
            body = (await search(gw, words, date_of_service=day)).json()
            assert [(one["code"], one["billable"]) for one in body["found"]] == [("M54.5", billable)], day
    table = Library(packs).table(CodeSystem.ICD_10_CM, date.fromisoformat(DAY))
    assert table is not None
    assert (body["table_version"], body["table_digest"]) == (table.version, table.digest)
    assert body["uri"] == "http://hl7.org/fhir/sid/icd-10-cm"


async def test_answers_are_bounded_and_say_so(gw: Any, packs: Path) -> None:
    few = (await search(gw, "diabetes", limit=3)).json()
    assert (len(few["found"]), few["more"]) == (3, True)
    assert (await search(gw, "low back pain")).json()["more"] is False
    for given in (
        {"words": ""}, {"words": "x" * 201}, {"limit": 101}, {"limit": 0}, {"system": "snomed"}, {"surplus": 1},
        {"date_of_service": "yesterday"},
    ):  # fmt: skip
        answer = await search(gw, **{"words": "knee", **given})
        assert (answer.status_code, code(answer)) == (422, "invalid-request"), given
    answer = await search(gw, " ".join(f"w{number}" for number in range(17)))
    assert (answer.status_code, code(answer)) == (422, "too-many-words")
    assert "w3" not in answer.text


async def test_what_the_practice_imported_is_searched_and_what_is_missing_said(gw: Any, packs: Path) -> None:
    answer = await search(gw, "visit", system="cpt")
    assert (answer.status_code, code(answer)) == (404, "no-such-table")
    file = packs.parent / "own.txt"
    file.write_text("99999\tInvented office procedure\n")
    stamp = Stamp("own", date(2026, 1, 1), None, "practitioner")
    gw.core.codes.library.store.add(read_files(ImportKind.CPT, [file], stamp))
    body = (await search(gw, "office invented", system="cpt")).json()
    assert [one["code"] for one in body["found"]] == ["99999"]
    assert (body["table_version"], body["uri"]) == ("own", "http://www.ama-assn.org/go/cpt")


async def test_clinicians_and_coders_search_and_nobody_else(gw: Any, packs: Path) -> None:
    assert (await search(gw, "I10", who=("doc-9", Role.CLINICIAN))).status_code == 200
    for role in (Role.FRONT_DESK, Role.AUDITOR, Role.ADMIN, Role.CONSOLE):
        assert (await search(gw, "I10", who=("x", role))).status_code == 403, role
    assert (await gw.base.post("/v1/codes/search", json={"words": "I10", "date_of_service": DAY})).status_code == 401


async def test_a_table_that_cannot_be_verified_answers_nothing(gw: Any, packs: Path) -> None:
    class Damaged(Library):
        def table(self, system: Any, on: Any) -> Any:
            raise NotVerifiedError("a pack is not what it was", hint="import it again")

    gw.core.codes = Codes(Damaged(packs), None)
    answer = await search(gw, "knee")
    assert (answer.status_code, code(answer)) == (503, "no-code-table")


async def test_who_comes_behind_many_is_asked_to_come_again(gw: Any, packs: Path) -> None:
    free = threading.Event()

    class Slow(Library):
        def table(self, system: Any, on: Any) -> Any:
            assert free.wait(30)
            return super().table(system, on)

    gw.core.codes = Codes(Slow(packs), None)
    waiting = [asyncio.create_task(search(gw, "I10")) for _ in range(8)]
    while gw.core.codes._searching < 8:
        await asyncio.sleep(0)
    late = await search(gw, "I10")
    assert (late.status_code, code(late), late.headers["retry-after"]) == (503, "codes-busy", "1")
    free.set()
    assert [one.status_code for one in await asyncio.gather(*waiting)] == [200] * 8
    assert (await search(gw, "I10")).status_code == 200
