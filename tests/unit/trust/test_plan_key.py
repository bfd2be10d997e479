"""The plan key: made once, sealed, named before it exists; existing fleets stay as they are without it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from appliance.contract.envelope import public_key_text
from fleetctl.errors import ConfigError, RefusedError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.plan_key import plan_key, plan_keys_path, read_plan_keys


@pytest.fixture
def own(fleet_dir: FleetDir, keystore: KeyStore, tmp_path: Path) -> FleetDir:
    """A fleet with key files of its own, made before there were plans."""
    keys = tmp_path / "keys"
    shutil.copytree(keystore.directory, keys)
    keys.chmod(0o700)
    text = (fleet_dir.path / "fleet.yaml").read_text().replace(str(keystore.directory), str(keys))
    (fleet_dir.path / "fleet.yaml").write_text(text)
    return FleetDir(fleet_dir.path)


def test_it_is_made_once_and_named(own: FleetDir, passphrase: Passphrase) -> None:
    assert read_plan_keys(own) == {}
    key = plan_key(own, passphrase, "Ada Berg")
    again = plan_key(own, passphrase, "Bo")
    assert key.private_bytes_raw() == again.private_bytes_raw()
    assert read_plan_keys(own) == {public_key_text(key.public_key()): "Ada Berg"}
    path = own.keys.directory / "plan.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"ENCRYPTED" in path.read_bytes()
    own.keys.check()


def test_a_wrong_passphrase_makes_none(own: FleetDir) -> None:
    with pytest.raises(VerificationError):
        plan_key(own, Passphrase("not the right one at all"), "Ada")
    assert not (own.keys.directory / "plan.key").exists()
    assert not plan_keys_path(own).exists()


def test_a_key_that_was_taken_off_the_list_does_not_come_back_by_itself(own: FleetDir, passphrase: Passphrase) -> None:
    plan_key(own, passphrase, "Ada")
    plan_keys_path(own).write_text("# nobody\n")
    with pytest.raises(VerificationError, match="does not name your plan key"):
        plan_key(own, passphrase, "Ada")
    assert plan_keys_path(own).read_text() == "# nobody\n"


def test_a_second_operator_is_added(own: FleetDir, passphrase: Passphrase) -> None:
    plan_key(own, passphrase, "Ada")
    text = plan_keys_path(own).read_text()
    plan_keys_path(own).write_text(text.rstrip("\n"))
    (own.keys.directory / "plan.key").unlink()
    plan_key(own, passphrase, "Bo")
    assert list(read_plan_keys(own).values()) == ["Ada", "Bo"]


def test_others_may_not_read_it(own: FleetDir, passphrase: Passphrase) -> None:
    plan_key(own, passphrase, "Ada")
    (own.keys.directory / "plan.key").chmod(0o640)
    with pytest.raises(RefusedError, match="can be read by others"):
        plan_key(own, passphrase, "Ada")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ed25519:abc Ada\n", "plan_keys:1: not a public key"),
        ("ed25519:" + "A" * 43 + "=\n", "plan_keys:1: does not say whose"),
        ("# ok\n" + ("ed25519:" + "A" * 43 + "= Ada\n") * 2, "plan_keys:3: this key stands there twice"),
        ("ed25519:" + "A" * 43 + "= A\x1bda\n", "does not say whose"),
        ("#" * 300_000, "larger than"),
    ],
)
def test_a_list_that_cannot_be_read_names_no_key(own: FleetDir, text: str, words: str) -> None:
    plan_keys_path(own).parent.mkdir()
    plan_keys_path(own).write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_plan_keys(own)
