"""Another operating system by a release, on a real box: slot b, the seal over the start of the machine, committed."""

from __future__ import annotations

import json

import pytest

from appliance.contract.release import ReleaseManifest
from fleetctl.lab.demo import next_release
from tests.e2e.operator import SITE, Operator
from tests.e2e.test_4_update import POLICY, status

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def brought(sealed_site: Operator, tmp_path_factory: pytest.TempPathFactory) -> tuple[Operator, ReleaseManifest]:
    """The site after a rollout of a release with an OS image of another edition and the models that it has."""
    before = status(sealed_site)
    edition = "2" if "+2" not in sealed_site.ssh("cat /usr/lib/os-release").out else "3"
    sealed_site.run("image", "build", "--edition", edition)
    name = next_release(sealed_site.fleet)
    base = ("--from", before.active.release) if before.active and before.active.release else ()
    sealed_site.run("release", "build", name, *base, "--with-os")
    sealed_site.run("release", "sign", name, "--channel", "stable")
    policy = sealed_site.fleet / "policies" / "rollouts" / "canary.yaml"
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text(POLICY)
    plan = tmp_path_factory.mktemp("plan") / "plan.json"
    shown = sealed_site.run("rollout", "plan", "--release", name, "--policy", "canary", "-O", str(plan), "-o", "json")
    assert json.loads(shown.out)["plan"]["sites"][0]["restarts"] is True
    sealed_site.run("rollout", "start", str(plan), "--every", "5")
    path = sealed_site.fleet / "releases" / "targets" / "stable" / name / "release.json"
    return sealed_site, ReleaseManifest.model_validate_json(path.read_bytes())


def test_the_box_runs_it_sealed_and_with_its_volumes_open(brought: tuple[Operator, ReleaseManifest]) -> None:
    operator, release = brought
    assert release.system is not None
    found = status(operator)
    assert (found.phase, found.usr_root_hash) == ("idle", release.system.root_hash)
    assert found.active is not None
    assert found.active.digest == release.digest
    assert found.previous is not None
    assert found.previous.complete
    assert f"usrhash={release.system.root_hash}" in operator.ssh("cat /proc/cmdline").out
    assert release.system.version in operator.ssh("cat /usr/lib/os-release").out
    operator.ssh("appliancectl seal check")


def test_nothing_calls_it_a_drift_and_provisioning_does_not_undo_it(brought: tuple[Operator, ReleaseManifest]) -> None:
    operator, release = brought
    operator.until("site", "verify", SITE)
    operator.until("status")
    operator.run("site", "provision", SITE, "--yes")
    assert release.system is not None
    assert status(operator).usr_root_hash == release.system.root_hash


def test_it_came_as_a_delta_against_the_running_slot(brought: tuple[Operator, ReleaseManifest]) -> None:
    operator, release = brought
    assert release.system is not None
    told = operator.run("rollout", "history", "--site", SITE, "-o", "json").data
    sent = [image for each in told for image in each["facts"].get("images", []) if image["task"] == "system"]
    assert sent, "the history does not say that an operating system was sent"
    assert not [each["text"] for each in told if "without a delta" in each["text"]]
    # Of the same packages 21 of 721 MiB cross (bench/transfer.py), of newer ones some 130: a quarter is no whole file.
    assert sum(image["wire_bytes"] for image in sent) < release.system.size_bytes / 4
    # The copy of the slot is gone.
    assert operator.ssh("find /var/lib/appliance/releases/incoming -type f -size +1M").out.strip() == ""


def test_its_history_tells_that_the_machine_started_anew(brought: tuple[Operator, ReleaseManifest]) -> None:
    operator, release = brought
    assert release.name in operator.run("rollout", "explain", SITE).out
    assert "activate" in operator.run("rollout", "history", "-o", "json").out
