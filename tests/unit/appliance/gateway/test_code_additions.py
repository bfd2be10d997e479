"""Codes that a coder adds over the API, and the history of a document's codes: who, when, what changed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from appliance.coding.tables.library import Library
from appliance.gateway.auth.principal import Role
from appliance.gateway.codes import Codes
from appliance.gateway.store import encounters
from tests.fakes.suggester import FakeSuggester

pytestmark = pytest.mark.anyio
CODER = ("coder-1", Role.CODER)
DAY = {"date_of_service": "2026-05-04"}
SPOKEN = ("The left knee has hurt for two weeks.", "Take ibuprofen 400 mg with food.")
QUOTE = "ibuprofen 400 mg"


def code(answer: Any) -> str:
    return str(answer.json()["type"].rsplit(":", 1)[-1])


@pytest.fixture
def coded(gw: Any) -> Any:
    """A gateway whose suggester is a fake that finds one code; tables and edits are the product's own."""
    words = {"knee": ("M25.562", 0.9)}
    library = Library(gw.core.settings.state_dir / "no-packs")
    gw.core.codes = Codes(library, lambda table: FakeSuggester(table, dict(words)))
    return gw


async def suggested(gw: Any, *, signed: bool = True, **more: Any) -> tuple[str, str]:
    """(document, its text) of a note for which one code was suggested."""
    _, document = await (gw.signed(*SPOKEN) if signed else gw.drafted(*SPOKEN))
    if not signed:
        await gw.act(document, "review")
    await gw.ask("POST", f"/v1/documents/{document}/codes", json=DAY | more, who=CODER, status=201)
    return document, (await gw.ask("GET", f"/v1/documents/{document}", who=CODER)).json()["text"]


def quoted(text: str, words: str = QUOTE) -> list[dict[str, Any]]:
    start = text.index(words)
    return [{"start": start, "end": start + len(words), "quote": words}]


async def add(gw: Any, document: str, version: int, who: Any = CODER, **given: Any) -> Any:
    path, headers = f"/v1/documents/{document}/codes/added", {"if-match": f'"{version}"'}
    return await gw.ask("POST", path, json=given, headers=headers, who=who)


async def withdraw(gw: Any, document: str, number: int, version: int, who: Any = CODER) -> Any:
    path = f"/v1/documents/{document}/codes/added/{number}"
    return await gw.ask("DELETE", path, headers={"if-match": f'"{version}"'}, who=who)


async def accept(gw: Any, document: str, version: int) -> Any:
    path, headers = f"/v1/documents/{document}/codes/1/decision", {"if-match": f'"{version}"'}
    return await gw.ask("POST", path, json={"decision": "accept"}, headers=headers, who=CODER)


async def finalise(gw: Any, document: str, version: int) -> Any:
    path = f"/v1/documents/{document}/codes/finalisation"
    return await gw.ask("POST", path, headers={"if-match": f'"{version}"'}, who=CODER)


async def history(gw: Any, document: str, who: Any = CODER) -> Any:
    return await gw.ask("GET", f"/v1/documents/{document}/codes/revisions", who=who)


@pytest.mark.both_stores
async def test_a_code_of_the_coder_counts_and_is_never_shown_as_suggested(coded: Any) -> None:
    document, text = await suggested(coded)
    answer = await add(coded, document, 1, code="z791", evidence=quoted(text))
    assert (answer.status_code, answer.headers["etag"]) == (201, '"2"'), answer.text
    body = answer.json()
    (added,) = body["added"]
    assert (added["code"], added["origin"], added["added_by"]) == ("Z79.1", "coder", "urn:appliance:local#coder-1")
    assert added["title"] == "Long term (current) use of non-steroidal anti-inflammatories (NSAID)"
    assert (added["evidence"], added["reason"], added["withdrawn_at"]) == (quoted(text), None, None)
    assert "confidence" not in added
    assert ([one["suggested"] for one in body["codes"]], body["accepted"]) == (["M25.562"], ["Z79.1"])
    await accept(coded, document, 2)
    final = (await finalise(coded, document, 3)).json()
    assert (final["state"], final["accepted"]) == ("final", ["M25.562", "Z79.1"])
    entry = coded.entries()[body["audit_index"]]
    assert (entry["event"], entry["action"], entry["reason"]) == ("codes.decided", "codes.add", None)
    assert entry["tools"] == [{"kind": "table", "name": "icd-10-cm@2026-04-01", "digest": body["table_digest"]}]
    assert [one["name"] for one in entry["considered"]] == ["code", "evidence"]
    assert (entry["numbers"]["added"], entry["numbers"]["codes"], entry["numbers"]["suggested"]) == (1, 1, 1)
    assert b"Z79.1" not in coded.raw()


@pytest.mark.both_stores
async def test_the_history_says_who_when_and_what_changed(coded: Any) -> None:
    document, text = await suggested(coded)
    await add(coded, document, 1, code="Z79.1", evidence=quoted(text))
    await add(coded, document, 2, who=("doc-1", Role.CLINICIAN), code="Z87.891", reason="clinician_confirmed")
    await withdraw(coded, document, 1, 3)
    await accept(coded, document, 4)
    await finalise(coded, document, 5)
    before = coded.happened().count("codes.history_read")
    answer = await history(coded, document)
    assert answer.status_code == 200, answer.text
    shown = answer.json()["revisions"]
    assert [(one["version"], one["act"], one["number"], one["began"], one["ended"]) for one in shown] == [
        (1, "suggest", None, [], []), (2, "add", 1, ["Z79.1"], []), (3, "add", 2, ["Z87.891"], []),
        (4, "withdraw", 1, [], ["Z79.1"]), (5, "accept", 1, ["M25.562"], []), (6, "finalise", None, [], []),
    ]  # fmt: skip
    assert [one["by"].rsplit("#", 1)[1] for one in shown] == [
        "coder-1", "coder-1", "doc-1", "coder-1", "coder-1", "coder-1",
    ]  # fmt: skip
    assert (shown[1]["evidence"], shown[2]["reason"], shown[4]["suggested"]) == (
        quoted(text), "clinician_confirmed", "M25.562",
    )  # fmt: skip
    assert shown[-1]["accepted"] == ["M25.562", "Z87.891"]
    assert sorted(one["at"] for one in shown) == [one["at"] for one in shown]
    entries = coded.entries()
    assert [entries[one["audit_index"]]["event"] for one in shown] == ["codes.suggested", *["codes.decided"] * 4,
        "codes.finalised"]  # fmt: skip
    assert coded.happened().count("codes.history_read") == before + 1


async def test_what_rests_on_nothing_or_cannot_be_claimed_is_refused(coded: Any) -> None:
    document, text = await suggested(coded)
    (right,) = quoted(text)
    for status, wanted, given in (
        (422, "evidence-missing", {"code": "Z79.1"}),
        (422, "evidence-not-in-text", {"code": "Z79.1", "evidence": [right | {"quote": "ibuprofen 800 mg"}]}),
        (422, "evidence-not-in-text", {"code": "Z79.1", "evidence": [right | {"start": right["start"] + 1}]}),
        (422, "evidence-not-in-text", {"code": "Z79.1", "evidence": [right | {"end": 10**6}]}),
        (422, "evidence-not-in-text", {"code": "Z79.1", "evidence": [right, right | {"start": right["end"]}]}),
        (422, "invalid-request", {"code": "Z79.1", "evidence": [right | {"start": -1}]}),
        (422, "invalid-request", {"code": "Z79.1", "evidence": [right] * 9}),
        (422, "invalid-request", {"code": "Z79.1", "evidence": [right | {"quote": "x" * 2001}]}),
        (422, "invalid-request", {"code": "Z79.1", "reason": "because I say so"}),
        (422, "invalid-request", {"code": "Z79.1", "evidence": [right], "origin": "model"}),
        (422, "invalid-request", {"code": "'; DROP TABLE", "evidence": [right]}),
        (422, "unknown-code", {"code": "Q99.77", "evidence": [right]}),
        (422, "code-not-billable", {"code": "E11", "evidence": [right]}),
        (409, "code-was-suggested", {"code": "m25.562", "evidence": [right]}),
    ):
        answer = await add(coded, document, 1, **given)
        assert (answer.status_code, code(answer)) == (status, wanted), (given, answer.text)
        assert "ibuprofen" not in answer.text
    blank = text.index(" ")
    answer = await add(coded, document, 1, code="Z79.1", evidence=[{"start": blank, "end": blank + 1, "quote": " "}])
    assert code(answer) == "evidence-not-in-text"
    assert coded.row("SELECT version FROM code_set")[0] == 1
    path = f"/v1/documents/{document}/codes/added"
    assert code(await coded.ask("POST", path, json={"code": "Z79.1"}, who=CODER)) == "if-match-missing"
    assert code(await withdraw(coded, document, 1, 1)) == "not-found"


async def test_each_code_counts_once_and_a_withdrawn_one_may_come_back(coded: Any) -> None:
    document, text = await suggested(coded)
    await add(coded, document, 1, code="Z79.1", evidence=quoted(text))
    assert code(await add(coded, document, 2, code="Z79.1", reason="guideline")) == "code-counts-already"
    await accept(coded, document, 2)
    assert code(await add(coded, document, 3, code="M25.562", reason="guideline")) == "code-counts-already"
    gone = (await withdraw(coded, document, 1, 3)).json()
    assert (gone["accepted"], gone["added"][0]["withdrawn_by"]) == (["M25.562"], "urn:appliance:local#coder-1")
    assert code(await withdraw(coded, document, 1, 4)) == "not-found"
    body = (await add(coded, document, 4, code="Z79.1", reason="guideline")).json()
    assert [(one["number"], one["withdrawn_at"] is None) for one in body["added"]] == [(1, False), (2, True)]
    assert body["accepted"] == ["M25.562", "Z79.1"]


async def test_edits_run_over_added_codes_and_hold_the_final_codes_back(coded: Any) -> None:
    document, _ = await suggested(coded, age_years=5)
    await accept(coded, document, 1)
    await add(coded, document, 2, code="I10", reason="documented_elsewhere")
    body = (await add(coded, document, 3, code="O80", reason="documented_elsewhere")).json()
    (age,) = [one for one in body["findings"] if one["rule"] == "age-conflict"]
    assert (age["severity"], age["codes"]) == ("error", ["O80"])
    assert code(await finalise(coded, document, 4)) == "codes-refused-by-edits"
    assert (await withdraw(coded, document, 2, 4)).json()["accepted"] == ["M25.562", "I10"]
    assert (await finalise(coded, document, 5)).status_code == 200


@pytest.mark.both_stores
async def test_nothing_is_added_to_or_taken_from_final_codes(coded: Any) -> None:
    document, text = await suggested(coded)
    await add(coded, document, 1, code="Z79.1", evidence=quoted(text))
    await accept(coded, document, 2)
    await finalise(coded, document, 3)
    for answer in (
        await add(coded, document, 4, code="Z87.891", reason="other"), await withdraw(coded, document, 1, 4),
    ):  # fmt: skip
        assert (answer.status_code, code(answer)) == (409, "codes-final")
    for statement in ("UPDATE code_set SET sealed = 'x'", "UPDATE code_revision SET subject = 'x'"):
        with pytest.raises(DBAPIError):
            coded.tamper(statement)
    assert (await history(coded, document)).json()["revisions"][-1]["act"] == "finalise"


@pytest.mark.both_stores
async def test_of_several_who_add_at_once_exactly_one_wins(coded: Any) -> None:
    document, _ = await suggested(coded)
    given = [{"code": one, "reason": "other"} for one in ("Z79.1", "E11.9", "I10", "Z87.891")]
    answers = await asyncio.gather(*(add(coded, document, 1, **one) for one in given), accept(coded, document, 1))
    assert sorted(answer.status_code for answer in answers)[1:] == [412] * 4
    assert coded.happened().count("codes.decided") == 1
    assert len((await history(coded, document)).json()["revisions"]) == 2


async def test_who_may(coded: Any) -> None:
    document, text = await suggested(coded, signed=False)
    await add(coded, document, 1, code="Z79.1", evidence=quoted(text))
    others = (
        ("doc-2", Role.CLINICIAN), ("x", Role.FRONT_DESK), ("x", Role.AUDITOR), ("x", Role.ADMIN), ("x", Role.CONSOLE),
    )  # fmt: skip
    for who in others:
        for answer in (
            await add(coded, document, 2, who=who, code="I10", reason="other"),
            await withdraw(coded, document, 1, 2, who=who), await history(coded, document, who=who),
        ):  # fmt: skip
            assert (answer.status_code, "Z79" in answer.text) == (403, False), who
    # A clinician of another encounter's team has no way to this one's codes; of this one's, every way.
    mine = ("doc-1", Role.CLINICIAN)
    assert (await history(coded, document, who=mine)).status_code == 200
    assert (await add(coded, document, 2, who=mine, code="I10", reason="registered")).status_code == 201
    nowhere = "00000000-0000-4000-8000-000000000000"
    assert (await history(coded, nowhere)).status_code == 404
    assert (await add(coded, nowhere, 1, code="I10", reason="other")).status_code == 404
    _, draft = await coded.drafted(*SPOKEN)
    assert code(await history(coded, draft)) == "document-state"
    await coded.act(draft, "review")
    assert code(await add(coded, draft, 1, code="I10", reason="other")) == "not-found"
    assert code(await history(coded, draft)) == "not-found"


@pytest.mark.parametrize("act", ["add", "withdraw", "revisions"])
async def test_without_the_log_nothing_is_released_or_changed(coded: Any, act: str) -> None:
    document, _ = await suggested(coded)
    await add(coded, document, 1, code="I10", reason="other")
    before = coded.rows("SELECT * FROM code_set"), coded.rows("SELECT version FROM code_revision")
    coded.break_log()
    answer = await {
        "add": lambda: add(coded, document, 2, code="E11.9", reason="other"),
        "withdraw": lambda: withdraw(coded, document, 1, 2), "revisions": lambda: history(coded, document),
    }[act]()  # fmt: skip
    assert (answer.status_code, code(answer), "I10" in answer.text) == (503, "audit-unavailable", False)
    assert (coded.rows("SELECT * FROM code_set"), coded.rows("SELECT version FROM code_revision")) == before


async def test_another_text_needs_its_own_codes_and_the_history_keeps_the_old(coded: Any) -> None:
    document, text = await suggested(coded, signed=False)
    await add(coded, document, 1, code="Z79.1", evidence=quoted(text))
    path = f"/v1/documents/{document}/codes"
    assert code(await coded.ask("POST", path, json=DAY, who=CODER)) == "codes-decided"
    shown = (await coded.ask("GET", f"/v1/documents/{document}")).json()["document"]
    sections = {
        one["name"]: [{"id": each["id"], "text": each["text"]} for each in one["statements"]]
        for one in shown["sections"]
    }
    sections["plan"] = [{"text": "Rest."}]
    assert (await coded.act(document, "content", json={"sections": sections})).status_code == 200
    assert code(await add(coded, document, 2, code="I10", reason="other")) == "document-changed"
    again = (await coded.ask("POST", path, json=DAY, who=CODER, status=201)).json()
    assert (again["added"], again["accepted"]) == ([], [])
    last = (await history(coded, document)).json()["revisions"][-1]
    assert (last["act"], last["ended"]) == ("suggest", ["Z79.1"])


async def test_a_set_without_added_codes_is_stored_as_an_older_release_reads_it(coded: Any) -> None:
    document, _ = await suggested(coded)
    await accept(coded, document, 1)
    encounter, sealed = coded.row("SELECT encounter_id, sealed FROM code_set")
    with coded.core.database.read() as connection:
        _, wrapped = encounters.find_with_key(connection, encounter)
    plain = json.loads(coded.core.vault.unwrap(encounter, wrapped).open(sealed, f"codes/{document}/2"))
    assert "added" not in plain


@pytest.mark.parametrize(
    ("kind", "section", "has_codes"),
    [
        ("discharge_instructions", "reason", True), ("referral_letter", "history", True),
        ("record_summary", "overview", False), ("prior_auth_appeal", "clinical_background", False),
        ("patient_letter", "findings", False),
    ],
)  # fmt: skip
async def test_which_documents_have_codes(coded: Any, kind: str, section: str, has_codes: bool) -> None:
    encounter = await coded.visit()
    transcript = await coded.transcribed(encounter)
    coded.engine.sections = {section: list(SPOKEN)}
    document = (await coded.draft(encounter, transcript, kind=kind))["id"]
    await coded.act(document, "review")
    answer = await coded.ask("POST", f"/v1/documents/{document}/codes", json=DAY, who=CODER)
    if has_codes:
        assert answer.status_code == 201, answer.text
        assert (answer.json()["kind"], [one["suggested"] for one in answer.json()["codes"]]) == (kind, ["M25.562"])
    else:
        assert (answer.status_code, code(answer)) == (409, "not-coded")
        assert kind in answer.json()["detail"]
    level = {"visit": "established-office", "date_of_service": "2026-05-04"}
    answer = await coded.ask("POST", f"/v1/documents/{document}/visit-level", json=level, who=CODER)
    assert (answer.status_code, code(answer)) == (409, "no-visit-note")
