"""Codes in the order of a claim: who puts them there, what is refused, and what later decisions leave of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.coding.tables.library import Library
from appliance.gateway.auth.principal import Role
from appliance.gateway.code_order import in_order, kept_order, whole_order
from appliance.gateway.codes import Codes
from appliance.gateway.store import encounters
from appliance.problems import ProblemError
from tests.fakes.suggester import FakeSuggester
from tests.unit.appliance.gateway.test_code_additions import CODER, SPOKEN, add, code, finalise, history, withdraw
from tests.unit.appliance.gateway.test_codes import decide, suggested

pytestmark = pytest.mark.anyio
WORDS = {"knee": ("M25.562", 0.9), "ibuprofen": ("Z79.1", 0.6), "weeks": ("R52", 0.4)}
CODES = st.lists(st.sampled_from(["A00.0", "E11.9", "I10", "J44.9", "Z79.4"]), unique=True)


@given(CODES, CODES)
def test_an_order_never_adds_or_loses_a_code(order: list[str], codes: list[str]) -> None:
    made = in_order(order, codes)
    assert sorted(made) == sorted(codes)
    assert [one for one in made if one in order] == [one for one in order if one in codes]
    assert [one for one in made if one not in order] == [one for one in codes if one not in order]


@given(CODES.filter(bool), st.data())
def test_what_is_kept_of_an_order_are_codes_that_count_as_they_stood(order: list[str], data: Any) -> None:
    before = data.draw(st.sampled_from(order))
    codes = [one for one in order if one != before]
    assert kept_order(order, before, "", codes) == tuple(codes)
    replaced = kept_order(order, before, "K71.9", [*codes, "K71.9"])
    assert replaced == tuple("K71.9" if one == before else one for one in order)
    # A code that counts already keeps its own place, and the replaced one's is gone.
    if codes:
        assert kept_order(order, before, codes[0], codes) == tuple(codes)


@pytest.mark.parametrize(
    ("given", "wanted", "says"),
    [
        (["I10"], "order-incomplete", {"missing": 1}), (["I10", "I10"], "order-code-doubled", {"places": [2]}),
        (["I10", "e119", "E11.9"], "order-code-doubled", {"places": [3]}),
        (["I10", "E11.9", "J44.9"], "order-code-foreign", {"places": [3]}),
        (["J44.9"], "order-code-foreign", {"places": [1]}),
    ],
)  # fmt: skip
def test_a_wrong_list_names_places_and_no_code(given: Sequence[str], wanted: str, says: dict[str, Any]) -> None:
    with pytest.raises(ProblemError) as caught:
        whole_order(given, ["E11.9", "I10"])
    problem = caught.value
    assert (problem.status, problem.code) == (422, wanted)
    assert says.items() <= problem.members.items()
    assert not any(one in f"{problem.detail} {problem.members}" for one in ("E11", "I10", "J44"))


def test_an_order_is_written_as_the_table_writes_codes() -> None:
    assert whole_order(["i10", "e119"], ["E11.9", "I10"]) == ("I10", "E11.9")


@pytest.fixture
def coded(gw: Any) -> Any:
    """A gateway whose suggester finds three codes."""
    library = Library(gw.core.settings.state_dir / "no-packs")
    gw.core.codes = Codes(library, lambda table: FakeSuggester(table, dict(WORDS)))
    return gw


async def put(gw: Any, document: str, version: int, *codes: str, who: Any = CODER) -> Any:
    path, headers = f"/v1/documents/{document}/codes/order", {"if-match": f'"{version}"'}
    return await gw.ask("PUT", path, json={"codes": codes}, headers=headers, who=who)


async def accepted(gw: Any, *, signed: bool = True) -> str:
    """A document with three accepted codes, at version 4."""
    _, document, _ = await suggested(gw, signed=signed)
    for number in (1, 2, 3):
        await decide(gw, document, number, number, decision="accept")
    return str(document)


@pytest.mark.both_stores
async def test_codes_are_put_into_an_order_and_stay_in_it(coded: Any) -> None:
    document = await accepted(coded)
    answer = await put(coded, document, 4, "r52", "M25.562", "z791")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"5"'), answer.text
    body = answer.json()
    assert (body["accepted"], body["sequenced"]) == (["R52", "M25.562", "Z79.1"], True)
    assert [one["suggested"] for one in body["codes"]] == ["M25.562", "Z79.1", "R52"]
    entry = coded.entries()[body["audit_index"]]
    assert (entry["event"], entry["action"]) == ("codes.decided", "codes.order")
    assert [one["name"] for one in entry["considered"]] == ["code"]
    # A new code stands behind and waits for its place; a replaced one hands its place on; a rejected one loses it.
    body = (await add(coded, document, 5, code="I10", reason="registered")).json()
    assert (body["accepted"], body["sequenced"]) == (["R52", "M25.562", "Z79.1", "I10"], False)
    body = (await decide(coded, document, 3, 6, decision="replace", reason="too_unspecific", code="G89.11")).json()
    assert body["accepted"] == ["G89.11", "M25.562", "Z79.1", "I10"]
    body = (await decide(coded, document, 1, 7, decision="reject", reason="denied")).json()
    assert body["accepted"] == ["G89.11", "Z79.1", "I10"]
    body = (await decide(coded, document, 1, 8, decision="accept")).json()
    assert body["accepted"] == ["G89.11", "Z79.1", "M25.562", "I10"]
    body = (await put(coded, document, 9, "M25.562", "G89.11", "I10", "Z79.1")).json()
    body = (await withdraw(coded, document, 1, 10)).json()
    assert (body["accepted"], body["sequenced"]) == (["M25.562", "G89.11", "Z79.1"], True)
    final = (await finalise(coded, document, 11)).json()
    assert (final["state"], final["accepted"], final["sequenced"]) == ("final", body["accepted"], True)
    shown = (await history(coded, document)).json()["revisions"]
    order = next(one for one in shown if one["act"] == "order")
    assert (order["accepted"], order["began"], order["ended"], order["number"]) == (
        ["R52", "M25.562", "Z79.1"], [], [], None,
    )  # fmt: skip
    assert code(await put(coded, document, 12, "Z79.1", "M25.562", "G89.11")) == "codes-final"
    assert b"G89" not in coded.raw()


async def test_the_edits_of_the_order_run_anew(coded: Any) -> None:
    words = {"knee": ("F02.80", 0.9), "ibuprofen": ("G30.9", 0.8), "weeks": ("Z79.4", 0.4)}
    coded.core.codes = Codes(coded.core.codes.library, lambda table: FakeSuggester(table, words))
    document = await accepted(coded)
    assert code(await finalise(coded, document, 4)) == "codes-refused-by-edits"
    body = (await put(coded, document, 4, "G30.9", "F02.80", "Z79.4")).json()
    assert body["findings"] == []
    await add(coded, document, 5, code="E11.9", reason="registered")
    found = {
        version: [one["rule"] for one in (await put(coded, document, version, *codes)).json()["findings"]]
        for version, codes in (
            (6, ("Z79.4", "G30.9", "F02.80", "E11.9")), (7, ("F02.80", "G30.9", "E11.9", "Z79.4")),
            (8, ("G30.9", "F02.80", "E11.9", "Z79.4")),
        )
    }  # fmt: skip
    assert found[6] == ["use-additional-order"]
    assert sorted(found[7]) == ["code-first-order", "manifestation-first"]
    assert found[8] == []
    assert (await finalise(coded, document, 9)).status_code == 200


async def test_wrong_lists_and_versions_change_nothing(coded: Any) -> None:
    document = await accepted(coded)
    for status, wanted, version, codes in (
        (412, "changed-meanwhile", 3, ("R52", "M25.562", "Z79.1")),
        (422, "order-incomplete", 4, ("R52", "M25.562")),
        (422, "order-code-doubled", 4, ("R52", "M25.562", "Z79.1", "R52")),
        (422, "order-code-foreign", 4, ("R52", "M25.562", "I10")),
        (422, "invalid-request", 4, ()),
        (422, "invalid-request", 4, ("R52", "M25.562", "'; DROP")),
        (422, "invalid-request", 4, ("R52",) * 121),
    ):
        answer = await put(coded, document, version, *codes)
        assert (answer.status_code, code(answer)) == (status, wanted), (codes, answer.text)
        assert "R52" not in answer.text
    path = f"/v1/documents/{document}/codes/order"
    assert code(await coded.ask("PUT", path, json={"codes": ["R52"]}, who=CODER)) == "if-match-missing"
    assert coded.row("SELECT version FROM code_set")[0] == 4
    for number in (1, 2, 3):
        await decide(coded, document, number, number + 3, decision="reject", reason="other")
    assert code(await put(coded, document, 7, "R52")) == "no-codes"


@pytest.mark.both_stores
async def test_of_several_orders_at_once_exactly_one_wins(coded: Any) -> None:
    document = await accepted(coded)
    orders = (("R52", "M25.562", "Z79.1"), ("Z79.1", "R52", "M25.562"), ("M25.562", "R52", "Z79.1"))
    answers = await asyncio.gather(
        *(put(coded, document, 4, *one) for one in orders), decide(coded, document, 1, 4, decision="accept")
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    assert len((await history(coded, document)).json()["revisions"]) == 5


async def test_who_may(coded: Any) -> None:
    document = await accepted(coded, signed=False)
    others = (
        ("doc-2", Role.CLINICIAN), ("x", Role.FRONT_DESK), ("x", Role.AUDITOR), ("x", Role.ADMIN), ("x", Role.CONSOLE),
    )  # fmt: skip
    for who in others:
        answer = await put(coded, document, 4, "R52", "M25.562", "Z79.1", who=who)
        assert (answer.status_code, "R52" in answer.text) == (403, False), who
    assert (await put(coded, document, 4, "R52", "M25.562", "Z79.1", who=("doc-1", Role.CLINICIAN))).status_code == 200
    _, draft = await coded.drafted(*SPOKEN)
    await coded.act(draft, "review")
    assert code(await put(coded, draft, 1, "R52")) == "not-found"


async def test_without_the_log_no_order_changes(coded: Any) -> None:
    document = await accepted(coded)
    before = coded.rows("SELECT * FROM code_set")
    coded.break_log()
    answer = await put(coded, document, 4, "R52", "M25.562", "Z79.1")
    assert (answer.status_code, code(answer)) == (503, "audit-unavailable")
    assert coded.rows("SELECT * FROM code_set") == before


async def test_a_set_without_an_order_is_stored_as_an_older_release_reads_it(coded: Any) -> None:
    document = await accepted(coded)

    def stored(version: int) -> dict[str, Any]:
        encounter, sealed = coded.row("SELECT encounter_id, sealed FROM code_set")
        with coded.core.database.read() as connection:
            _, wrapped = encounters.find_with_key(connection, encounter)
        plain = coded.core.vault.unwrap(encounter, wrapped).open(sealed, f"codes/{document}/{version}")
        return dict(json.loads(plain))

    assert not {"order", "added"} & stored(4).keys()
    await put(coded, document, 4, "R52", "M25.562", "Z79.1")
    assert stored(5)["order"] == ["R52", "M25.562", "Z79.1"]
