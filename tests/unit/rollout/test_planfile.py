"""Plan files: what was signed comes back; anything else is refused, in words and with the right exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.contract.envelope import MAX_ENVELOPE_BYTES, public_key_text, seal
from fleetctl.errors import ConfigError, RefusedError, VerificationError
from fleetctl.models.rollout import PLAN_TYPE, Plan
from fleetctl.rollout.planfile import open_plan, read_plan, write_plan
from tests.unit.rollout.plans import plan

KEY, OTHER = Ed25519PrivateKey.from_private_bytes(b"k" * 32), Ed25519PrivateKey.from_private_bytes(b"o" * 32)
KEYS = {public_key_text(OTHER.public_key()): "Bo", public_key_text(KEY.public_key()): "Ada Berg"}
PLAN = plan()


def sealed(document: Any, key: Ed25519PrivateKey = KEY, kind: str = PLAN_TYPE) -> bytes:
    return seal(json.dumps(document).encode(), key, kind)


def changed(**values: Any) -> dict[str, Any]:
    return {**json.loads(PLAN.content()), **values}


def test_it_comes_back_as_it_was_signed(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_plan(path, PLAN, KEY)
    found = read_plan(path, KEYS)
    assert found.plan == PLAN
    assert found.plan.digest == PLAN.digest
    assert found.signer == "Ada Berg"


def test_a_plan_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("mine")
    with pytest.raises(RefusedError):
        write_plan(path, PLAN, KEY)
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ConfigError, match="cannot be written"):
        write_plan(tmp_path / "none" / "plan.json", PLAN, KEY)


def test_a_key_that_is_not_named_counts_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_plan(path, PLAN, Ed25519PrivateKey.from_private_bytes(b"x" * 32))
    with pytest.raises(VerificationError, match=r"plan\.json: .*does not name"):
        read_plan(path, KEYS)
    with pytest.raises(VerificationError, match="no plan key is known"):
        read_plan(path, {})


def test_another_type_of_document_by_the_right_key_is_no_plan() -> None:
    other = sealed(changed(), kind="application/vnd.fleetctl.clinical-result+json")
    with pytest.raises(VerificationError, match="signed as"):
        open_plan(other, KEYS, "plan.json")


def test_a_file_of_another_form_is_told_as_such() -> None:
    key = Ed25519PrivateKey.generate()
    with pytest.raises(VerificationError, match=r"policy\.yaml: no signed document: Invalid JSON"):
        open_plan(b"kind: RolloutPolicy\n", {public_key_text(key.public_key()): "alex"}, "policy.yaml")


def test_one_changed_site_is_told(tmp_path: Path) -> None:
    envelope = json.loads(sealed(changed()))
    forged = json.loads(sealed(changed(created_by="Bo"), OTHER))
    envelope["payload"] = forged["payload"]
    with pytest.raises(VerificationError, match="is not of this document"):
        open_plan(json.dumps(envelope).encode(), KEYS, "plan.json")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"schema_version": "rollout-plan/v2"}, "schema_version"),
        ({"surprise": 1}, "surprise"),
        ({"sites": []}, "sites"),
        ({"waves": [*changed()["waves"], changed()["waves"][0]]}, "two waves have the same name"),
        ({"waves": list(reversed(changed()["waves"]))}, "has to be the canary"),
        ({"waves": changed()["waves"][:1]}, "waves that it does not have: rest"),
        ({"sites": [changed()["sites"][0], *changed()["sites"]]}, "sites named twice: north"),
        ({"left_out": [{"site": "north", "reason": "held"}]}, "sites named twice: north"),
        ({"sites": changed()["sites"][:1]}, "waves without a site: rest"),
        ({"expires_at": changed()["created_at"]}, "expired before it was made"),
        ({"expires_at": "2027-01-01T00:00:00"}, "without a zone"),
    ],
)
def test_signed_nonsense_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        open_plan(sealed(changed(**values)), KEYS, "plan.json")


def test_bounds() -> None:
    with pytest.raises(VerificationError, match="at most"):
        open_plan(b"[" * (MAX_ENVELOPE_BYTES + 2), KEYS, "plan.json")
    deep: Any = []
    for _ in range(40):
        deep = [deep]
    with pytest.raises(ConfigError, match="nested deeper"):
        open_plan(sealed(changed(notes=deep)), KEYS, "plan.json")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_plan(tmp_path / "none.json", KEYS)
    (tmp_path / "plan-7.json").write_text("{}")
    with pytest.raises(ConfigError) as caught:
        read_plan(tmp_path / "plan7.json", KEYS)
    assert caught.value.hint == "did you mean plan-7.json?"
    with pytest.raises(ConfigError, match="cannot be read"):
        read_plan(tmp_path, KEYS)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_no_bytes_are_a_plan_by_chance(content: bytes) -> None:
    with pytest.raises((ConfigError, VerificationError)):
        open_plan(content, KEYS, "plan.json")


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_flipped_bit_is_noticed(data: st.DataObject) -> None:
    whole = bytearray(seal(PLAN.content(), KEY, PLAN_TYPE))
    place, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    whole[place] ^= 1 << bit
    try:
        found = open_plan(bytes(whole), KEYS, "plan.json")
    except (ConfigError, VerificationError):
        return
    raise AssertionError(f"{place}.{bit} was not noticed: {found.signer}")


def test_the_content_is_the_same_after_a_round_trip() -> None:
    assert Plan.model_validate_json(PLAN.content()).content() == PLAN.content()
