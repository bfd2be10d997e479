"""An update of the drafting model on a real box: sent, verified, switched, probed, and taken back by order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.contract.release_status import ReleaseStatus
from fleetctl.lab.demo import MODELS, NEWER, import_model, next_release
from tests.e2e.operator import SITE, Operator
from tests.fakes.speech_set import speech_set

POLICY = f"""\
apiVersion: fleetctl/v1
kind: RolloutPolicy
metadata: {{name: canary}}
spec:
  channel: stable
  waves: [{{name: canary, sites: [{SITE}], bake: 10s}}]
"""

CLINICAL = f"""\
apiVersion: fleetctl/v1
kind: RolloutPolicy
metadata: {{name: clinical}}
spec:
  channel: stable
  waves: [{{name: canary, sites: [{SITE}], bake: 10s}}]
  # What two small models draft of one sentence is not what is tested: that both were asked is.
  gates: {{clinical: {{evaluation_set: visits, unsupported_share: 1.0}}}}
"""
AUDIO = Path(__file__).parents[1] / "data/audio"


def status(operator: Operator) -> ReleaseStatus:
    return ReleaseStatus.model_validate_json(operator.ssh("appliancectl release status -o json").out.splitlines()[-1])


def kernels_word(operator: Operator, task: str) -> str:
    """The root hash under which the running service has its weights, from the health snapshot."""
    snapshot = operator.run("health", "check", SITE, "-o", "json", expect=None).data
    text = json.dumps(snapshot)
    assert task in text
    found = operator.ssh(f"readlink -f /var/lib/appliance/models/{task}.raw").out.strip()
    return Path(found).stem


@pytest.fixture(scope="module")
def release(sealed_site: Operator, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A signed release with a drafting model that does not run here now."""
    name = next_release(sealed_site.fleet)
    if status(sealed_site).active is not None and NEWER in sealed_site.ssh("cat /var/lib/fleetctl/seal.json").out:
        model = MODELS["drafting"]
    else:
        model, folder = NEWER, tmp_path_factory.mktemp("newer") / "model"
        sealed_site.run("lab", "newer-model", str(folder))
        sealed_site.run(*import_model(folder))
    sealed_site.run("release", "build", name, "--drafting", model)
    sealed_site.run("release", "sign", name, "--channel", "stable")
    policy = sealed_site.fleet / "policies" / "rollouts" / "canary.yaml"
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text(POLICY)
    return name


@pytest.fixture(scope="module")
def updated(sealed_site: Operator, release: str, tmp_path_factory: pytest.TempPathFactory) -> Operator:
    plan = tmp_path_factory.mktemp("plan") / "plan.json"
    sealed_site.run("rollout", "plan", "--release", release, "--policy", "canary", "-O", str(plan))
    sealed_site.run("rollout", "start", str(plan), "--every", "2")
    return sealed_site


def test_the_box_runs_what_was_released_and_says_so(updated: Operator, release: str) -> None:
    found = status(updated)
    assert found.active is not None
    assert (found.active.release, found.phase) == (release, "idle")
    assert found.previous is not None
    assert found.previous.models["drafting"] != found.active.models["drafting"]
    assert found.previous.models["transcription"] == found.active.models["transcription"]
    shown = updated.run("release", "show", release, "-o", "json").data
    assert found.active.models["drafting"] in json.dumps(shown)
    assert kernels_word(updated, "drafting") == found.active.models["drafting"]


def test_nothing_calls_the_update_a_drift_and_provisioning_does_not_undo_it(updated: Operator, release: str) -> None:
    updated.until("site", "verify", SITE)
    updated.until("status")
    updated.run("site", "provision", SITE, "--yes")
    found = status(updated)
    assert found.active is not None
    assert found.active.release == release


def test_an_explanation_tells_the_story(updated: Operator, release: str) -> None:
    assert release in updated.run("rollout", "explain", SITE).out
    history = updated.run("rollout", "history", "-o", "json").out
    assert "activate" in history


@pytest.mark.soak
def test_the_clinical_gate_measures_both_sets_by_units_of_their_own(updated: Operator, tmp_path: Path) -> None:
    """Back to the other drafting model, by a policy that has both measured on the box before the switch."""
    before = status(updated).active
    assert before is not None
    seal = updated.ssh("cat /var/lib/fleetctl/seal.json").out
    name, model = next_release(updated.fleet), MODELS["drafting"] if NEWER in seal else NEWER
    updated.run("release", "build", name, "--drafting", model)
    updated.run("release", "sign", name, "--channel", "stable")
    (updated.fleet / "policies" / "rollouts" / "clinical.yaml").write_text(CLINICAL)
    evaluation = updated.state / "evaluation" / "visits.tar"
    evaluation.parent.mkdir(parents=True, exist_ok=True)
    evaluation.write_bytes(speech_set(AUDIO))
    plan = tmp_path / "plan.json"
    updated.run("rollout", "plan", "--release", name, "--policy", "clinical", "-O", str(plan))
    updated.run("rollout", "start", str(plan), "--every", "2")
    after = status(updated).active
    assert after is not None
    assert after.release == name
    told = updated.run("rollout", "history", "--site", SITE, "-o", "json").data
    gates = [gate for each in told for gate in each["facts"].get("gates") or () if gate["gate"] == "clinical"]
    assert {gate["verdict"] for gate in gates} == {"passed"}
    # The root hashes are the kernel's word of what the evaluation's own units had mounted.
    assert gates[0]["result"]["incumbent"] == before.models
    assert gates[0]["result"]["candidate"] == after.models
    said = updated.ssh("journalctl --boot --output cat --unit appliance-evaluate-drafting.service").out
    assert said.count("ready:") == 2
    for task in ("transcription", "drafting"):
        state = updated.ssh(f"systemctl show --property ActiveState --value appliance-evaluate-{task}.service").out
        assert state.strip() == "inactive"
