"""The table of laws, counsel's overrides, and whose consent is needed."""

import hashlib
import json
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import UsageError
from appliance.gateway.consent import law, overrides
from appliance.gateway.consent.law import STATES, LawTable, Rule
from appliance.gateway.consent.overrides import Overrides
from appliance.gateway.consent.refusal import ConsentError
from appliance.gateway.consent.requirement import required

TODAY = date(2026, 3, 4)
ALL_PARTY = {"CA", "DE", "FL", "IL", "MD", "MA", "MT", "NH", "PA", "WA"}


def entry(**changed: Any) -> dict[str, Any]:
    return {
        "id": "tx-1", "states": ["TX"], "parties": "one", "decided_by": "Counsel of the practice",
        "decided_on": "2026-01-02", "effective_from": "2026-01-10", "expires_on": "2027-01-10", "reference": "Memo 7",
    } | changed  # fmt: skip


def document(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"schema_version": "consent-overrides/v1", "overrides": list(entries)}).encode()


def test_table_holds_each_state_once_and_names_its_digest(table: LawTable) -> None:
    data = Path(law.__file__).with_name("recording_law.json")
    assert len(table.laws) == 51
    assert table.sha256 == hashlib.sha256(data.read_bytes()).hexdigest()
    assert table.as_of.isoformat() == table.version


def test_table_classes(table: LawTable) -> None:
    by_rule = {rule: {state for state, row in table.laws.items() if row.rule is rule} for rule in Rule}
    assert by_rule[Rule.ALL_PARTY] == ALL_PARTY
    assert by_rule[Rule.MIXED] == {"CT", "NV", "OR"}
    assert by_rule[Rule.CONTESTED] == {"MI", "VT"}
    assert len(by_rule[Rule.ONE_PARTY]) == 36


@pytest.mark.parametrize("change", ["missing", "twice", "strange", "unknown key", "not JSON"])
def test_table_that_is_not_whole_is_refused(change: str) -> None:
    given = json.loads(Path(law.__file__).with_name("recording_law.json").read_text())
    rows = given["states"]
    match change:
        case "missing":
            rows.pop()
        case "twice":
            rows[0] = rows[1]
        case "strange":
            rows[0] = rows[0] | {"state": "ZZ"}
        case "unknown key":
            rows[0] = rows[0] | {"really": "one_party"}
    data = b"{" if change == "not JSON" else json.dumps(given).encode()
    with pytest.raises(UsageError):
        law.parse(data)


def test_without_overrides_every_pair_is_all_party(table: LawTable) -> None:
    for patient, clinician in product(sorted(STATES), repeat=2):
        assert required(patient, clinician, table, Overrides(), TODAY).parties == "all"


@pytest.mark.parametrize("place", ["", "ZZ", "ca", "PR", "California", "C A"])
def test_unknown_place_is_refused_on_either_side(table: LawTable, place: str) -> None:
    for pair in ((place, "CA"), ("CA", place)):
        with pytest.raises(ConsentError) as refused:
            required(*pair, table, Overrides(), TODAY)
        assert refused.value.code == "state-unknown"
        assert refused.value.status == 422


def test_override_loosens_only_where_both_states_are_overridden(table: LawTable) -> None:
    counsel = overrides.parse(document(entry()), table)
    assert required("TX", "TX", table, counsel, TODAY).parties == "one"
    assert required("TX", "CA", table, counsel, TODAY).parties == "all"
    assert required("CA", "TX", table, counsel, TODAY).parties == "all"
    assert required("TX", "OK", table, counsel, TODAY).parties == "all"


def test_requirement_says_what_it_rests_on(table: LawTable) -> None:
    data = document(entry())
    found = required("TX", "CA", table, overrides.parse(data, table), TODAY)
    assert [(part.state, part.rule, part.override, part.parties) for part in found.basis] == [
        ("TX", Rule.ONE_PARTY, "tx-1", "one"), ("CA", Rule.ALL_PARTY, None, "all"),
    ]  # fmt: skip
    assert found.table_sha256 == table.sha256
    assert found.overrides_sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("day", "parties"),
    [("2026-01-09", "all"), ("2026-01-10", "one"), ("2027-01-09", "one"), ("2027-01-10", "all")],
)
def test_override_counts_only_within_its_dates(table: LawTable, day: str, parties: str) -> None:
    counsel = overrides.parse(document(entry()), table)
    assert required("TX", "TX", table, counsel, date.fromisoformat(day)).parties == parties


def test_expired_override_is_noticed(table: LawTable) -> None:
    counsel = overrides.parse(document(entry()), table)
    assert required("CA", "CA", table, counsel, TODAY).notices == ()
    (notice,) = required("CA", "CA", table, counsel, date(2027, 1, 10)).notices
    assert notice.code == "override-expired"
    assert "tx-1" in notice.text


@pytest.mark.parametrize(
    "entries",
    [
        [entry(states=["CA"])],
        [entry(states=["TX", "NV"])],
        [entry(states=["MI"])],
        [entry(states=["ZZ"])],
        [entry(states=[])],
        [entry(parties="none")],
        [entry(decided_by="")],
        [entry(decided_on="2026-02-01")],
        [entry(expires_on="2026-01-10")],
        [entry(expires_on="2029-01-10")],
        [entry(extra=1)],
        [{key: value for key, value in entry().items() if key != "expires_on"}],
        [{key: value for key, value in entry().items() if key != "decided_by"}],
        [entry(), entry()],
        [entry(), entry(id="tx-2", effective_from="2026-12-01", expires_on="2027-03-01")],
    ],
)
def test_unsound_overrides_are_refused_whole(table: LawTable, entries: list[dict[str, Any]]) -> None:
    with pytest.raises(UsageError) as refused:
        overrides.parse(document(entry(id="fine", states=["NY"]), *entries), table)
    assert "counsel" in refused.value.hint


def test_all_party_state_is_loosened_only_expressly(table: LawTable) -> None:
    counsel = overrides.parse(document(entry(states=["CA"], against_table=True)), table)
    assert required("CA", "CA", table, counsel, TODAY).parties == "one"


def test_following_overrides_of_one_state_do_not_collide(table: LawTable) -> None:
    later = entry(id="tx-2", parties="all", effective_from="2027-01-10", expires_on="2027-12-31")
    counsel = overrides.parse(document(entry(), later), table)
    assert required("TX", "TX", table, counsel, date(2027, 1, 9)).parties == "one"
    assert required("TX", "TX", table, counsel, date(2027, 1, 10)).parties == "all"


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'{"overrides": [], "overrides": []}', b"[" * 100_000])
def test_file_that_is_no_such_document_is_refused(table: LawTable, data: bytes) -> None:
    with pytest.raises(UsageError):
        overrides.parse(data, table)


def test_a_document_is_bounded(table: LawTable) -> None:
    assert overrides.parse(document(entry()), table).entries[0].id == "tx-1"
    with pytest.raises(UsageError, match="larger"):
        overrides.parse(document(entry()) + b" " * overrides.MAX_BYTES, table)
