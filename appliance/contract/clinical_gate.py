"""The clinical gate's policy, and how its signed result is held against what it must be of.

A result counts for one site, one release, one evaluation set and one policy, all by digest, and not for ever.
"""

import hashlib
import json
import math
from datetime import datetime
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import Field, ValidationError

from appliance.contract.envelope import open_envelope
from appliance.contract.model import ContractModel
from appliance.contract.release import ComponentName
from appliance.contract.release_status import CLINICAL_RESULT, ClinicalResult
from appliance.contract.seal import ModelTask

MAX_POLICY_BYTES = 64 * 1024
_SHORTEST_S, _LONGEST_S = 3600, 366 * 86_400
Limit = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]

MEASURES: dict[ModelTask, tuple[str, ...]] = {
    "transcription": (
        "word_error_rate", "number_error_rate", "drug_error_rate", "negation_error_rate", "words_on_silence",
    ),
    "drafting": ("unsupported_share",),
}  # fmt: skip
"""What is measured of each task that a site has. Each is compared; one that cannot be is a gate that cannot run."""


class ClinicalPolicy(ContractModel):
    """How much worse than the running set the staged one may be, measure by measure."""

    evaluation_set: ComponentName
    word_error_rate: Limit
    number_error_rate: Limit
    drug_error_rate: Limit
    negation_error_rate: Limit
    words_on_silence: Limit
    unsupported_share: Limit
    valid_for_s: Annotated[int, Field(ge=_SHORTEST_S, le=_LONGEST_S)]

    def limit(self, measure: str) -> float:
        """The limit of a measure, by its name."""
        return float(getattr(self, measure))

    def content(self) -> bytes:
        """Return the bytes that are digested: JSON with sorted keys, in ASCII."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of `content`."""
        return hashlib.sha256(self.content()).hexdigest()


class NotThisResultError(ValueError):
    """It is signed, and it is of something else, too old, or contradicts itself."""


def open_result(
    envelope: bytes, key: Ed25519PublicKey, *, site: str, digest: str, set_sha256: str, policy: ClinicalPolicy,
    now: datetime,
) -> ClinicalResult:  # fmt: skip
    """Return the result that the site's box signed for this release, set and policy, passed or not.

    `digest` is of the manifest, `set_sha256` of the evaluation set's file. Raises SignatureError, NotThisResultError.
    """
    payload = open_envelope(envelope, key, CLINICAL_RESULT)
    try:
        found = ClinicalResult.model_validate_json(payload)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(each) for each in first["loc"])
        raise NotThisResultError(f"not understood: {where}: {first['msg']}"[:300]) from None
    wanted = {"site": site, "digest": digest, "set_sha256": set_sha256, "policy_sha256": policy.digest}
    for name, value in wanted.items():
        if getattr(found, name) != value:
            raise NotThisResultError(f"{name}: it is of {getattr(found, name)}, wanted is {value}")
    if found.at > now:
        raise NotThisResultError(f"it is of {found.at.isoformat()}, which is yet to come")
    if found.expires_at <= now:
        raise NotThisResultError(f"it expired at {found.expires_at.isoformat()}; evaluate again")
    if (found.expires_at - found.at).total_seconds() > policy.valid_for_s:
        raise NotThisResultError(f"it says to be valid for longer than the policy's {policy.valid_for_s} s")
    _require_whole(found, policy)
    return found


def _require_whole(found: ClinicalResult, policy: ClinicalPolicy) -> None:
    tasks = set(found.candidate)
    if not tasks or tasks != set(found.incumbent):
        raise NotThisResultError("candidate and running set are of different tasks")
    wanted = sorted(measure for task in tasks for measure in MEASURES[task])
    if sorted(each.measure for each in found.comparisons) != wanted:
        raise NotThisResultError(f"the measures are not the ones wanted: {', '.join(wanted)}")
    for each in found.comparisons:
        if not all(map(math.isfinite, (each.incumbent, each.candidate, each.allowed))):
            raise NotThisResultError(f"{each.measure}: not a number")
        if not math.isclose(each.allowed, each.incumbent + policy.limit(each.measure), abs_tol=1e-9):
            raise NotThisResultError(f"{each.measure}: the limit is not the policy's")
        if each.passed is not is_within(each.candidate, each.allowed):
            raise NotThisResultError(f"{each.measure}: the verdict is not that of its numbers")
    if found.passed is not all(each.passed for each in found.comparisons):
        raise NotThisResultError("the verdict is not that of its measures")


def is_within(candidate: float, allowed: float) -> bool:
    """Whether a measure passes. Sums of shares are not exact, so the ninth decimal does not decide."""
    return candidate <= allowed + 1e-9
