"""`fleetctl release` as an operator types it: from no keys to a revoked release, in every form of output."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from fleetctl.cli.release import app
from fleetctl.errors import ConfigError, FleetctlError, RefusedError, UsageError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release.store import ReleaseStore
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.release_keys import ReleaseKeys
from tests.fakes.releases import ReleaseFleet, copied, template


class Operator:
    """Types commands for one fleet."""

    def __init__(self, fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FLEETCTL_FLEET", str(fleet))

    def run(self, *words: str) -> str:
        """Stdout. Raises what the command raises."""
        done = CliRunner().invoke(app, list(words))
        if done.exception is not None and not (isinstance(done.exception, SystemExit) and done.exit_code == 0):
            raise done.exception
        return done.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "-o", "json"))

    def fails(self, kind: type[FleetctlError], *words: str) -> FleetctlError:
        with pytest.raises(kind) as caught:
            self.run(*words)
        assert caught.value.hint
        return caught.value


@pytest.fixture
def passphrase_file(tmp_path: Path, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "passphrase"
    path.write_text(passphrase.reveal())
    path.chmod(0o600)
    monkeypatch.setenv("FLEETCTL_PASSPHRASE_FILE", str(path))
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, keystore: KeyStore, passphrase: Passphrase) -> ReleaseFleet:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLEETCTL_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        return template(tmp_path_factory.mktemp("template"), keystore, passphrase, channel_keys=2)


@pytest.fixture
def fleet(made: ReleaseFleet, tmp_path: Path, clean_environment: None) -> ReleaseFleet:
    return copied(made, tmp_path / "fleet")


@pytest.fixture
def operator(fleet: ReleaseFleet, passphrase_file: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return Operator(fleet.store.fleet.path, monkeypatch)


def test_a_release_from_draft_to_revoked(operator: Operator, fleet: ReleaseFleet) -> None:
    manifest = fleet.draft("2026.11-1", 1)
    signed = operator.json("sign", "2026.11-1")
    assert (signed["state"], signed["published"]) == ("published", ["candidate 2"])
    assert operator.json("approve", "2026.11-1", "--channel", "stable")["published"] == ["stable 2"]
    rows = operator.json("list")["releases"]
    assert [(each["channel"], each["digest"], each["approved_by"]) for each in rows] == [
        ("candidate", manifest.digest, ["candidate-1", "candidate-2"]),
        ("stable", manifest.digest, ["stable-1", "stable-2"]),
    ]
    assert {each["result"] for each in operator.json("verify")} == {"ok"}
    operator.run("revoke", "2026.11-1", "--channel", "stable", "--reason", "hears numbers wrong")
    assert "hears numbers wrong" in operator.run("list")
    operator.fails(RefusedError, "approve", "2026.11-1")


def test_every_form_says_the_same(operator: Operator, fleet: ReleaseFleet) -> None:
    fleet.publish("candidate", "2026.11-1", 1)
    for words in (("list",), ("show", "2026.11-1"), ("keys", "show"), ("verify",)):
        assert yaml.safe_load(operator.run(*words, "-o", "yaml")) == operator.json(*words)
        assert "2026.11-1" in operator.run(*words) or words[0] == "keys"


def test_a_changed_image_is_exit_code_9(operator: Operator, fleet: ReleaseFleet) -> None:
    manifest = fleet.publish("stable", "2026.11-1", 1)
    path = fleet.store.image(manifest.models[1].root_hash)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    error = operator.fails(VerificationError, "verify", "-o", "json")
    assert error.exit_code == 9
    assert str(path) in error.message
    operator.fails(VerificationError, "verify", "2026.11-1")
    operator.fails(UsageError, "verify", "2026.11-9")


def test_changed_metadata_is_exit_code_9_for_every_command(operator: Operator, fleet: ReleaseFleet) -> None:
    fleet.publish("stable", "2026.11-1", 1)
    path = fleet.store.targets / "stable" / "2026.11-1" / "release.json"
    path.write_bytes(path.read_bytes().replace(b"made by a test", b"made by a thief"))
    for words in (("list",), ("verify",), ("show", "2026.11-1"), ("approve", "2026.11-1", "--from", "stable")):
        more = () if words[0] != "approve" else ("--channel", "candidate")
        assert operator.fails(VerificationError, *words, *more).exit_code == 9


def test_two_people_and_a_third_who_publishes(
    operator: Operator, fleet: ReleaseFleet, tmp_path: Path, passphrase: Passphrase
) -> None:
    fleet.draft("2026.11-1", 1)
    keys = fleet.hand.keyring.folders[0].directory
    people = {"anna": ("stable-1",), "ben": ("stable-2",), "publisher": ("snapshot-1", "timestamp-1")}
    for person, names in people.items():
        (tmp_path / person).mkdir(mode=0o700)
        for name in names:
            for ending in ("json", "key"):
                shutil.copy(keys / f"{name}.{ending}", tmp_path / person)
    sign = ("sign", "2026.11-1", "--channel", "stable", "--keys-dir")
    first = operator.json(*sign, str(tmp_path / "anna"))
    assert (first["state"], first["waiting"][0]["missing"]) == ("waiting", 1)
    assert "waits: stable 2: 1 of 2 signatures (stable-1)" in operator.run("list")
    second = operator.json(*sign, str(tmp_path / "ben"))
    assert "fleetctl release refresh" in second["next_action"]
    operator.fails(ConfigError, "refresh", "--keys-dir", str(tmp_path / "anna"))
    published = operator.json("refresh", "--keys-dir", str(tmp_path / "publisher"))
    assert published["published"] == ["stable 2", "snapshot", "timestamp"]
    assert operator.json("list")["waiting"] == []


def test_dry_runs_change_nothing(
    operator: Operator, fleet: ReleaseFleet, monkeypatch: pytest.MonkeyPatch, passphrase_file: Path
) -> None:
    fleet.publish("candidate", "2026.11-1", 1)
    fleet.draft("2026.11-2", 2)
    monkeypatch.delenv("FLEETCTL_PASSPHRASE_FILE")  # nothing is asked for
    before = {path: path.read_bytes() for path in fleet.store.fleet.path.rglob("*") if path.is_file()}
    for words in (
        ("sign", "2026.11-2"),
        ("approve", "2026.11-1"),
        ("revoke", "2026.11-1", "--channel", "candidate", "--reason", "x"),
        ("refresh", "--role", "stable"),
        ("keys", "revoke", "root", "root-1", "--threshold", "1"),
        ("keys", "rotate", "stable", "--threshold", "1"),
        ("keys", "channel", "nightly", "--add", "stable-1"),
    ):
        assert operator.json(*words, "--dry-run")["state"] == "dry run"
    assert {path: path.read_bytes() for path in fleet.store.fleet.path.rglob("*") if path.is_file()} == before


def test_a_dry_run_says_what_the_command_then_does(
    operator: Operator, fleet: ReleaseFleet, tmp_path: Path, passphrase: Passphrase
) -> None:
    fleet.publish("candidate", "2026.11-1", 1)
    fleet.draft("2026.11-2", 2)
    keys = fleet.hand.keyring.folders[0].directory
    for person, names in {"anna": ("stable-1",), "ben": ("stable-1", "stable-2"), "none": ()}.items():
        (tmp_path / person).mkdir(mode=0o700)
        for name in names:
            for ending in ("json", "key"):
                shutil.copy(keys / f"{name}.{ending}", tmp_path / person)
    approve = ("approve", "2026.11-1", "--keys-dir")
    for words in (
        (*approve, str(tmp_path / "anna")),  # one of two signatures
        (*approve, str(tmp_path / "ben")),  # both, and no key of snapshot and timestamp
        ("approve", "2026.11-1"),  # all
        ("sign", "2026.11-2"),
        ("revoke", "2026.11-1", "--channel", "stable", "--reason", "hears numbers wrong"),
        ("refresh", "--role", "targets"),
        ("keys", "rotate", "stable", "--threshold", "1"),
        ("keys", "revoke", "root", "root-1", "--threshold", "1"),
    ):
        looked, told = operator.json(*words, "--dry-run"), operator.run(*words, "--dry-run")
        done = operator.json(*words)
        assert looked == {**done, "state": "dry run"}, words
        assert ("would be published: " in told) == (done["state"] == "published")
        assert ("would wait: " in told) == bool(done["waiting"])
    fails = ("approve", "2026.11-2", "--keys-dir", str(tmp_path / "none"))
    said = operator.fails(UsageError, *fails)
    assert operator.fails(UsageError, *fails, "--dry-run").message == said.message


def test_where_there_is_no_release_nothing_is_verified(operator: Operator, fleet: ReleaseFleet) -> None:
    said = operator.fails(UsageError, "verify", "-o", "json")
    assert said.exit_code == 2
    assert "no channel has a release; the metadata itself is good (candidate 1, stable 1)" in said.message
    assert "fleetctl release build" in said.hint
    fleet.draft("2026.11-1", 1)
    assert "fleetctl release sign 2026.11-1" in operator.fails(UsageError, "verify").hint
    operator.run("sign", "2026.11-1")
    assert "2026.11-1" in operator.run("verify")
    operator.run("revoke", "2026.11-1", "--channel", "candidate", "--reason", "hears numbers wrong")
    said = operator.fails(UsageError, "verify")
    assert "every release was revoked" in said.message
    assert "release sign 2026.11-1" not in said.hint  # its name is used up


def test_what_waits_for_signatures_is_named_where_nothing_can_be_verified(
    operator: Operator, fleet: ReleaseFleet, tmp_path: Path
) -> None:
    fleet.draft("2026.11-1", 1)
    for ending in ("json", "key"):
        (tmp_path / "anna").mkdir(mode=0o700, exist_ok=True)
        shutil.copy(fleet.hand.keyring.folders[0].directory / f"stable-1.{ending}", tmp_path / "anna")
    operator.run("sign", "2026.11-1", "--channel", "stable", "--keys-dir", str(tmp_path / "anna"))
    assert "stable 2: 1 of 2 signatures (stable-1)" in operator.fails(UsageError, "verify").hint


def test_who_names_a_draft_is_told_to_sign_it(operator: Operator, fleet: ReleaseFleet, tmp_path: Path) -> None:
    fleet.draft("2026.11-1", 1)
    for words, channel in (
        (("approve", "2026.11-1"), " --channel candidate"),
        (("revoke", "2026.11-1", "--channel", "stable", "--reason", "x"), " --channel stable"),
        (("export", "2026.11-1", "--channel", "stable", "--to", str(tmp_path)), " --channel stable"),
        (("verify", "2026.11-1"), ""),
    ):
        said = operator.fails(UsageError, *words)
        assert said.message == "2026.11-1 is a draft, in no channel"
        assert said.hint == f"fleetctl release sign 2026.11-1{channel}"
    assert (
        "there is no channel nightly" in operator.fails(UsageError, "approve", "2026.11-1", "--from", "nightly").message
    )


def test_a_reason_is_one_line(operator: Operator, fleet: ReleaseFleet) -> None:
    fleet.publish("stable", "2026.11-1", 1)
    for reason in ("", "two\nlines", "x" * 301, "\x1b[2J"):
        operator.fails(UsageError, "revoke", "2026.11-1", "--channel", "stable", "--reason", reason)


@pytest.fixture
def bare(tmp_path: Path, keystore: KeyStore, passphrase_file: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """An operator of a fleet that has keys, and none for releases."""
    shutil.copytree(keystore.directory, tmp_path / "keys")
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "fleet.yaml").write_text(
        "apiVersion: fleetctl/v1\nkind: Fleet\nmetadata: {name: bare}\nspec:\n"
        f"  keys_directory: {tmp_path / 'keys'}\n  escrow_recipients: [{keystore.text('escrow.pub')}]\n"
    )
    return Operator(tmp_path / "bare", monkeypatch)


def test_a_fleet_without_release_keys_is_told_what_to_do(bare: Operator) -> None:
    for words in (("list",), ("verify",), ("keys", "show"), ("sign", "x"), ("refresh",)):
        assert "fleetctl release keys init" in bare.fails(ConfigError, *words).hint


def test_keys_and_repository_are_made_with_the_root_on_a_medium(bare: Operator, tmp_path: Path) -> None:
    medium = tmp_path / "medium"
    words = ("keys", "init", "--root-keys-dir", str(medium), "--root-keys", "2", "--channel", "stable")
    plan = bare.json(*words, "--dry-run")
    assert plan["keys"]["root"] == ["root-1", "root-2"]
    assert not medium.exists()
    assert bare.json(*words)["state"] == "published"
    assert {path.stem for path in medium.glob("*.key")} == {"root-1", "root-2"}
    shown = bare.json("keys", "show")
    roles = {each["role"]: each for each in shown["roles"]}
    assert roles["root"]["threshold"] == 2
    assert [key["at_hand"] for key in roles["root"]["keys"]] == [False, False]
    assert [key["at_hand"] for key in roles["stable"]["keys"]] == [True]
    assert len(shown["root_sha256"]) == 64
    bare.fails(RefusedError, *words)
    # The root's keys are needed to change whose keys count, and nothing else.
    bare.run("keys", "make", "timestamp-2")
    rotate = ("keys", "rotate", "timestamp", "--add", "timestamp-2", "--remove", "timestamp-1")
    bare.fails(UsageError, *rotate)
    folders = ("--keys-dir", str(tmp_path / "keys" / "release"), "--keys-dir", str(medium))
    assert "root 2" in bare.json(*rotate, *folders)["published"]
    assert bare.json("refresh")["published"] == ["snapshot", "timestamp"]


def test_a_making_that_was_cut_off_goes_on(bare: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("keys", "init", "--root-keys", "1", "--root-threshold", "1", "--channel", "stable")
    real, left = ReleaseKeys.make, 3

    def dying(self: ReleaseKeys, name: str, passphrase: Passphrase) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
        return real(self, name, passphrase)

    with monkeypatch.context() as patch:
        patch.setattr(ReleaseKeys, "make", dying)
        with pytest.raises((KeyboardInterrupt, SystemExit, typer.Abort)):
            bare.run(*words)
    kept = ReleaseKeys(tmp_path / "keys" / "release").records()
    assert [each.name for each in kept] == ["root-1", "targets-1"]
    assert bare.json(*words)["state"] == "published"
    assert {each.keyid for each in kept} <= {
        each.keyid for each in ReleaseKeys(tmp_path / "keys" / "release").records()
    }  # fmt: skip


def test_a_root_of_two_people(bare: Operator, tmp_path: Path) -> None:
    bare.run("keys", "make", "root-ben", "--keys-dir", str(tmp_path / "ben"))
    words = ["keys", "init", "--root-keys", "1", "--channel", "stable", "--key"]
    first = bare.json(*words, f"root={tmp_path / 'ben' / 'root-ben.json'}")
    assert first["state"] == "waiting"
    told = first["next_action"].split()[-1]
    ben = ("keys", "init", "--keys-dir", str(tmp_path / "ben"))
    assert told in bare.fails(RefusedError, *ben).message
    bare.fails(RefusedError, *ben, "--confirm", "0" * 64)
    assert {path.stem for path in (tmp_path / "ben").iterdir()} == {"root-ben"}  # nothing was made on the way
    second = bare.json(*ben, "--confirm", told)
    assert (second["state"], second["signed_with"]) == ("waiting", ["root-ben"])
    # The keys of snapshot and timestamp are where the first run was; it is repeated there.
    assert bare.json(*words, f"root={tmp_path / 'ben' / 'root-ben.json'}")["state"] == "published"
    assert {each["role"] for each in bare.json("keys", "show")["roles"]} >= {"root", "stable"}


def test_wrong_words_are_told(bare: Operator, tmp_path: Path) -> None:
    for words in (
        ("keys", "init", "--channel", "Stable"),
        ("keys", "init", "--channel", "root"),
        ("keys", "init", "--threshold", "stable"),
        ("keys", "init", "--threshold", "stable=x"),
        ("keys", "init", "--threshold", "nightly=2"),
        ("keys", "init", "--key", "stable=/nowhere.json"),
        ("keys", "rotate", "root"),
        ("keys", "channel", "nightly"),
    ):
        assert bare.fails(UsageError, *words).exit_code == 2
    assert not ReleaseStore(FleetDir(tmp_path / "bare")).folder.exists()
