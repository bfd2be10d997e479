"""Keys of roles: several people for one root, rotation under old and new thresholds, revoked keys, new channels."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fleetctl.errors import ConfigError, CriticalError, DegradedError, RefusedError, UsageError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release import repository
from fleetctl.release.repository_client import trusted
from fleetctl.release.repository_report import Validity, roles, tell_ends
from fleetctl.release.repository_roles import add_channel, change_keys
from fleetctl.release.repository_view import newest_approved, published
from fleetctl.release.repository_write import SigningHand
from fleetctl.release.store import ReleaseStore
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.release_keys import KeyRecord, ReleaseKeys
from tests.fakes.releases import ReleaseFleet, copied, template

NEW = ("new-1", "new-2", "new-3")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, keystore: KeyStore, passphrase: Passphrase) -> ReleaseFleet:
    """Root: 2 of root-1, root-2, root-3; stable: both of stable-1, stable-2. And three keys that are in no role."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLEETCTL_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        fleet = template(tmp_path_factory.mktemp("template"), keystore, passphrase, root_keys=3, channel_keys=2)
        keys = ReleaseKeys(fleet.hand.keyring.folders[0].directory)
        for name in NEW:
            keys.make(name, passphrase)
        fleet.hand.keyring._found = None
        return fleet


@pytest.fixture
def fleet(made: ReleaseFleet, tmp_path: Path, clean_environment: None) -> ReleaseFleet:
    return copied(made, tmp_path / "fleet")


def key(fleet: ReleaseFleet, name: str) -> Any:
    return next(each.key for each in fleet.hand.keyring.records().values() if each.name == name)


class Only:
    """A keyring of which some keys are at hand."""

    def __init__(self, fleet: ReleaseFleet, *names: str) -> None:
        self._all, self._names = fleet.hand.keyring, names

    def records(self) -> dict[str, KeyRecord]:
        return {keyid: each for keyid, each in self._all.records().items() if each.name in self._names}

    def signers(self, keyids: list[str]) -> list[Any]:
        return list(self._all.signers([keyid for keyid in keyids if keyid in self.records()]))


def hand_of(fleet: ReleaseFleet, *names: str) -> SigningHand:
    return SigningHand(Only(fleet, *names))  # type: ignore[arg-type]


def change(fleet: ReleaseFleet, role: str, hand: SigningHand | None = None, **more: Any) -> repository.Outcome:
    add = [key(fleet, name) for name in more.pop("add", [])]
    values = {"remove": [], "threshold": None, "now": fleet.now()} | more
    return change_keys(fleet.store, hand or fleet.hand, role, add=add, **values)


def holders(store: ReleaseStore, fleet: ReleaseFleet, role: str) -> tuple[int, set[str]]:
    (row,) = (each for each in roles(trusted(store), set(), fleet.now()) if each.role == role)
    return row.threshold, {each.holder for each in row.keys}


ONLINE = ("snapshot-1", "timestamp-1")


def test_a_new_root_wants_old_and_new_threshold(fleet: ReleaseFleet) -> None:
    wanted = {"add": ["new-1", "new-2"], "remove": ["root-1", "root-2"]}
    first = change(fleet, "root", hand_of(fleet, "new-1", "new-2", *ONLINE), **wanted)
    assert first.state == "waiting"  # two of the new, none of the old
    assert holders(fleet.store, fleet, "root")[1] == {"root-1", "root-2", "root-3"}
    second = change(fleet, "root", hand_of(fleet, "root-1", *ONLINE), **wanted)
    assert second.state == "waiting"
    assert second.waiting[0].missing == 1
    third = change(fleet, "root", hand_of(fleet, "root-2", *ONLINE), **wanted)
    assert third.published == ["root 2"]
    assert holders(fleet.store, fleet, "root") == (2, {"root-3", "new-1", "new-2"})
    # Who is out cannot change anything any more.
    with pytest.raises(UsageError, match="no key of root is at hand"):
        change(fleet, "root", hand_of(fleet, "root-1", "root-2"), add=["new-3"], remove=["new-1"])


def test_a_root_ceremony_needs_no_online_key(fleet: ReleaseFleet) -> None:
    done = change(fleet, "root", hand_of(fleet, "root-1", "root-2", "new-1"), add=["new-1"], threshold=3)
    assert done.published == ["root 2"]
    assert holders(fleet.store, fleet, "root") == (3, {"root-1", "root-2", "root-3", "new-1"})


@pytest.mark.parametrize("role", ["snapshot", "timestamp", "targets"])
def test_top_roles_are_rotated(fleet: ReleaseFleet, role: str) -> None:
    fleet.publish("stable", "2026.11-1", 1)
    done = change(fleet, role, add=["new-1"], remove=[f"{role}-1"])
    assert "root 2" in done.published
    assert holders(fleet.store, fleet, role) == (1, {"new-1"})
    fleet.publish("stable", "2026.11-2", 2)
    found = newest_approved(fleet.store, "stable", now=fleet.now())
    assert found is not None
    assert found.name == "2026.11-2"


def test_a_channels_key_is_revoked_and_what_it_signed_is_signed_anew(fleet: ReleaseFleet) -> None:
    fleet.publish("stable", "2026.11-1", 1)
    # One of two signatures is left, and two are wanted: the channel has to be signed by new-1 as well.
    first = change(fleet, "stable", hand_of(fleet, "targets-1", *ONLINE), remove=["stable-1"], add=["new-1"])
    assert first.state == "waiting"
    assert {each.role: each.missing for each in first.waiting} == {"targets": 0, "stable": 2}
    found = newest_approved(fleet.store, "stable", now=fleet.now())
    assert found is not None
    assert found.approvers == ("stable-1", "stable-2")
    change(fleet, "stable", hand_of(fleet, "stable-2", *ONLINE), remove=["stable-1"], add=["new-1"])
    done = change(fleet, "stable", hand_of(fleet, "new-1", *ONLINE), remove=["stable-1"], add=["new-1"])
    assert set(done.published) == {"targets 2", "stable 3"}
    found = newest_approved(fleet.store, "stable", now=fleet.now())
    assert found is not None
    assert found.approvers == ("new-1", "stable-2")
    fleet.draft("2026.11-2", 2)
    with pytest.raises(UsageError, match="no key of stable is at hand"):
        repository.sign(fleet.store, hand_of(fleet, "stable-1", *ONLINE), "2026.11-2", "stable", fleet.now())


def test_one_change_of_a_role_at_a_time(fleet: ReleaseFleet) -> None:
    change(fleet, "root", hand_of(fleet, "root-1"), add=["new-1"])
    with pytest.raises(RefusedError, match="another change of root waits"):
        change(fleet, "root", hand_of(fleet, "root-2"), add=["new-2"])


def test_the_same_key_twice_is_no_second_person(fleet: ReleaseFleet) -> None:
    double = key(fleet, "new-1")
    again = type(double)("e" * 64, double.keytype, double.scheme, dict(double.keyval))
    for role in ("root", "stable"):
        with pytest.raises(VerificationError, match="one public key under two ids"):
            change_keys(fleet.store, fleet.hand, role, add=[double, again], remove=[], threshold=None, now=fleet.now())
    with pytest.raises(VerificationError, match="one public key under two ids"):
        add_channel(fleet.store, fleet.hand, "nightly", [double, again], 2, fleet.now())


def test_thresholds_that_cannot_be_met(fleet: ReleaseFleet) -> None:
    for values in ({"threshold": 4}, {"remove": ["root-1", "root-2"]}):
        with pytest.raises(UsageError, match=r"root: \d signatures of \d keys are not possible"):
            change(fleet, "root", **values)
    with pytest.raises(UsageError, match="root has no key nobody"):
        change(fleet, "root", remove=["nobody"])
    with pytest.raises(UsageError, match="no role nightly"):
        change(fleet, "nightly", threshold=1)
    for role, names, hint in (("root", ["root1"], "did you mean root-1?"), ("stabel", [], "did you mean stable?")):
        with pytest.raises(UsageError) as caught:
            change(fleet, role, remove=names, threshold=1)
        assert caught.value.hint == hint
    assert change(fleet, "root", threshold=2).state == "unchanged"
    assert not list((fleet.store.folder / "pending").iterdir())


def test_a_channel_is_made_and_used(fleet: ReleaseFleet) -> None:
    keys = [key(fleet, "new-1"), key(fleet, "new-2")]
    done = add_channel(fleet.store, fleet.hand, "nightly", keys, 2, fleet.now())
    assert set(done.published) == {"targets 2", "nightly 1"}
    fleet.publish("nightly", "2026.11-1", 1)
    found = newest_approved(fleet.store, "nightly", now=fleet.now())
    assert found is not None
    assert found.approvers == ("new-1", "new-2")
    assert set(published(fleet.store, now=fleet.now()).channels) == {"candidate", "stable", "nightly"}
    with pytest.raises(RefusedError, match="there is a role nightly"):
        add_channel(fleet.store, fleet.hand, "nightly", keys, 1, fleet.now())
    with pytest.raises(RefusedError, match="there is a role snapshot"):
        add_channel(fleet.store, fleet.hand, "snapshot", keys, 1, fleet.now())


def test_a_new_channel_waits_for_its_own_keys_and_holds_up_nothing_else(fleet: ReleaseFleet) -> None:
    keys = [key(fleet, "new-1"), key(fleet, "new-2")]
    hand = hand_of(fleet, "targets-1", *ONLINE)
    assert add_channel(fleet.store, hand, "nightly", keys, 2, fleet.now()).state == "waiting"
    fleet.draft("2026.11-1", 1)
    rest = hand_of(fleet, "stable-1", "stable-2", *ONLINE)
    assert repository.sign(fleet.store, rest, "2026.11-1", "stable", fleet.now()).published == ["stable 2"]
    done = add_channel(fleet.store, hand_of(fleet, "new-1", "new-2", *ONLINE), "nightly", keys, 2, fleet.now())
    assert set(done.published) == {"targets 2", "nightly 1"}


def test_a_root_of_several_people_is_made_in_turns(fleet: ReleaseFleet, fleet_dir: Any) -> None:
    wanted = {"root": ["new-1", "new-2", "new-3"], "targets": ["targets-1"], "stable": ["stable-1"]}
    wanted |= {"snapshot": ["snapshot-1"], "timestamp": ["timestamp-1"]}
    lists = {role: ([key(fleet, name) for name in names], 2 if role == "root" else 1) for role, names in wanted.items()}
    store = ReleaseStore(fleet_dir)
    documents = repository.first(lists, fleet.now())
    rest = ("targets-1", "stable-1", *ONLINE)
    first = repository.create(store, hand_of(fleet, "new-2", *rest), documents, fleet.now())
    assert first.state == "waiting"
    assert [each.text() for each in first.waiting if each.role == "root"] == ["root 1: 1 of 2 signatures (new-2)"]
    assert not (store.folder / "root.json").exists()
    # The second has not made it, and says what he was told. What waits may have been exchanged on its way.
    told = repository.ceremony(documents)
    assert told in first.next_action
    for said in (None, "0" * 64):
        with pytest.raises(RefusedError, match="root 2 of new-1, new-2, new-3") as caught:
            repository.create(store, hand_of(fleet, "new-3", *ONLINE), {}, fleet.now(), confirmed=said)
        assert told in caught.value.message
    waiting = store.folder / "pending" / "1.root.json"
    right = waiting.read_text()
    waiting.write_text(right.replace('"threshold":2', '"threshold":1').replace('"threshold": 2', '"threshold": 1'))
    assert waiting.read_text() != right
    with pytest.raises(RefusedError, match="a first root waits"):
        repository.create(store, hand_of(fleet, "new-3", *ONLINE), {}, fleet.now(), confirmed=told)
    waiting.write_text(right)
    second = repository.create(store, hand_of(fleet, "new-3", *ONLINE), {}, fleet.now(), confirmed=told)
    assert second.state == "published"
    assert holders(store, fleet, "root") == (2, {"new-1", "new-2", "new-3"})
    with pytest.raises(RefusedError, match="the fleet has a release repository"):
        repository.create(store, fleet.hand, documents, fleet.now())


def test_nothing_waits_to_be_confirmed(fleet: ReleaseFleet, tmp_path: Path) -> None:
    shutil.copytree(fleet.store.fleet.path, tmp_path / "other", ignore=shutil.ignore_patterns("releases"))
    store = ReleaseStore(FleetDir(tmp_path / "other"))
    with pytest.raises(ConfigError, match="no repository waits"):
        repository.create(store, fleet.hand, {}, fleet.now(), confirmed="0" * 64)


def test_what_ends_soon_is_told(fleet: ReleaseFleet) -> None:
    found = trusted(fleet.store)
    now = fleet.now()
    tell_ends(roles(found, set(), now))
    soon = roles(found, set(), now + timedelta(days=150))
    assert {each.role for each in soon if each.state is Validity.DUE} == {"snapshot", "timestamp"}
    with pytest.raises(DegradedError, match="snapshot") as due:
        tell_ends(soon)
    assert due.value.hint == "fleetctl release refresh"
    with pytest.raises(CriticalError) as over:
        tell_ends(roles(found, set(), now + timedelta(days=400)))
    assert "--role stable" in over.value.hint
