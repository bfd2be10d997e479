"""The level of a visit over the API: judged, never above the claim, on record before it is answered."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.gateway.auth.principal import Role

pytestmark = pytest.mark.anyio
CODER = ("coder-1", Role.CODER)
ASKED = {"visit": "established-office", "date_of_service": "2026-05-04", "claimed": "99215"}
NOTE = ("Left knee pain, stable.", "I spent 22 minutes in total on the day of the encounter.")


def code(answer: Any) -> str:
    return str(answer.json()["type"].rsplit(":", 1)[-1])


async def ask(gw: Any, document: str, who: Any = CODER, **changes: Any) -> Any:
    return await gw.ask("POST", f"/v1/documents/{document}/visit-level", json=ASKED | changes, who=who)


async def test_a_claim_that_the_note_does_not_support_is_lowered(gw: Any) -> None:
    _, document = await gw.drafted(*NOTE)
    await gw.act(document, "review")
    answer = await ask(gw, document)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["verdict"] != "supports"
    assert (body["claimed"], body["minutes"]) == ("99215", 22)
    assert body["supported"] in (None, "99211", "99212", "99213")
    (entry,) = [one for one in gw.entries() if one["event"] == "codes.level_judged"]
    assert (entry["actor"]["subject"], entry["subject"]) == ("coder-1", document)
    assert b"22 minutes" not in gw.raw()


async def test_who_may_and_what_is_refused(gw: Any) -> None:
    _, draft = await gw.drafted(*NOTE)
    assert code(await ask(gw, draft)) == "document-state"
    assert code(await ask(gw, draft, who=("doc-1", Role.CLINICIAN))) == "not-in-review"
    _, document = await gw.drafted(*NOTE)
    await gw.act(document, "review")
    assert (await ask(gw, document, who=("doc-2", Role.CLINICIAN))).status_code == 403
    for changes in ({"visit": "no-such-visit"}, {"claimed": "00000"}, {"date_of_service": "1999-01-01"}):
        answer = await ask(gw, document, **changes)
        assert (answer.status_code, code(answer)) == (422, "visit-level")
        assert "no-such-visit" not in answer.text
    for day in ("0001-01-01", "1899-12-31", "2999-01-01"):
        answer = await ask(gw, document, date_of_service=day)
        assert (answer.status_code, code(answer)) == (422, "date-of-service")
    gw.break_log()
    answer = await ask(gw, document)
    assert (answer.status_code, code(answer)) == (503, "audit-unavailable")
