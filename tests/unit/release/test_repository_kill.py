"""A run that is cut off behind any write leaves a repository that verifies, old or new; the next run finishes it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fleetctl.errors import UsageError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release import repository
from fleetctl.release.repository_client import trusted
from fleetctl.release.repository_roles import change_keys
from fleetctl.release.repository_view import published
from fleetctl.release.repository_write import SigningHand
from fleetctl.release.store import ReleaseStore
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.release_keys import ReleaseKeys
from tests.fakes.releases import ReleaseFleet, copied, template

pytestmark = pytest.mark.slow
Change = Callable[[ReleaseFleet, SigningHand], object]


class Killed(BaseException):
    """Stands for kill -9: nothing behind it runs."""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, keystore: KeyStore, passphrase: Passphrase, state: Path
) -> ReleaseFleet:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLEETCTL_STATE_DIR", str(state))
        fleet = template(tmp_path_factory.mktemp("template"), keystore, passphrase)
        keys = ReleaseKeys(fleet.hand.keyring.folders[0].directory)
        for name in ("new-1", "new-2"):
            keys.make(name, passphrase)
        fleet.hand.keyring._found = None
        fleet.publish("stable", "2026.11-1", 1)
        fleet.draft("2026.11-2", 2)
        repository.refresh(fleet.store, fleet.hand, ["root"], fleet.now())  # opens every key
        return fleet


def dying(fleet: ReleaseFleet, after: int) -> SigningHand:
    left = after

    def count(path: Path) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    return SigningHand(fleet.hand.keyring, count)


def key_of(fleet: ReleaseFleet, name: str):  # type: ignore[no-untyped-def]
    return next(each.key for each in fleet.hand.keyring.records().values() if each.name == name)


def sign(fleet: ReleaseFleet, hand: SigningHand) -> object:
    return repository.sign(fleet.store, hand, "2026.11-2", "stable", fleet.now())


def revoke(fleet: ReleaseFleet, hand: SigningHand) -> object:
    return repository.revoke(fleet.store, hand, "2026.11-1", "stable", "bad", fleet.now())


def rotate(role: str) -> Change:
    def change(fleet: ReleaseFleet, hand: SigningHand) -> object:
        new, old = key_of(fleet, "new-1"), f"{role}-1"
        return change_keys(fleet.store, hand, role, add=[new], remove=[old], threshold=None, now=fleet.now())

    return change


CHANGES = {
    "sign": sign,
    "revoke": revoke,
    **{f"rotate-{role}": rotate(role) for role in ("root", "targets", "snapshot")},
}
CHANGES |= {f"rotate-{role}": rotate(role) for role in ("timestamp", "stable")}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_cut_off_behind_every_write(
    made: ReleaseFleet, state: Path, tmp_path: Path, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = copied(made, tmp_path / "reference")
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / "state-reference"))
    images = state / "north" / "releases" / "images"
    _share_images(images, reference)
    change(reference, reference.hand)
    wanted = _said(reference)
    for after in range(1, 40):
        monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / f"state-{after}"))
        fleet = copied(made, tmp_path / f"fleet-{after}")
        _share_images(images, fleet)
        before = _said(fleet)
        try:
            change(fleet, dying(fleet, after))
        except Killed:
            now = _said(fleet)  # verifies; raises when it does not
            assert now in (before, wanted)
            # A machine that has never seen it verifies it too.
            monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / f"fresh-{after}"))
            assert _said(fleet) == now
            monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / f"state-{after}"))
            change_again(change, fleet)
            assert _said(fleet) == wanted
            assert not list((fleet.store.folder / "pending").iterdir())
        else:
            assert after > 5
            return
    pytest.fail("the change has more than 40 writes")


def change_again(change: Change, fleet: ReleaseFleet) -> None:
    """What an operator does: the same command once more. It may say that the old key is out of the role already."""
    said = ""
    try:
        change(fleet, fleet.hand)
    except UsageError as error:
        said = error.message
    assert not said or "has no key" in said


def test_the_first_metadata_cut_off_behind_every_write(
    made: ReleaseFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = {role: ([key_of(made, f"{role}-1")], 1) for role in ("root", "targets", "snapshot", "timestamp", "stable")}
    for after in range(1, 40):
        monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / f"state-{after}"))
        path = tmp_path / f"fleet-{after}"
        path.mkdir()
        shutil.copy(made.store.fleet.path / "fleet.yaml", path)
        store = ReleaseStore(FleetDir(path))
        documents = repository.first(roles, made.now())
        try:
            repository.create(store, dying(made, after), documents, made.now())
        except Killed:
            if (store.folder / "root.json").exists():
                assert set(published(store, now=made.now()).channels) == {"stable"}
                repository.refresh(store, made.hand, [], made.now())
            else:
                again = repository.first(roles, made.now())
                assert repository.create(store, made.hand, again, made.now()).state == "published"
            assert set(published(store, now=made.now()).channels) == {"stable"}
            assert not list((store.folder / "pending").iterdir())
        else:
            assert after > 8
            return
    pytest.fail("it has more than 40 writes")


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_with_the_old_key_lost_the_next_run_finishes(
    made: ReleaseFleet, tmp_path: Path, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be signed for the old root then, so that a reader may meet a gap; a second run closes it."""
    lost = key_of(made, f"{role}-1").keyid

    class Without:
        def records(self):  # type: ignore[no-untyped-def]
            return {key: each for key, each in made.hand.keyring.records().items() if key != lost}

        def signers(self, keyids):  # type: ignore[no-untyped-def]
            return made.hand.keyring.signers([key for key in keyids if key != lost])

    gaps = 0
    for after in range(1, 40):
        monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / f"state-{after}"))
        fleet = copied(made, tmp_path / f"fleet-{after}")
        hand = dying(fleet, after)
        hand.keyring = Without()  # type: ignore[assignment]
        whole = SigningHand(Without())  # type: ignore[arg-type]
        try:
            rotate(role)(fleet, hand)
        except Killed:
            try:
                trusted(fleet.store)
            except VerificationError as error:
                gaps += 1
                assert "fleetctl release refresh" in error.hint  # noqa: PT017 (it may verify, too)
            repository.refresh(fleet.store, whole, [], fleet.now())
            change_again(rotate(role), ReleaseFleet(fleet.store, whole, fleet.now))
            assert newest_holder(fleet, role) == "new-1"
        else:
            assert newest_holder(fleet, role) == "new-1"
            assert gaps
            return
    pytest.fail("the change has more than 40 writes")


def test_killed_at_any_moment(made: ReleaseFleet, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real processes, SIGKILL after a random while: old or new, verified by a fresh machine, and finished."""
    choice = random.Random(6)  # noqa: S311 (a seeded choice of moments)
    images = state / "north" / "releases" / "images"
    aim_s, seen = 0.0, set()
    for number in range(25):
        monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / f"state-{number}"))
        fleet = copied(made, tmp_path / f"fleet-{number}")
        _share_images(images, fleet)
        before, began = _said(fleet), time.monotonic()
        child = os.fork()
        if child == 0:
            sign(fleet, fleet.hand)
            os._exit(0)
        if number:  # the first is not killed: it says how long a whole one takes
            time.sleep(choice.uniform(0.4, 1.2) * aim_s)
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        aim_s = aim_s or time.monotonic() - began
        monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / f"fresh-{number}"))
        now = _said(fleet)
        monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / f"state-{number}"))
        sign(fleet, fleet.hand)
        after = _said(fleet)
        assert now in (before, after)
        assert ("stable", "2026.11-2", False) in after[0]  # type: ignore[index]
        seen.add(now == after)
        # Earlier after the new one, later after the old: however fast the machine is just now, both are met.
        aim_s *= 0.75 if now == after else 1.25
    assert seen == {True, False}


def newest_holder(fleet: ReleaseFleet, role: str) -> str:
    from fleetctl.release.repository_report import roles

    (row,) = (each for each in roles(trusted(fleet.store), set(), fleet.now()) if each.role == role)
    (key,) = row.keys
    return key.holder


def _share_images(images: Path, fleet: ReleaseFleet) -> None:
    fleet.store.images.parent.mkdir(parents=True, exist_ok=True)
    if not fleet.store.images.exists():
        fleet.store.images.symlink_to(images)


def _said(fleet: ReleaseFleet) -> object:
    """What a reader learns: releases, and whose keys count."""
    view = published(fleet.store, now=fleet.now())
    releases = [(each.channel, each.name, each.revoked is not None) for each in view.channels["stable"]]
    root = view.trusted.root.signed
    keys = {role: sorted(root.roles[role].keyids) for role in root.roles}
    keys |= {name: sorted(role.keyids) for name, role in view.trusted.delegations.items()}
    return releases, keys
