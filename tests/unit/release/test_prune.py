"""What `release prune` leaves alone: whatever a site, a rollout, a channel or a draft may still need."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.contract.release import ReleaseManifest
from fleetctl.__main__ import run
from fleetctl.errors import ConfigError, LockHeldError, StoreError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.rollout import Plan, Stamp
from fleetctl.release.build_known import one_build
from fleetctl.release.prune import Pruned, prune
from fleetctl.release.store import ReleaseStore
from fleetctl.rollout.engine_run import opened_journal
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_records import Committed, RolloutState, SiteState, StepKind, StepOutcome
from tests.fakes.releases import SignedRepository
from tests.fakes.rollouts import plan
from tests.fakes.sets import manifest, set_of

NOW = datetime.now(UTC)
RELEASES = [manifest(f"2026.1-{number}", number) for number in range(1, 7)]


@pytest.fixture
def store(fleet_dir: FleetDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReleaseStore:
    """Six releases in the channel stable, and their images (contents do not matter here)."""
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / "state"))
    found = ReleaseStore(fleet_dir)
    repository = SignedRepository(found.folder)
    (found.folder / "root.json").write_bytes(repository.root)
    found.images.mkdir(parents=True)
    for each in RELEASES:
        repository.publish("stable", each)
        for image in each.images:
            found.image(image.root_hash).write_bytes(b"x" * 1000)
    return found


@pytest.fixture
def journal(store: ReleaseStore) -> Iterator[Journal]:
    with opened_journal(store.fleet) as found:
        yield found


def images(*releases: ReleaseManifest) -> set[str]:
    return {image.root_hash for each in releases for image in each.images}


def stamp(release: ReleaseManifest) -> Stamp:
    return Stamp(name=release.name, digest=release.digest, sequence=release.sequence)


def planned(release: ReleaseManifest, before: ReleaseManifest, number: int = 1) -> Plan:
    """A plan of a release for sites that run `before`."""
    made = plan({"canary": 2})
    models = {str(task): root_hash for task, root_hash in set_of(before).models.items()}
    sites = tuple(each.model_copy(update={"running": stamp(before), "models": models}) for each in made.sites)
    return made.model_copy(update={"id": f"{number:032x}", "release": stamp(release), "sites": sites})


def rolled_out(journal: Journal, made: Plan, state: RolloutState) -> None:
    """A rollout that has switched its first site and is in this state."""
    journal.begin(made, "alex", NOW)
    record = journal.sites(made.id)[0]
    step = journal.intend(made.id, record, StepKind.ACTIVATE, "0" * 32, NOW, {})
    done = record.model_copy(update={"state": SiteState.DONE})
    release = made.release
    committed = Committed(record.site, release.name, release.digest, release.sequence, made.id, NOW)
    journal.end(made.id, step, done, StepOutcome.DONE, "", NOW, {}, committed=committed)
    journal.change(made.id, NOW, "alex", values={"state": state})


def pruned(store: ReleaseStore, journal: Journal, *plans: Plan, keep: int = 1, remove: bool = False) -> Pruned:
    return prune(store, journal, plans, NOW, keep=keep, remove=remove)


def gone(found: Pruned) -> set[str]:
    return {each.root_hash for each in found.superfluous}


def test_only_the_newest_of_a_channel_stay_where_nothing_runs(store: ReleaseStore, journal: Journal) -> None:
    assert gone(pruned(store, journal, keep=2)) == images(*RELEASES[:4])
    before = sorted(store.images.iterdir())
    found = pruned(store, journal, keep=5)
    assert sorted(store.images.iterdir()) == before
    assert (found.removed, found.freed_bytes) == (False, 2000)
    assert [each.of for each in found.superfluous] == [["2026.1-1"], ["2026.1-1"]]
    assert pruned(store, journal, keep=5, remove=True).removed
    assert {path.stem for path in store.images.iterdir()} == images(*RELEASES[1:])
    assert pruned(store, journal, keep=5, remove=True).superfluous == []


def test_what_a_site_runs_and_ran_before_stays(store: ReleaseStore, journal: Journal) -> None:
    rolled_out(journal, planned(RELEASES[2], RELEASES[0]), RolloutState.DONE)
    found = pruned(store, journal, remove=True)
    assert gone(found) == images(RELEASES[1], *RELEASES[3:5])
    why = {each.root_hash: " ".join(each.because) for each in found.kept}
    assert all("runs 2026.1-3" in why[each] for each in images(RELEASES[2]))
    assert all("ran it" in why[each] for each in images(RELEASES[0]))


@pytest.mark.parametrize(
    "state", [each for each in RolloutState if each not in (RolloutState.DONE, RolloutState.ABORTED)]
)
def test_what_a_rollout_that_is_not_over_may_bring_stays(
    state: RolloutState, store: ReleaseStore, journal: Journal
) -> None:
    made = planned(RELEASES[3], RELEASES[1])
    journal.begin(made, "alex", NOW)
    journal.change(made.id, NOW, "alex", values={"state": state})
    assert gone(pruned(store, journal)) == images(RELEASES[0], RELEASES[2], RELEASES[4])


def test_a_rollout_that_was_aborted_keeps_nothing_that_no_site_runs(store: ReleaseStore, journal: Journal) -> None:
    made = planned(RELEASES[3], RELEASES[1])
    journal.begin(made, "alex", NOW)
    journal.change(made.id, NOW, "alex", values={"state": RolloutState.ABORTED})
    assert gone(pruned(store, journal)) == images(*RELEASES[:5])


def test_the_newest_that_has_passed_stays_for_who_returns(store: ReleaseStore, journal: Journal) -> None:
    made = planned(RELEASES[2], RELEASES[1])
    journal.begin(made, "alex", NOW)
    journal.change(made.id, NOW, "alex", values={"state": RolloutState.DONE})
    assert gone(pruned(store, journal)) == images(*RELEASES[:2], *RELEASES[3:5])


def test_a_plan_that_is_not_started_and_drafts_stay(store: ReleaseStore, journal: Journal) -> None:
    made = planned(RELEASES[2], RELEASES[0])
    assert gone(pruned(store, journal, made)) == images(RELEASES[1], *RELEASES[3:5])
    (store.drafts / "2026.1-5").mkdir(parents=True)
    (store.drafts / "2026.1-5" / "release.json").write_bytes(RELEASES[4].content())
    assert gone(pruned(store, journal, made)) == images(RELEASES[1], RELEASES[3])


def test_what_is_no_image_of_ours_is_not_touched(store: ReleaseStore, journal: Journal) -> None:
    (store.images / "notes.raw").write_text("mine")
    (store.images / f".{'a' * 64}.part").write_text("comes")
    (store.images / f"{'c' * 64}.raw").symlink_to("/etc/passwd")
    (store.images / f"{'d' * 64}.raw").write_text("of no release")
    found = pruned(store, journal, keep=6, remove=True)
    assert gone(found) == {"d" * 64}
    assert (store.images / "notes.raw").exists()
    assert (store.images / f".{'a' * 64}.part").exists()
    assert (store.images / f"{'c' * 64}.raw").is_symlink()


def test_what_cannot_be_read_removes_nothing(
    store: ReleaseStore, journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = sorted(store.images.iterdir())
    rolled_out(journal, planned(RELEASES[2], RELEASES[0]), RolloutState.RUNNING)
    with one_build(store), pytest.raises(LockHeldError):
        pruned(store, journal, remove=True)
    manifest_path = store.targets / "stable" / RELEASES[2].name / "release.json"
    content = manifest_path.read_bytes()
    manifest_path.write_bytes(content[:-2])
    with pytest.raises(VerificationError):
        pruned(store, journal, remove=True)
    manifest_path.write_bytes(content)
    other = planned(manifest("gone", 99), RELEASES[0], number=2)
    with pytest.raises(ConfigError, match="the manifest of gone"):
        pruned(store, journal, other, remove=True)
    (tmp_path / "no-store").write_text("x")
    monkeypatch.setenv("FLEETCTL_STORE", f"sqlite:///{tmp_path}/no-store/x.db")
    with pytest.raises(StoreError):
        pruned(store, journal, remove=True)
    assert sorted(store.images.iterdir()) == before


def test_the_command_changes_nothing_without_yes(
    store: ReleaseStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEETCTL_FLEET", str(store.fleet.path))
    before = sorted(store.images.iterdir())
    assert run(["release", "prune", "-o", "json"]) == 0
    out, err = capsys.readouterr()
    assert {each["root_hash"] for each in json.loads(out)["superfluous"]} == images(*RELEASES[:4])
    assert "--yes removes them" in err
    assert sorted(store.images.iterdir()) == before
    assert run(["release", "prune", "--yes"]) == 0
    assert {path.stem for path in store.images.iterdir()} == images(*RELEASES[4:])
