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
from pydantic import ValidationError

from appliance.contract.envelope import SignatureError, open_envelope
from appliance.contract.release import ReleaseManifest
from appliance.contract.release_status import CLINICAL_RESULT, ClinicalResult
from fleetctl.models.alerts import seconds
from fleetctl.models.rollout import ClinicalSpec
from fleetctl.rollout.gates import GateResult, GateVerdict

MEASURES = (
    "word_error_rate", "number_error_rate", "drug_error_rate", "negation_error_rate", "words_on_silence",
    "unsupported_share",
)  # fmt: skip
# A box's clock may be so much ahead of ours.
_AHEAD = timedelta(minutes=10)
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Bound:
    """What a result has to be bound to."""

    site: str
    release: ReleaseManifest
    incumbent: Mapping[str, str]
    clinical: ClinicalSpec
    evaluation_set: bytes

    @property
    def policy_sha256(self) -> str:
        """Of the policy's clinical part, as it is sent to the box."""
        return sha256(self.clinical.model_dump_json().encode()).hexdigest()


def judged(envelope: bytes, key: Ed25519PublicKey | None, bound: Bound, now: datetime) -> tuple[GateResult, str]:
    """The gate's word, and SHA-256 of the signed result: what a clinician countersigns."""
    if key is None:
        said = f"no health key is pinned for {bound.site}: fleetctl site provision pins it"
        return GateResult("clinical", GateVerdict.COULD_NOT_RUN, said), ""
    try:
        payload = open_envelope(envelope, key, CLINICAL_RESULT)
        result = ClinicalResult.model_validate_json(payload)
    except (SignatureError, ValidationError) as problem:
        said = str(problem).splitlines()[0][:300]
        return GateResult("clinical", GateVerdict.COULD_NOT_RUN, f"the result does not verify: {said}"), ""
    digest = sha256(payload).hexdigest()
    facts = {"result": result.model_dump(mode="json"), "result_sha256": digest, "envelope": envelope.decode()}
    if wrong := _of_something_else(result, bound, now):
        return GateResult("clinical", GateVerdict.COULD_NOT_RUN, wrong, facts), digest
    worse = _worse(result, bound.clinical)
    if worse:
        return GateResult("clinical", GateVerdict.FAILED, "; ".join(worse)[:500], facts), digest
    said = f"{len(MEASURES)} measures over {result.encounters} encounters are within the policy"
    return GateResult("clinical", GateVerdict.PASSED, said, facts), digest


def _of_something_else(result: ClinicalResult, bound: Bound, now: datetime) -> str:
    candidate = {model.task: model.root_hash for model in bound.release.models}
    for what, seen, wanted in (
        ("site", result.site, bound.site),
        ("release", (result.release, result.digest), (bound.release.name, bound.release.digest)),
        ("running models", dict(result.incumbent), dict(bound.incumbent)),
        ("staged models", dict(result.candidate), candidate),
        ("evaluation set", result.set_sha256, sha256(bound.evaluation_set).hexdigest()),
        ("policy", result.policy_sha256, bound.policy_sha256),
    ):
        if seen != wanted:
            return f"the result is of another {what}: {_short(seen)}, wanted {_short(wanted)}"
    if result.at.tzinfo is None or result.expires_at.tzinfo is None:
        return "the result's times have no zone"
    if result.at > now + _AHEAD:
        return f"the result is of {result.at.isoformat()}, which is yet to come"
    if result.expires_at <= now:
        return f"the result has expired at {result.expires_at.isoformat()}"
    if result.expires_at - result.at > timedelta(seconds=seconds(bound.clinical.valid_for)):
        return f"the result is good for longer than the policy's {bound.clinical.valid_for}"
    return ""


def _worse(result: ClinicalResult, clinical: ClinicalSpec) -> list[str]:
    """Measures that are missing, or worse than the running set by more than the policy allows."""
    found, bad = {each.measure: each for each in result.comparisons}, []
    if len(found) != len(result.comparisons):
        return ["a measure stands there twice"]
    for measure in MEASURES:
        each = found.get(measure)
        if each is None:
            bad.append(f"{measure} was not measured")
            continue
        allowed = each.incumbent + getattr(clinical, measure)
        # Written so that a NaN passes nothing.
        if not each.candidate <= allowed + _ROUNDING:
            bad.append(f"{measure} {each.candidate:.4g}, allowed {allowed:.4g} (running {each.incumbent:.4g})")
    bad += [f"{name} did not pass at the box" for name, each in found.items()
            if name not in MEASURES and not each.passed]  # fmt: skip
    return bad


def _short(value: object) -> str:
    return str(value)[:80]
