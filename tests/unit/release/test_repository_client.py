"""Every class of attack on TUF metadata against the operator's client; the product did not write the repository."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Root

from fleetctl.errors import VerificationError
from fleetctl.release.repository_client import trusted
from fleetctl.release.repository_fetch import FolderFetcher
from fleetctl.release.repository_view import published
from fleetctl.release.store import ReleaseStore
from tests.fakes.release_images import Image
from tests.fakes.releases import SignedRepository, manifest
from tests.fakes.tuf_attacks import MIRROR, NEEDS_MEMORY
from tests.fakes.tuf_hostile import Builder, Target, load, newest, resign
from tests.fakes.tuf_stolen import HARMLESS, STOLEN

IMAGE = Image(Path("none"), "1" * 64, "2" * 64, 4096)


@dataclass(frozen=True)
class Place:
    """What ReleaseStore wants of a fleet directory."""

    path: Path
    state_dir: Path


@dataclass
class World:
    """A good repository with two channels, yesterday's copy of it, and this machine's memory."""

    tmp: Path
    repository: SignedRepository
    target: Target
    now: datetime

    def store(self, releases: Path) -> ReleaseStore:
        """The store whose `releases/` is this folder; the memory is the same for all of them."""
        state = self.tmp / "state"
        state.mkdir(exist_ok=True)
        fleet = self.tmp / f"fleet-{releases.name}"
        fleet.mkdir(exist_ok=True)
        link = fleet / "releases"
        if not link.exists():
            link.symlink_to(releases)
        (releases / "root.json").write_bytes(self.repository.root)
        return ReleaseStore(Place(fleet, state))  # type: ignore[arg-type]

    def names(self, releases: Path, channel: str = "stable") -> list[str]:
        return [each.name for each in published(self.store(releases), now=self.now).of(channel)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    repository = SignedRepository(tmp_path / "good", ("stable", "candidate"), channel_threshold=2)
    repository.publish("stable", manifest("2026.11-1", 1, [IMAGE.component()]))
    older = repository.copy(tmp_path / "older")
    repository.publish("stable", manifest("2026.11-2", 2, [IMAGE.component()]))
    target = Target(repository.folder, older, repository.keys, "stable", "2026.11-2")
    return World(tmp_path, repository, target, datetime.now(UTC))


CASES = [
    pytest.param(build, remembers, id=f"{build.__name__}-{'seen-before' if remembers else 'first-read'}")
    for build in (*MIRROR.values(), *STOLEN.values(), *HARMLESS.values())
    for remembers in (False, True)
    if remembers or build.__name__ not in NEEDS_MEMORY  # who never saw the newer one cannot know
]


@pytest.mark.parametrize(("build", "remembers"), CASES)
def test_attack_is_refused(world: World, build: Builder, remembers: bool) -> None:
    if remembers:
        assert world.names(world.repository.folder) == ["2026.11-2", "2026.11-1"]
    hostile = world.tmp / "hostile"
    build(world.target, hostile)
    with pytest.raises(VerificationError) as caught:
        world.names(hostile)
    assert caught.value.hint
    # And it has spoiled nothing here; who has stolen keys can sign a timestamp that is newer than the right one.
    if build.__name__ in MIRROR:
        assert world.names(world.repository.folder) == ["2026.11-2", "2026.11-1"]


def test_the_good_repository_is_read(world: World) -> None:
    view = published(world.store(world.repository.folder), now=world.now)
    assert set(view.channels) == {"stable", "candidate"}
    newest_release = view.newest_approved("stable")
    assert newest_release is not None
    assert newest_release.name == "2026.11-2"
    assert len(newest_release.approved_by) == 2
    assert view.newest_approved("candidate") is None


def test_endless_data_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "timestamp.json"
    path.touch()
    os.truncate(path, 8 << 30)
    parts = FolderFetcher(tmp_path, 4000).fetch(path.as_uri())
    assert sum(len(part) for part in parts) == 4001


def test_a_pipe_is_not_waited_for(world: World) -> None:
    hostile = world.tmp / "hostile"
    MIRROR["no_timestamp"](world.target, hostile)
    os.mkfifo(hostile / "metadata" / "timestamp.json")
    with pytest.raises(VerificationError, match="no plain file"):
        world.names(hostile)


@pytest.mark.parametrize("part", ["metadata/timestamp.json", "targets/stable/2026.11-2/release.json"])
def test_a_link_that_leads_out_is_refused_whatever_lies_there(world: World, part: str) -> None:
    path = world.repository.folder / part
    path.rename(world.tmp / "outside")
    path.symlink_to(world.tmp / "outside")
    with pytest.raises(VerificationError, match="leads out of the repository"):
        world.names(world.repository.folder)


def test_freeze_ends_with_the_timestamp(world: World) -> None:
    world.now += timedelta(days=179)
    assert world.names(world.repository.folder)
    world.now += timedelta(days=2)
    with pytest.raises(VerificationError, match="expired"):
        world.names(world.repository.folder)


def test_a_clock_of_the_past_does_not_bring_back_yesterday(world: World) -> None:
    world.names(world.repository.folder)
    world.now -= timedelta(days=4000)
    hostile = world.tmp / "hostile"
    MIRROR["rollback"](world.target, hostile)
    with pytest.raises(VerificationError, match="must be >="):
        world.names(hostile)


def test_another_pinned_root_is_told(world: World) -> None:
    world.names(world.repository.folder)
    stranger = SignedRepository(world.tmp / "stranger", ("stable",))
    store = world.store(stranger.folder)
    (stranger.folder / "root.json").write_bytes(stranger.root)
    with pytest.raises(VerificationError, match="pinned root is another one"):
        published(store, now=world.now)


def test_two_histories_of_one_version_are_told(world: World) -> None:
    fork = world.repository.copy(world.tmp / "fork")
    world.repository.refresh()
    assert world.names(world.repository.folder)
    timestamp, snapshot = load(fork, "timestamp"), load(fork, "snapshot")
    timestamp.signed.version += 1
    snapshot.signed.version += 1
    snapshot.signed.expires -= timedelta(days=1)
    resign(fork, {"snapshot": snapshot, "timestamp": timestamp}, world.repository.keys)
    with pytest.raises(VerificationError, match="verified here before"):
        world.names(fork)


@pytest.mark.parametrize("role", ["snapshot", "targets", "stable", "root"])
def test_a_damaged_file_is_told_although_it_was_verified_once(world: World, role: str) -> None:
    """Boxes are sent what lies in the repository, not what this machine has kept."""
    world.names(world.repository.folder)
    path = newest(world.repository.folder, role)
    path.write_bytes(path.read_bytes().replace(b'"keyid"', b'"keyiD"', 1))
    with pytest.raises(VerificationError):
        world.names(world.repository.folder)


def test_a_rotated_root_is_followed_and_the_old_keys_are_none_any_more(world: World) -> None:
    world.names(world.repository.folder)
    keys = world.repository.keys
    new = [CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()]

    def change(root: Root) -> None:
        for signer in keys["root"]:
            root.revoke_key(signer.public_key.keyid, "root")
        for signer in new:
            root.add_key(signer.public_key, "root")

    world.repository.rotate_root(change, [*keys["root"], *new])
    assert trusted(world.store(world.repository.folder)).root.signed.version == 2
    # The old keys sign a third root: nobody follows.
    hostile = world.tmp / "hostile"
    world.repository.copy(hostile)
    root = load(hostile, "root")
    root.signed.version += 1
    root.signatures.clear()
    for signer in keys["root"]:
        root.sign(signer, append=True)
    (hostile / "metadata" / "3.root.json").write_bytes(root.to_bytes())
    with pytest.raises(VerificationError, match="root was signed by 0/2 keys"):
        world.names(hostile)


def test_a_key_listed_twice_in_an_earlier_root_is_found(world: World) -> None:
    """The root behind it may look right: it was let in by one person."""
    hostile = world.tmp / "hostile"
    STOLEN["root_same_key_twice"](world.target, hostile)
    root = load(hostile, "root")
    root.signed.version += 1
    first = world.repository.keys["root"][0]
    root.signed.revoke_key("f" * 64, "root")
    root.signed.add_key(world.repository.keys["root"][1].public_key, "root")
    root.signatures.clear()
    for signer in world.repository.keys["root"]:
        root.sign(signer, append=True)
    signature = root.signatures[first.public_key.keyid]
    root.signatures["f" * 64] = type(signature)("f" * 64, signature.signature)
    (hostile / "metadata" / "3.root.json").write_bytes(root.to_bytes())
    with pytest.raises(VerificationError, match="one public key under two ids"):
        world.names(hostile)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda targets: targets.delegations.roles["stable"].paths.append("candidate/*/*"), "is not limited"),
        (lambda targets: setattr(targets.delegations.roles["stable"], "terminating", False), "is not limited"),
        (lambda targets: setattr(targets.delegations.roles["stable"], "paths", ["*"]), "is not limited"),
    ],
)
def test_a_channel_is_held_to_its_paths(world: World, change, words: str) -> None:  # type: ignore[no-untyped-def]
    change(world.repository.documents["targets"].signed)
    world.repository._publish(["targets"])
    with pytest.raises(VerificationError, match=words):
        world.names(world.repository.folder)


def test_a_revoked_release_is_known_with_its_reason(world: World) -> None:
    world.repository.revoke("stable", manifest("2026.11-2", 2, [IMAGE.component()]), "hears numbers wrong")
    view = published(world.store(world.repository.folder), now=world.now)
    approved = view.newest_approved("stable")
    assert approved is not None
    assert approved.name == "2026.11-1"
    (revoked,) = (each.revoked for each in view.of("stable") if each.revoked)
    assert revoked.reason == "hears numbers wrong"


@pytest.mark.parametrize("value", ["x", [{}], [{"name": "a"}], {"a": 1}, 5])
def test_a_list_of_revoked_releases_that_is_not_readable_is_refused(world: World, value: object) -> None:
    world.repository.documents["stable"].signed.unrecognized_fields["x-fleetctl-revoked"] = value
    world.repository._publish(["stable"])
    with pytest.raises(VerificationError, match="x-fleetctl-revoked"):
        world.names(world.repository.folder)
