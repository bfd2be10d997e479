"""The seal check: a difference and an unreadable fact both refuse, with different codes."""

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.health import TranscriptionHealth
from appliance.contract.seal import Seal
from appliance.ctl.seal_check import compare, read_seal, require, words
from appliance.errors import SealBrokenError, UnknownStateError
from appliance.facts.reading import UnreadableError

A, B = "a" * 64, "b" * 64
UUID = "01234567-89ab-cdef-0123-456789abcdef"
ROOT_UUID = "89abcdef-89ab-cdef-0123-456789abcdef"
DOCUMENT: dict[str, Any] = {
    "schema_version": "seal/v1", "site": "north", "sealed_at": "2026-01-01T00:00:00Z", "usr_root_hash": A,
    "ruleset_digest": A, "state_volume": {"luks_uuid": UUID}, "model": {"name": "m", "root_hash": A},
    "root_luks_uuid": ROOT_UUID,
}  # fmt: skip
SEAL = Seal.model_validate(DOCUMENT)


def facts(**changes: Any) -> dict[str, Any]:
    values = {
        "firewall": {"digest": A}, "verity": {"usr": {"root_hash": A}}, "unencrypted_swaps": [],
        "state_volume": {"mounted": True, "encrypted": True, "luks_uuid": UUID},
        "root_volume": {"mounted": True, "encrypted": True, "luks_uuid": ROOT_UUID}, **changes,
    }  # fmt: skip
    return {name: {"value": value} for name, value in values.items()}


def answer(root_hash: str | None) -> TranscriptionHealth:
    return TranscriptionHealth(
        status="ok", model="m", root_hash=root_hash, root_hash_source="s", queue_length=0, queue_limit=1,
        requests_done=0, requests_refused=0, requests_failed=0,
    )  # fmt: skip


def test_a_box_as_sealed_passes() -> None:
    comparisons = compare(SEAL, facts(), lambda: answer(A))
    require(comparisons)
    assert len(comparisons) == 6
    assert all(line.startswith("as sealed") for line in words(comparisons))


def test_before_the_start_the_weights_are_left_to_the_service() -> None:
    assert "root hash of the weights" not in [each.name for each in compare(SEAL, facts(), None)]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"firewall": {"digest": B}}, "firewall rules"),
        ({"verity": {"usr": {"root_hash": B}}}, "root hash of /usr"),
        ({"verity": {}}, "root hash of /usr"),
        ({"state_volume": {"mounted": False}}, "state volume is not mounted"),
        ({"state_volume": {"mounted": True, "encrypted": False, "luks_uuid": None}}, "not on LUKS2"),
        ({"state_volume": {"mounted": True, "encrypted": True, "luks_uuid": "f" + UUID[1:]}}, "state volume"),
        ({"root_volume": {"mounted": True, "encrypted": True, "luks_uuid": UUID}}, "root volume is"),
        ({"root_volume": {"mounted": True, "encrypted": False, "luks_uuid": None}}, "root volume is .*not on LUKS2"),
        ({"unencrypted_swaps": ["/swapfile"]}, "unencrypted swap is /swapfile"),
    ],
)
def test_a_difference_breaks_the_seal(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(SealBrokenError, match=named) as caught:
        require(compare(SEAL, facts(**changes), None))
    assert caught.value.exit_code == 9


@pytest.mark.parametrize("root_hash", [B, None])
def test_other_weights_break_the_seal(root_hash: str | None) -> None:
    with pytest.raises(SealBrokenError, match="weights"):
        require(compare(SEAL, facts(), lambda: answer(root_hash)))


@pytest.mark.parametrize("name", ["firewall", "verity", "state_volume", "root_volume", "unencrypted_swaps"])
def test_an_unreadable_fact_refuses_as_unknown(name: str) -> None:
    found = facts()
    found[name] = {"error": "cannot be read"}
    with pytest.raises(UnknownStateError) as caught:
        require(compare(SEAL, found, None))
    assert caught.value.exit_code == 5


def test_a_fact_of_another_shape_refuses() -> None:
    with pytest.raises(UnknownStateError):
        require(compare(SEAL, facts(firewall=None), None))


def test_a_silent_service_refuses_as_unknown() -> None:
    def silent() -> TranscriptionHealth:
        raise UnreadableError("Connection refused")

    with pytest.raises(UnknownStateError, match="weights"):
        require(compare(SEAL, facts(), silent))


@pytest.mark.parametrize("change", [{"usr_root_hash": "x"}, {"more": 1}, {"model": None}])
def test_a_seal_that_is_not_understood_is_no_seal(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "seal.json"
    path.write_text(json.dumps(DOCUMENT | change))
    with pytest.raises(UnknownStateError):
        read_seal(path)


def test_a_missing_seal_is_no_seal(tmp_path: Path) -> None:
    with pytest.raises(UnknownStateError, match="no seal"):
        read_seal(tmp_path / "seal.json")


def test_a_seal_that_names_no_root_volume_compares_none() -> None:
    seal = Seal.model_validate(DOCUMENT | {"root_luks_uuid": None})
    assert "root volume" not in [each.name for each in compare(seal, facts(), None)]
