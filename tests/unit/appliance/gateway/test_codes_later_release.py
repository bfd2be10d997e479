"""Codes that a later release wrote: told as such with what was seen, never read in part, overwritten or lost."""

# ruff: noqa: S608 (the identifiers in these queries are the test's own)
from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from appliance.coding.tables.library import Library
from appliance.gateway.code_form import read_codes
from appliance.gateway.code_set import FORM, CodeSet
from appliance.gateway.codes import Codes
from appliance.gateway.routes.code_turn import place_of
from appliance.gateway.store import codes, encounters
from appliance.gateway.vault import IntegrityError
from tests.fakes.suggester import FakeSuggester
from tests.unit.appliance.gateway.test_code_additions import CODER, DAY, add, code, finalise, history
from tests.unit.appliance.gateway.test_codes import decide, suggested

pytestmark = pytest.mark.anyio
LATER = [
    ({"form": FORM + 1}, "form"), ({"form": FORM + 1, "items": "of another shape"}, "form"),
    ({"payer": "M25.562"}, "payer"), ({"ordered_by": "M25.562"}, "ordered_by"),
]  # fmt: skip


@pytest.fixture
def coded(gw: Any) -> Any:
    gw.core.codes = Codes(Library(gw.core.settings.state_dir / "no-packs"), FakeSuggester)
    return gw


def key(gw: Any, encounter: str) -> Any:
    with gw.core.database.read() as connection:
        found = encounters.find_with_key(connection, encounter)
    return gw.core.vault.unwrap(encounter, found[1])


def later(gw: Any, encounter: str, document: str, changes: dict[str, Any]) -> None:
    """Store the set as a later release would: sealed under the same key, with something more in it."""
    with gw.core.database.read() as connection:
        row = codes.find(connection, document)
    assert row is not None
    opened, place = key(gw, encounter), place_of(document, row.version)
    plain = json.dumps({**json.loads(opened.open(row.sealed, place)), **changes}).encode()
    gw.tamper(f"UPDATE code_set SET sealed = :s WHERE document_id = '{document}'", s=opened.seal(plain, place))


@pytest.mark.parametrize(("changes", "seen"), LATER)
async def test_every_act_says_what_was_seen_and_changes_nothing(coded: Any, changes: Any, seen: str) -> None:
    encounter, document, _ = await suggested(coded)
    later(coded, encounter, document, changes)
    before, path = coded.rows("SELECT * FROM code_set"), f"/v1/documents/{document}/codes"
    for answer in (
        await coded.ask("GET", path, who=CODER), await coded.ask("POST", path, json=DAY, who=CODER),
        await decide(coded, document, 1, 1, decision="accept"), await finalise(coded, document, 1),
        await add(coded, document, 1, code="I10", reason="other"),
    ):  # fmt: skip
        assert (answer.status_code, code(answer)) == (501, "codes-of-later-release")
        body = answer.json()
        assert seen in body["detail"]
        assert (body["reads_form"], "release status" in body["hint"]) == (FORM, True)
        assert "M25" not in answer.text
    assert coded.rows("SELECT * FROM code_set") == before


async def test_a_history_with_an_act_of_a_later_release(coded: Any) -> None:
    _, document, _ = await suggested(coded)
    with coded.core.database.read() as connection:
        (row,) = codes.revisions(connection, document)
    coded.tamper("DELETE FROM code_revision")
    with coded.core.database.write() as connection:
        codes.add_revision(connection, type(row)(**{**vars(row), "act": "merge"}))
    answer = await history(coded, document)
    assert (answer.status_code, code(answer)) == (501, "codes-of-later-release")


def a_set(**more: Any) -> CodeSet:
    given = {"date_of_service": date(2026, 5, 4), "table_version": "v", "table_digest": "0", "text_commitment": "c"}
    return CodeSet(**{**given, "ordered_by": "nobody", "items": (), **more})


def test_bytes_that_no_release_wrote_are_not_called_a_later_ones() -> None:
    plain = json.loads(a_set().plain())
    assert read_codes(json.dumps(plain).encode()) == a_set()
    for wrong in ({**plain, "date_of_service": "x"}, {**plain, "date_of_service": "x", "payer": 1}, [], {"form": True}):
        with pytest.raises(IntegrityError):
            read_codes(json.dumps(wrong).encode())
    with pytest.raises(IntegrityError):
        read_codes(b"{")


async def test_a_form_is_written_only_where_a_release_of_before_could_not_read_the_set(coded: Any) -> None:
    encounter, document, _ = await suggested(coded)
    await decide(coded, document, 1, 1, decision="accept")
    with coded.core.database.read() as connection:
        row = codes.find(connection, document)
    assert row is not None
    plain = key(coded, encounter).open(row.sealed, place_of(document, row.version))
    stored = json.loads(plain)
    assert "form" not in stored
    assert not any("table_version" in one for one in stored["items"])
    content = read_codes(plain)
    item = content.item(1).model_copy(update={"table_version": "2026-05-01"})
    written = json.loads(content.with_item(1, item).plain())
    assert written["form"] == FORM
    assert ["table_version" in one for one in written["items"]] == [True, False, False]
    # A form that is needed no more is not written on.
    assert content.model_copy(update={"form": FORM}).plain() == plain
