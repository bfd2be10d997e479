"""What a rollout has committed is what is to run, and is neither called drift nor undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fleetctl.actions.watching import Releases
from fleetctl.checks.site_health import drifted
from fleetctl.errors import ConfigError, StoreError
from fleetctl.image.cache import ImageCache
from fleetctl.models.fleetdir import FleetDir
from fleetctl.phases.release import built_release
from fleetctl.release.committed import CommittedSets
from fleetctl.release.store import ReleaseStore
from fleetctl.rollout.engine_run import opened_journal
from fleetctl.rollout.journal_records import Committed, SiteState, StepKind, StepOutcome
from tests.fakes import site as fake
from tests.fakes.rollouts import RELEASE, START, TARGET, named, plan
from tests.fakes.systems import system

SITE = named("s1")


@pytest.fixture
def fleet(fleet_dir: FleetDir) -> FleetDir:
    """A fleet in which a rollout has switched s1."""
    made = plan({"canary": 1})
    with opened_journal(fleet_dir) as journal:
        journal.begin(made, "alex", START)
        record = journal.sites(made.id)[0]
        step = journal.intend(made.id, record, StepKind.ACTIVATE, "0" * 32, START, {})
        baking = record.model_copy(update={"state": SiteState.BAKING})
        committed = Committed("s1", TARGET.name, TARGET.digest, TARGET.sequence, made.id, datetime.now(UTC))
        journal.end(made.id, step, baking, StepOutcome.DONE, "", START, {}, committed=committed)
    path = ReleaseStore(fleet_dir).targets / "stable" / RELEASE.name / "release.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(RELEASE.content())
    return fleet_dir


def _snapshot() -> object:
    loaded = [{"task": model.task, "name": model.name, "root_hash": model.root_hash} for model in RELEASE.models]
    return fake.snapshot(models={"verdict": "ok", "reason": "compared", "loaded": loaded})


def test_the_committed_set_is_no_drift(fleet: FleetDir) -> None:
    releases = Releases(fleet)
    found = drifted(releases.seen_as(SITE), _snapshot(), releases.of(SITE))  # type: ignore[arg-type]
    assert {reason.verdict.value for reason in found} == {"ok"}


def test_what_was_provisioned_is_drift_by_then(fleet: FleetDir) -> None:
    releases = Releases(fleet)
    found = drifted(releases.seen_as(SITE), fake.snapshot(), releases.of(SITE))
    models = [reason for reason in found if reason.check == "release_model"]
    assert [reason.verdict.value for reason in models] == ["degraded", "degraded"]
    assert all(f"release {RELEASE.name} says" in reason.said for reason in models)
    assert all(f"installs what release {RELEASE.name} names" in reason.next_action for reason in models)


def test_another_site_is_as_its_file_says(fleet: FleetDir) -> None:
    releases = Releases(fleet)
    assert releases.seen_as(named("s2")) == named("s2")


def test_provisioning_installs_the_committed_set_or_says_what_is_missing(fleet: FleetDir, tmp_path: Path) -> None:
    committed = CommittedSets.read(fleet).of("s1")
    assert committed is not None
    built = built_release(committed.site(SITE), fake.PROFILE, "north", ImageCache(tmp_path), committed)
    with pytest.raises(ConfigError, match="the image of transcription-2 is not on this machine"):
        built.need_models()
    for model in RELEASE.models:
        image = committed.image(model.root_hash)
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(b"x")
    assert {(each.name, each.root_hash) for each in built.need_models()} == {
        (model.name, model.root_hash) for model in RELEASE.models
    }


def test_the_operating_system_that_a_release_brought_is_wanted_whatever_was_built_since(
    fleet: FleetDir, tmp_path: Path
) -> None:
    """Else `site verify` would call the committed system a drift, and provisioning would refuse the site."""
    committed = CommittedSets.read(fleet).of("s1")
    assert committed is not None
    (tmp_path / "system").mkdir()
    brought = system(tmp_path / "system", "0.2.0", b"usr").component()
    update = {"system": brought, "usr_root_hashes": (brought.root_hash,)}
    committed = replace(committed, manifest=committed.manifest.model_copy(update=update))
    built = built_release(committed.site(SITE), fake.PROFILE, "north", ImageCache(tmp_path), committed)
    assert built.need_usr_root_hash() == brought.root_hash == built.wanted.usr_root_hash


def test_a_manifest_that_is_not_here_undoes_nothing(fleet: FleetDir) -> None:
    path = ReleaseStore(fleet).targets / "stable" / RELEASE.name / "release.json"
    path.write_bytes(path.read_bytes().replace(b'"notes": ""', b'"notes": "other"'))
    with pytest.raises(ConfigError, match="has no such manifest"):
        CommittedSets.read(fleet).of("s1")


def test_provisioning_is_refused_without_the_journal(fleet: FleetDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCTL_STORE", "sqlite:////proc/none/store.db")
    with pytest.raises(StoreError):
        CommittedSets.read(fleet)
    assert Releases(fleet).seen_as(SITE) == SITE
