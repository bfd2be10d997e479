"""The seal check: a difference and an unreadable fact both refuse, with different codes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.seal import ModelTask, Seal
from appliance.ctl.seal_check import compare, read_seal, require, words
from appliance.errors import SealBrokenError, UnknownStateError
from appliance.facts.reading import UnreadableError
from appliance.health.engines import EngineAnswer

A, B = "a" * 64, "b" * 64
UUID = "01234567-89ab-cdef-0123-456789abcdef"
ROOT_UUID = "89abcdef-89ab-cdef-0123-456789abcdef"
DOCUMENT: dict[str, Any] = {
    "schema_version": "seal/v2", "site": "north", "sealed_at": "2026-01-01T00:00:00Z", "usr_root_hash": A,
    "ruleset_digest": A, "state_volume": {"luks_uuid": UUID},
    "models": [
        {"task": "transcription", "name": "m", "root_hash": A}, {"task": "drafting", "name": "d", "root_hash": A},
    ],
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


def answer(root_hash: str | None) -> Callable[[ModelTask], EngineAnswer]:
    return lambda task: EngineAnswer("m", root_hash, "s")


def test_a_box_as_sealed_passes() -> None:
    comparisons = compare(SEAL, facts(), answer(A))
    require(comparisons)
    assert len(comparisons) == 7
    assert all(line.startswith("as sealed") for line in words(comparisons))


def test_before_the_start_the_weights_are_left_to_the_service() -> None:
    assert not [each.name for each in compare(SEAL, facts(), None) if "weights" in each.name]


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
        require(compare(SEAL, facts(), answer(root_hash)))


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
    def silent(task: ModelTask) -> EngineAnswer:
        raise UnreadableError("Connection refused")

    with pytest.raises(UnknownStateError, match="weights"):
        require(compare(SEAL, facts(), silent))


def test_one_engine_with_other_weights_is_named() -> None:
    hashes = {"transcription": A, "drafting": B}
    with pytest.raises(SealBrokenError, match="weights for drafting") as caught:
        require(compare(SEAL, facts(), lambda task: EngineAnswer("m", hashes[task], "s")))
    assert "transcription" not in str(caught.value)


@pytest.mark.parametrize(("reported", "broken"), [(A, False), (B, True), (None, True)])
def test_the_engines_own_image_is_compared_where_one_is_sealed(reported: str | None, broken: bool) -> None:
    seal = Seal.model_validate(DOCUMENT | {"engine": {"name": "vllm-1", "root_hash": A}})
    comparisons = compare(seal, facts(), lambda task: EngineAnswer("m", A, "s", reported))
    assert [each.name for each in comparisons if not each.equal] == (["root hash of the engine"] if broken else [])


MODELS = DOCUMENT["models"]


@pytest.mark.parametrize(
    "change",
    [
        {"usr_root_hash": "x"}, {"more": 1}, {"models": None}, {"models": []}, {"models": MODELS[1:]},
        {"models": MODELS[:1] * 2}, {"models": [*MODELS, {**MODELS[0], "task": "coding"}]},
        {"schema_version": "seal/v1"},
    ],
)  # fmt: skip
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
