"""The box's own suggester behind the API: nothing of it is a fake but the engine, which does not answer."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.gateway.auth.principal import Role

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
CODER = ("coder-1", Role.CODER)


async def test_a_signed_note_gets_codes_with_evidence_and_what_it_denies_is_none(gw: Any) -> None:
    _, document = await gw.drafted(
        "Type 2 diabetes mellitus, on metformin.", "Essential hypertension.", "Left knee pain for two weeks.",
        "No asthma.", "Mother had breast cancer.",
    )  # fmt: skip
    await gw.act(document, "review")
    path = f"/v1/documents/{document}/codes"
    answer = await gw.ask("POST", path, json={"date_of_service": "2026-05-04"}, who=CODER, status=201)
    found = {one["suggested"]: one for one in answer.json()["codes"]}
    assert {"E11.9", "I10", "M25.562"} <= set(found)
    assert not any(code.startswith(("J45", "C50")) for code in found)
    text = (await gw.ask("GET", f"/v1/documents/{document}", who=CODER)).json()["text"]
    for one in found.values():
        assert one["findings"] == []
        assert all(text[each["start"] : each["end"]] == each["quote"] for each in one["evidence"])
    accepted = await gw.ask(
        "POST", f"{path}/1/decision", json={"decision": "accept"}, headers={"if-match": '"1"'}, who=CODER, status=200
    )
    assert accepted.json()["accepted"] == [answer.json()["codes"][0]["suggested"]]
