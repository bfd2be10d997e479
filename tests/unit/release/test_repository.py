"""Releases in channels: signed, approved, revoked, renewed; by the product's keys, read by its own client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tuf.api.metadata import TargetFile

from fleetctl.errors import ConfigError, FleetctlError, LockHeldError, RefusedError, UsageError, VerificationError
from fleetctl.release import repository
from fleetctl.release.repository_client import trusted
from fleetctl.release.repository_report import listing, shown, verified
from fleetctl.release.repository_view import newest_approved, published
from fleetctl.release.repository_write import LookingHand, SigningHand, writing
from fleetctl.release.store import ReleaseStore
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.release_signers import Keyring
from tests.fakes.releases import ReleaseFleet, copied, template


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, keystore: KeyStore, passphrase: Passphrase) -> ReleaseFleet:
    """Channels candidate and stable; stable wants two signatures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLEETCTL_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        return template(tmp_path_factory.mktemp("template"), keystore, passphrase, channel_keys=2)


@pytest.fixture
def fleet(made: ReleaseFleet, tmp_path: Path, clean_environment: None) -> ReleaseFleet:
    return copied(made, tmp_path / "north")


class Only:
    """A keyring of which some keys are at hand."""

    def __init__(self, keyring: Keyring, *names: str) -> None:
        self._keyring, self._names = keyring, names

    def records(self) -> dict[str, object]:
        return {keyid: each for keyid, each in self._keyring.records().items() if each.name in self._names}

    def signers(self, keyids: list[str]) -> list[object]:
        return list(self._keyring.signers([keyid for keyid in keyids if keyid in self.records()]))


def hand_of(fleet: ReleaseFleet, *names: str) -> SigningHand:
    return SigningHand(Only(fleet.hand.keyring, *names))  # type: ignore[arg-type]


@contextmanager
def refused(kind: type[FleetctlError], *words: str) -> Iterator[pytest.ExceptionInfo[FleetctlError]]:
    with pytest.raises(kind) as caught:
        yield caught
    for word in words:
        assert word in caught.value.message, caught.value.message
    assert caught.value.hint


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_draft_goes_through_the_channels(fleet: ReleaseFleet) -> None:
    manifest = fleet.draft("2026.11-1", 1)
    assert newest_approved(fleet.store, "candidate", now=fleet.now()) is None
    done = repository.sign(fleet.store, fleet.hand, "2026.11-1", "candidate", fleet.now())
    assert (done.state, done.published) == ("published", ["candidate 2"])
    found = newest_approved(fleet.store, "candidate", now=fleet.now())
    assert found is not None
    assert (found.name, found.sequence, found.digest) == ("2026.11-1", 1, manifest.digest)
    assert found.manifest == manifest
    assert found.approvers == ("candidate-1", "candidate-2")
    assert len(set(found.approved_by)) == 2
    assert newest_approved(fleet.store, "stable", now=fleet.now()) is None

    repository.approve(fleet.store, fleet.hand, "2026.11-1", "candidate", "stable", fleet.now())
    stable = newest_approved(fleet.store, "stable", now=fleet.now())
    assert stable is not None
    assert stable.digest == manifest.digest


def test_the_newest_is_the_highest_sequence_that_is_not_revoked(fleet: ReleaseFleet) -> None:
    for number in (1, 2, 5):
        fleet.publish("stable", f"2026.11-{number}", number)
    view = published(fleet.store, now=fleet.now())
    assert [each.sequence for each in view.of("stable")] == [5, 2, 1]
    repository.revoke(fleet.store, fleet.hand, "2026.11-5", "stable", "hears numbers wrong", fleet.now())
    newest = newest_approved(fleet.store, "stable", now=fleet.now())
    assert newest is not None
    assert newest.name == "2026.11-2"
    (gone,) = (each for each in published(fleet.store, now=fleet.now()).of("stable") if each.revoked)
    assert gone.revoked is not None
    assert (gone.name, gone.revoked.reason) == ("2026.11-5", "hears numbers wrong")
    assert gone.manifest is not None


def test_a_revoked_name_is_used_up_everywhere(fleet: ReleaseFleet) -> None:
    fleet.publish("candidate", "2026.11-1", 1)
    repository.revoke(fleet.store, fleet.hand, "2026.11-1", "candidate", "bad", fleet.now())
    again = repository.revoke(fleet.store, fleet.hand, "2026.11-1", "candidate", "bad", fleet.now())
    assert again.state == "unchanged"
    for channel in ("candidate", "stable"):
        with refused(RefusedError, "2026.11-1 was revoked", "bad"):
            repository.sign(fleet.store, fleet.hand, "2026.11-1", channel, fleet.now())
    with refused(RefusedError, "was revoked"):
        repository.approve(fleet.store, fleet.hand, "2026.11-1", "candidate", "stable", fleet.now())
    # Its sequence is used up as well.
    fleet.draft("2026.11-2", 1)
    with refused(RefusedError, "sequence 1"):
        repository.sign(fleet.store, fleet.hand, "2026.11-2", "candidate", fleet.now())


def test_a_channel_only_goes_forward(fleet: ReleaseFleet) -> None:
    fleet.publish("stable", "2026.11-2", 2)
    fleet.draft("2026.11-1", 1)
    with refused(RefusedError, "stable is at sequence 2 (2026.11-2)"):
        repository.sign(fleet.store, fleet.hand, "2026.11-1", "stable", fleet.now())
    assert repository.sign(fleet.store, fleet.hand, "2026.11-1", "candidate", fleet.now()).state == "published"
    with refused(RefusedError, "stable is at sequence 2"):
        repository.approve(fleet.store, fleet.hand, "2026.11-1", "candidate", "stable", fleet.now())


def test_a_published_name_keeps_its_bytes(fleet: ReleaseFleet) -> None:
    fleet.publish("candidate", "2026.11-1", 1)
    fleet.draft("2026.11-1", 2, notes="changed")
    before = contents(fleet.store.folder)
    for channel in ("candidate", "stable"):
        with refused(RefusedError, "other bytes"):
            repository.sign(fleet.store, fleet.hand, "2026.11-1", channel, fleet.now())
    assert contents(fleet.store.folder) == before


def test_signing_again_changes_nothing(fleet: ReleaseFleet) -> None:
    fleet.publish("stable", "2026.11-1", 1)
    before = contents(fleet.store.folder)
    done = repository.sign(fleet.store, fleet.hand, "2026.11-1", "stable", fleet.now())
    assert done.state == "unchanged"
    assert contents(fleet.store.folder) == before


def test_two_people_sign_one_change(fleet: ReleaseFleet) -> None:
    fleet.draft("2026.11-1", 1)
    now = fleet.now()
    first = repository.sign(fleet.store, hand_of(fleet, "stable-1"), "2026.11-1", "stable", now)
    assert first.state == "waiting"
    assert [each.text() for each in first.waiting] == ["stable 2: 1 of 2 signatures (stable-1)"]
    assert newest_approved(fleet.store, "stable", now=now) is None
    assert [each.missing for each in listing(fleet.store).waiting] == [1]
    # The same person again is not a second one.
    same = repository.sign(fleet.store, hand_of(fleet, "stable-1"), "2026.11-1", "stable", now)
    assert [each.missing for each in same.waiting] == [1]
    # The other has no key of snapshot and timestamp: signed, not published.
    later = now + timedelta(days=2)
    second = repository.sign(fleet.store, hand_of(fleet, "stable-2"), "2026.11-1", "stable", later)
    assert second.state == "waiting"
    assert "fleetctl release refresh" in second.next_action
    assert newest_approved(fleet.store, "stable", now=now) is None
    done = repository.refresh(fleet.store, hand_of(fleet, "snapshot-1", "timestamp-1"), [], later)
    assert "stable 2" in done.published
    found = newest_approved(fleet.store, "stable", now=now)
    assert found is not None
    assert found.approvers == ("stable-1", "stable-2")
    assert not list((fleet.store.folder / "pending").iterdir())


def test_who_signs_a_release_does_not_sign_what_else_waits(fleet: ReleaseFleet) -> None:
    fleet.draft("2026.11-1", 1)
    fleet.draft("2026.11-2", 2)
    repository.sign(fleet.store, hand_of(fleet, "stable-1"), "2026.11-1", "stable", fleet.now())
    (path,) = (fleet.store.folder / "pending").iterdir()
    for hand in (fleet.hand, hand_of(fleet, "stable-2")):
        with refused(RefusedError, "another change of stable waits", str(path)):
            repository.sign(fleet.store, hand, "2026.11-2", "stable", fleet.now())
    with refused(RefusedError, "another change of stable waits"):
        repository.refresh(fleet.store, fleet.hand, ["stable"], fleet.now())
    # A change of another channel is not held up by it.
    assert repository.sign(fleet.store, fleet.hand, "2026.11-2", "candidate", fleet.now()).state == "published"
    path.unlink()
    assert repository.sign(fleet.store, fleet.hand, "2026.11-2", "stable", fleet.now()).state == "published"


def test_a_pending_file_that_was_tampered_with_is_not_signed(fleet: ReleaseFleet) -> None:
    fleet.draft("2026.11-1", 1)
    repository.sign(fleet.store, hand_of(fleet, "stable-1"), "2026.11-1", "stable", fleet.now())
    (path,) = (fleet.store.folder / "pending").iterdir()
    text = path.read_text()
    digest = fleet.draft("2026.11-1", 1).digest
    path.write_text(text.replace(digest, "0" * 64))
    with refused(RefusedError, "another change of stable waits"):
        repository.sign(fleet.store, hand_of(fleet, "stable-2"), "2026.11-1", "stable", fleet.now())
    path.write_text("{}")
    with refused(ConfigError, str(path), "is no metadata"):
        repository.sign(fleet.store, fleet.hand, "2026.11-1", "stable", fleet.now())


def test_signed_metadata_that_nobody_could_read_is_not_published(fleet: ReleaseFleet) -> None:
    """Whoever holds a channel's keys can sign what he likes; it must not end the other channels."""
    found = trusted(fleet.store)
    for number, path in enumerate(("stable/evil/release.json", "candidate/evil/release.json", "candidate/x/y.json")):
        document = repository.following(found.channels["candidate"], "candidate", fleet.now())
        document.signed.targets[path] = TargetFile.from_data(path, b"{}", ["sha256"])
        hand_of(fleet, "candidate-1", "candidate-2").sign(document, list(found.delegations["candidate"].keyids))
        waiting = fleet.store.folder / "pending" / "2.candidate.json"
        waiting.write_bytes(document.to_bytes())
        before = contents(fleet.store.metadata)
        with pytest.raises(VerificationError):
            repository.refresh(fleet.store, fleet.hand, [], fleet.now())
        assert contents(fleet.store.metadata) == before, number
        assert listing(fleet.store).waiting[0].missing == 0


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "bytes, the manifest says"),
        (lambda path: path.write_bytes(b"\1" + path.read_bytes()[1:]), "SHA-256"),
    ],
    ids=["missing", "short", "changed"],
)
def test_images_are_compared_before_anything_is_signed(fleet: ReleaseFleet, damage, words: str) -> None:  # type: ignore[no-untyped-def]
    manifest = fleet.draft("2026.11-1", 1)
    path = fleet.store.image(manifest.models[1].root_hash)
    damage(path)
    before = contents(fleet.store.folder)
    with refused(VerificationError, str(path), words):
        repository.sign(fleet.store, fleet.hand, "2026.11-1", "stable", fleet.now())
    assert contents(fleet.store.folder) == before


def test_an_image_under_another_root_hash_is_refused(fleet: ReleaseFleet) -> None:
    manifest = fleet.draft("2026.11-1", 1)
    model = manifest.models[1].model_copy(update={"root_hash": "0" * 64})
    wrong = manifest.model_copy(update={"models": (manifest.models[0], model)})
    fleet.store.image(manifest.models[1].root_hash).rename(fleet.store.image("0" * 64))
    (fleet.store.drafts / "2026.11-1" / "release.json").write_bytes(wrong.content())
    with refused(VerificationError, "is the image with the root hash"):
        repository.sign(fleet.store, fleet.hand, "2026.11-1", "stable", fleet.now())


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("release.json", b"{}", "release.json"),
        ("release.json", b"\xff\xfe", "release.json"),
        ("release.json", b" " * ((1 << 20) + 1), "more than"),
        ("bom.json", b"{ }\n", "bom.json"),
    ],
)
def test_a_draft_that_is_not_sound_is_refused(fleet: ReleaseFleet, file: str, content: bytes, words: str) -> None:
    fleet.draft("2026.11-1", 1)
    (fleet.store.drafts / "2026.11-1" / file).write_bytes(content)
    with refused(VerificationError, words):
        repository.sign(fleet.store, fleet.hand, "2026.11-1", "stable", fleet.now())
    assert words in listing(fleet.store).drafts_not_sound["2026.11-1"]


def test_names_that_are_none(fleet: ReleaseFleet) -> None:
    for name in ("../2026.11-1", "", ".x", "A"):
        with refused(UsageError, "is no name of a release"):
            repository.sign(fleet.store, fleet.hand, name, "stable", fleet.now())
    with refused(UsageError, "no draft 2026.11-9"):
        repository.sign(fleet.store, fleet.hand, "2026.11-9", "stable", fleet.now())
    fleet.draft("2026.11-1", 1)
    with refused(UsageError, "no channel nightly"):
        repository.sign(fleet.store, fleet.hand, "2026.11-1", "nightly", fleet.now())
    with refused(UsageError, "2026.11-1 is a draft, in no channel"):
        repository.approve(fleet.store, fleet.hand, "2026.11-1", "candidate", "stable", fleet.now())


def test_a_mistyped_name_is_told_with_what_was_meant(fleet: ReleaseFleet) -> None:
    fleet.draft("2026.11-1", 1)
    repository.sign(fleet.store, fleet.hand, "2026.11-1", "candidate", fleet.now())
    view = published(fleet.store, now=fleet.now())
    approve = "fleetctl release approve 2026.11-1 --from candidate --channel stable"
    for channel, name, hint in (
        ("candidate", "2026.11-11", "did you mean 2026.11-1?"),
        ("candidate", "other", "it has: 2026.11-1"),
        ("stabel", "2026.11-1", "did you mean stable?"),
        ("stable", "2026.11-1", f"it is in candidate: {approve}"),
    ):
        with pytest.raises(UsageError) as caught:
            view.find(channel, name)
        assert caught.value.hint == hint


def test_of_a_release_that_no_channel_has_it_is_said_where_it_is_or_what_was_meant(fleet: ReleaseFleet) -> None:
    for number, name in enumerate(("2026.11-1", "2026.11-2", "2026.12-1"), 1):
        fleet.draft(name, number)
    for name in ("2026.11-1", "2026.11-2"):
        repository.sign(fleet.store, fleet.hand, name, "candidate", fleet.now())
    repository.revoke(fleet.store, fleet.hand, "2026.11-2", "candidate", "lost words", fleet.now())
    for look, name, said, hint in (
        ("verify", "2026.11-11", "no channel has a release 2026.11-11", "did you mean 2026.11-1?"),
        ("verify", "other", "no channel has a release other", "releases: 2026.11-1"),
        ("verify", "2026.11-2", "2026.11-2 was revoked from candidate", "fleetctl release show 2026.11-2"),
        ("verify", "2026.12-1", "2026.12-1 is a draft, in no channel", "fleetctl release sign 2026.12-1"),
        ("show", "2026.12-11", "there is no release 2026.12-11", "did you mean 2026.12-1?"),
        ("sign", "2026.12-11", "there is no draft 2026.12-11", "did you mean 2026.12-1?"),
        ("refresh", "tragets", "there is no role tragets", "did you mean targets?"),
    ):
        with refused(UsageError, said) as caught:
            match look:
                case "verify":
                    verified(fleet.store, fleet.now(), name)
                case "show":
                    shown(fleet.store, name)
                case "sign":
                    repository.sign(fleet.store, fleet.hand, name, "candidate", fleet.now())
                case _:
                    repository.refresh(fleet.store, fleet.hand, [name], fleet.now())
        assert caught.value.hint == hint
    assert [each.name for each in verified(fleet.store, fleet.now(), "2026.11-1")] == ["2026.11-1"]


def test_without_a_key_of_the_channel_nothing_is_proposed(fleet: ReleaseFleet) -> None:
    fleet.draft("2026.11-1", 1)
    before = contents(fleet.store.folder)
    with refused(UsageError, "no key of stable is at hand"):
        repository.sign(
            fleet.store, hand_of(fleet, "candidate-1", "snapshot-1", "timestamp-1"), "2026.11-1", "stable", fleet.now()
        )
    assert contents(fleet.store.folder) == before


def test_a_dry_run_opens_no_key_and_writes_nothing(fleet: ReleaseFleet) -> None:
    fleet.draft("2026.11-1", 1)
    closed = Keyring(fleet.hand.keyring.folders, lambda: pytest.fail("asked"), lambda: pytest.fail("asked"))
    before = contents(fleet.store.folder)
    done = repository.sign(fleet.store, LookingHand(closed), "2026.11-1", "stable", fleet.now())
    assert (done.state, done.signed_with) == ("dry run", ["stable-1", "stable-2"])
    assert repository.refresh(fleet.store, LookingHand(closed), ["root"], fleet.now()).state == "dry run"
    assert contents(fleet.store.folder) == before


def test_what_has_expired_is_refused_and_renewed(fleet: ReleaseFleet) -> None:
    fleet.publish("stable", "2026.11-1", 1)
    late = fleet.now() + timedelta(days=181)
    with pytest.raises(VerificationError) as caught:
        published(fleet.store, now=late)
    assert "expired" in caught.value.message
    assert "refresh" in caught.value.hint
    repository.refresh(fleet.store, fleet.hand, [], late)
    found = newest_approved(fleet.store, "stable", now=late)
    assert found is not None
    much_later = fleet.now() + timedelta(days=360)
    repository.refresh(fleet.store, fleet.hand, ["stable", "candidate", "targets", "root"], much_later)
    assert newest_approved(fleet.store, "stable", now=much_later + timedelta(days=170)) is not None
    with refused(UsageError, "no role nightly"):
        repository.refresh(fleet.store, fleet.hand, ["nightly"], late)


def test_refresh_wants_its_keys(fleet: ReleaseFleet) -> None:
    before = contents(fleet.store.folder)
    with refused(ConfigError, "nothing was renewed"):
        repository.refresh(fleet.store, hand_of(fleet, "snapshot-1"), [], fleet.now())
    assert contents(fleet.store.folder) == before


def test_one_writer_at_a_time(fleet: ReleaseFleet) -> None:
    with writing(fleet.store), refused(LockHeldError, "another process"):
        repository.refresh(fleet.store, fleet.hand, [], fleet.now())


def test_verify_reads_every_image(fleet: ReleaseFleet) -> None:
    old = fleet.publish("stable", "2026.11-1", 1)
    new = fleet.publish("stable", "2026.11-2", 2)
    assert [each.result for each in verified(fleet.store, fleet.now())] == ["ok", "ok"]
    # An older release's own image may be gone; named, or newest, it may not.
    fleet.store.image(old.models[1].root_hash).unlink()
    assert [each.result for each in verified(fleet.store, fleet.now())] == ["ok", "images not kept"]
    assert [each.result for each in verified(fleet.store, fleet.now(), "2026.11-1")] == ["wrong"]
    path = fleet.store.image(new.models[1].root_hash)
    path.write_bytes(bytes(path.stat().st_size))
    assert [each.result for each in verified(fleet.store, fleet.now())] == ["wrong", "images not kept"]


def test_show_and_list(fleet: ReleaseFleet) -> None:
    manifest = fleet.publish("candidate", "2026.11-1", 1)
    fleet.draft("2026.11-2", 2)
    assert [(each.channel, each.name, each.state) for each in listing(fleet.store).releases] == [
        ("candidate", "2026.11-1", "published"),
        (None, "2026.11-2", "draft"),
    ]
    assert shown(fleet.store, "2026.11-1")["manifest"] == manifest
    assert shown(fleet.store, "2026.11-2")["channels"][0].state == "draft"
    with refused(UsageError, "no release 2026.11-3"):
        shown(fleet.store, "2026.11-3")


def test_a_fleet_without_releases_is_told_what_to_do(fleet_dir) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError) as caught:
        published(ReleaseStore(fleet_dir), now=None)  # type: ignore[arg-type]
    assert caught.value.hint.startswith("fleetctl release keys init")
