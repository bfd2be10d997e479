"""The list of revoked releases in a channel's metadata: read as written, or refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from appliance.contract.revocation import MAX_REVOKED, REVOKED_FIELD, Revocation, revocations, revoked_field

ONE = Revocation(
    name="2026.11-1", sequence=1, digest="a" * 64, at=datetime(2026, 11, 26, tzinfo=UTC), reason="hears numbers wrong"
)


def test_what_is_written_is_read_through_json() -> None:
    other = ONE.model_copy(update={"name": "2026.11-2", "sequence": 2})
    text = json.dumps({REVOKED_FIELD: revoked_field((ONE, other))})
    assert revocations(json.loads(text)) == (ONE, other)
    assert revocations({}) == ()


@pytest.mark.parametrize(
    "value",
    [
        "2026.11-1",
        {"name": "2026.11-1"},
        [{"name": "2026.11-1"}],
        [ONE.model_dump(mode="json") | {"more": 1}],
        [ONE.model_dump(mode="json") | {"reason": "two\nlines"}],
        [ONE.model_dump(mode="json") | {"name": "../x"}],
        [ONE.model_dump(mode="json")] * 2,
        [ONE.model_dump(mode="json") | {"name": f"r{number}"} for number in range(MAX_REVOKED + 1)],
    ],
)
def test_what_is_not_such_a_list_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=REVOKED_FIELD):
        revocations({REVOKED_FIELD: value})
