"""Codes that a coder finds at a site without a suggester: opened empty, added, ordered, checked by edits, finalised."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance.coding.tables.library import Library
from appliance.errors import NotVerifiedError
from appliance.gateway.auth.principal import Role
from appliance.gateway.codes import Codes
from tests.unit.appliance.gateway.test_code_additions import add, code, finalise, history, quoted, withdraw

pytestmark = pytest.mark.anyio
CODER = ("coder-1", Role.CODER)
HAND = {"date_of_service": "2026-05-04", "suggestions": False}
SPOKEN = ("The left knee has hurt for two weeks.", "Take ibuprofen 400 mg with food.")


@pytest.fixture
def bare(gw: Any) -> Any:
    """A gateway of a site that has no suggester; tables and edits are the product's own."""
    gw.core.codes = Codes(Library(gw.core.settings.state_dir / "no-packs"), None)
    return gw


async def begin(gw: Any, document: str, who: Any = CODER, **more: Any) -> Any:
    return await gw.ask("POST", f"/v1/documents/{document}/codes", json=HAND | more, who=who)


async def in_review(gw: Any) -> str:
    _, document = await gw.drafted(*SPOKEN)
    await gw.act(document, "review")
    return str(document)


@pytest.mark.both_stores
async def test_the_whole_path_by_hand(bare: Any) -> None:
    encounter, document = await bare.signed(*SPOKEN)
    answer = await begin(bare, document)
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"'), answer.text
    body = answer.json()
    assert (body["codes"], body["added"], body["accepted"], body["current"]) == ([], [], [], True)
    assert (body["ordered_by"], body["order_problem"], body["model"], body["sequenced"]) == ("nobody", "", None, False)
    assert body["table_version"] == "2026-04-01"
    entry = bare.entries()[body["audit_index"]]
    assert (entry["event"], entry["reason"], entry["encounter"]) == ("codes.opened", "by-hand", encounter)
    assert entry["tools"] == [{"kind": "table", "name": "icd-10-cm@2026-04-01", "digest": body["table_digest"]}]
    # Nothing is final that nobody has begun.
    assert code(await finalise(bare, document, 1)) == "no-codes"
    text = (await bare.ask("GET", f"/v1/documents/{document}", who=CODER)).json()["text"]
    assert (await add(bare, document, 1, code="m25562", evidence=quoted(text, "left knee has hurt"))).status_code == 201
    assert (await add(bare, document, 2, code="Z79.1", evidence=quoted(text))).status_code == 201
    assert (await add(bare, document, 3, code="I10", reason="registered")).status_code == 201
    assert (await withdraw(bare, document, 3, 4)).json()["accepted"] == ["M25.562", "Z79.1"]
    final = (await finalise(bare, document, 5)).json()
    assert (final["state"], final["accepted"]) == ("final", ["M25.562", "Z79.1"])
    shown = (await history(bare, document)).json()["revisions"]
    assert [(one["act"], one["suggestions"]) for one in shown] == [
        (act, 0) for act in ("open", "add", "add", "add", "withdraw", "finalise")
    ]
    assert not any(word in bare.raw() for word in (b"M25.562", b"Z79.1"))


async def test_all_edits_hold_for_codes_found_by_hand(bare: Any) -> None:
    document = await in_review(bare)
    await begin(bare, document, age_years=5)
    for wanted, given in (("unknown-code", "Q99.77"), ("code-not-billable", "E11"), ("code-not-billable", "M54.5")):
        assert code(await add(bare, document, 1, code=given, reason="other")) == wanted
    for number, given in enumerate(("F02.80", "E11.9", "E10.9", "O80"), 1):
        body = (await add(bare, document, number, code=given, reason="documented_elsewhere")).json()
    found = {one["rule"]: one["severity"] for one in body["findings"]}
    assert (found["manifestation-first"], found["excludes-1"], found["age-conflict"]) == ("error", "warning", "error")
    assert code(await finalise(bare, document, 5)) == "not-signed"
    assert (await bare.act(document, "signature", json={"attest": True})).status_code == 201
    assert code(await finalise(bare, document, 5)) == "codes-refused-by-edits"


async def test_a_set_is_opened_anew_only_while_it_is_empty_or_for_another_text(bare: Any) -> None:
    document = await in_review(bare)
    await begin(bare, document)
    assert (await begin(bare, document, date_of_service="2021-09-30")).json()["version"] == 2
    # Another day of service, other codes: M54.5 was valid until then.
    assert (await add(bare, document, 2, code="M54.5", reason="other")).status_code == 201
    assert code(await begin(bare, document)) == "codes-decided"
    shown = (await bare.ask("GET", f"/v1/documents/{document}")).json()["document"]
    sections = {
        one["name"]: [{"id": each["id"], "text": each["text"]} for each in one["statements"]]
        for one in shown["sections"]
    }
    sections["plan"] = [{"text": "Rest."}]
    assert (await bare.act(document, "content", json={"sections": sections})).status_code == 200
    assert code(await add(bare, document, 3, code="I10", reason="other")) == "document-changed"
    again = (await begin(bare, document)).json()
    assert (again["version"], again["added"], again["current"]) == (4, [], True)


async def test_a_set_is_of_a_day_on_which_somebody_can_be_served(bare: Any) -> None:
    document = await in_review(bare)
    today = datetime.now(UTC).date()
    for day in ("0001-01-01", "1899-12-31", str(today + timedelta(days=3)), "2999-12-31"):
        for by_hand in (True, False):
            answer = await begin(bare, document, date_of_service=day, suggestions=not by_hand)
            assert (answer.status_code, code(answer)) == (422, "date-of-service")
            assert answer.json()["parameter"] == "date_of_service"
            assert "from 1900-01-01 to at most one day after today" in answer.json()["detail"]
    # The practice's day may have begun before the box's.
    assert (await begin(bare, document, date_of_service=str(today + timedelta(days=1)))).status_code == 201


async def test_who_may_open_and_of_what(bare: Any) -> None:
    document = await in_review(bare)
    others = (
        ("doc-2", Role.CLINICIAN), ("x", Role.FRONT_DESK), ("x", Role.AUDITOR), ("x", Role.ADMIN), ("x", Role.CONSOLE),
    )  # fmt: skip
    for who in others:
        assert (await begin(bare, document, who=who)).status_code == 403, who
    _, draft = await bare.drafted(*SPOKEN)
    assert code(await begin(bare, draft)) == "document-state"
    assert code(await begin(bare, draft, who=("doc-1", Role.CLINICIAN))) == "not-in-review"
    assert (await begin(bare, "00000000-0000-4000-8000-000000000000")).status_code == 404
    assert bare.row("SELECT count(*) FROM code_set")[0] == 0
    assert (await begin(bare, document, who=("doc-1", Role.CLINICIAN))).status_code == 201
    encounter = await bare.visit()
    transcript = await bare.transcribed(encounter)
    bare.engine.sections = {"findings": list(SPOKEN)}
    letter = (await bare.draft(encounter, transcript, kind="patient_letter"))["id"]
    await bare.act(letter, "review")
    assert code(await begin(bare, letter)) == "not-coded"


async def test_without_log_or_table_nothing_is_opened(bare: Any) -> None:
    document = await in_review(bare)

    class Damaged(Library):
        def table(self, system: Any, day: Any) -> Any:
            raise NotVerifiedError("a pack is not what it was", hint="import it again")

    library = bare.core.codes.library
    bare.core.codes = Codes(Damaged(bare.core.settings.state_dir / "no-packs"), None)
    assert code(await begin(bare, document)) == "no-code-table"
    bare.core.codes = Codes(library, None)
    bare.break_log()
    assert code(await begin(bare, document)) == "audit-unavailable"
    assert bare.row("SELECT count(*) FROM code_set")[0] == bare.row("SELECT count(*) FROM code_revision")[0] == 0


async def test_a_site_that_suggests_may_be_asked_not_to(gw: Any) -> None:
    def asked(table: Any) -> Any:
        raise AssertionError("nobody asked for suggestions")

    gw.core.codes = Codes(Library(gw.core.settings.state_dir / "no-packs"), asked)
    document = await in_review(gw)
    requests = len(gw.engine.requests)
    assert (await begin(gw, document)).json()["codes"] == []
    assert len(gw.engine.requests) == requests
