"""The gate `clinical`: a box's signed result of the evaluation set. What it says is recomputed, not believed.

The result has to be signed by the health key that is pinned for this site, be of this release, these sets, this
evaluation set and this policy, be young, and hold every measure of the policy within its limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.contract.clinical_gate import NotThisResultError, is_within, open_result
from appliance.contract.envelope import SignatureError, open_envelope
from appliance.contract.release import ReleaseManifest
from appliance.contract.release_status import CLINICAL_RESULT, ClinicalResult
from fleetctl.models.rollout import ClinicalSpec
from fleetctl.rollout.clinical_policy import policy_of
from fleetctl.rollout.gates import GateResult, GateVerdict

# A box's clock may be so much ahead of ours.
_AHEAD = timedelta(minutes=10)


@dataclass(frozen=True)
class Bound:
    """What a result has to be bound to."""

    site: str
    release: ReleaseManifest
    incumbent: Mapping[str, str]
    clinical: ClinicalSpec
    evaluation_set: bytes


def judged(envelope: bytes, key: Ed25519PublicKey | None, bound: Bound, now: datetime) -> tuple[GateResult, str]:
    """The gate's word, and SHA-256 of the signed result: what a clinician countersigns."""
    if key is None:
        said = f"no health key is pinned for {bound.site}: fleetctl site provision pins it"
        return GateResult("clinical", GateVerdict.COULD_NOT_RUN, said), ""
    policy = policy_of(bound.clinical)
    try:
        result = open_result(
            envelope, key, site=bound.site, digest=bound.release.digest, policy=policy, now=now + _AHEAD,
            set_sha256=sha256(bound.evaluation_set).hexdigest(),
        )  # fmt: skip
        digest = sha256(open_envelope(envelope, key, CLINICAL_RESULT)).hexdigest()
    except (SignatureError, NotThisResultError) as problem:
        said = f"the result does not count: {problem}"[:400]
        return GateResult("clinical", GateVerdict.COULD_NOT_RUN, said), ""
    facts = {"result": result.model_dump(mode="json"), "result_sha256": digest, "envelope": envelope.decode()}
    if wrong := _of_other_sets(result, bound):
        return GateResult("clinical", GateVerdict.COULD_NOT_RUN, wrong, facts), digest
    worse = [
        f"{each.measure} {each.candidate:.4g}, allowed {each.incumbent + policy.limit(each.measure):.4g} "
        f"(running {each.incumbent:.4g})"
        for each in result.comparisons
        if not is_within(each.candidate, each.incumbent + policy.limit(each.measure))
    ]
    if worse:
        return GateResult("clinical", GateVerdict.FAILED, "; ".join(worse)[:500], facts), digest
    said = f"{len(result.comparisons)} measures over {result.encounters} encounters are within the policy"
    return GateResult("clinical", GateVerdict.PASSED, said, facts), digest


def _of_other_sets(result: ClinicalResult, bound: Bound) -> str:
    candidate = {model.task: model.root_hash for model in bound.release.models}
    for what, seen, wanted in (
        ("release", result.release, bound.release.name),
        ("running models", dict(result.incumbent), dict(bound.incumbent)),
        ("staged models", dict(result.candidate), candidate),
    ):
        if seen != wanted:
            return f"the result is of other {what}: {str(seen)[:120]}, wanted {str(wanted)[:120]}"
    return ""
