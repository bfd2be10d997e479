"""The record of an isolation proof, and of the baseline that it is compared with."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from appliance.contract.egress import EgressReport, ProbeTarget


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RowVerdict(StrEnum):
    """What one attempt shows."""

    BLOCKED = "blocked"
    LEAKED = "leaked"
    UNKNOWN = "unknown"
    ALLOWED = "allowed"  # a control that arrived where it should


class Row(_Record):
    """One line of the proof: who tried what, what happened, and why that is worth something."""

    origin: str
    variant: str
    target_id: str
    target: str
    verdict: RowVerdict
    layer: str
    control: str
    reason: str


class Verdict(StrEnum):
    """`proven` needs every attempt blocked, every control alive and all evidence there; anything less is not proven."""

    PROVEN = "proven"
    LEAKING = "leaking"
    UNPROVEN = "unproven"


# DESIGN's codes: 5 unknown, 9 verification failed.
EXIT_CODES = {Verdict.PROVEN: 0, Verdict.LEAKING: 9, Verdict.UNPROVEN: 5}


class Baseline(_Record):
    """What was reachable from the box before its network was closed: the canaries were alive and the path was there."""

    schema_version: Literal["egress-baseline/v1"] = "egress-baseline/v1"
    site: str
    canary: Annotated[str, Field(description="Identity of the canary process' installation.")]
    taken_at: datetime
    reached: Annotated[
        tuple[str, ...], Field(description="Destinations that answered or were heard, see `destination`.")
    ]
    ruleset_digest: str | None


class EgressProof(_Record):
    """One proof, complete enough to be judged again offline."""

    schema_version: Literal["egress-proof/v1"] = "egress-proof/v1"
    site: str
    verdict: Verdict
    reasons: tuple[str, ...]
    started_at: datetime
    finished_at: datetime
    ruleset_digest: str | None
    sealed_ruleset_digest: str | None
    recorded_ruleset_digest: Annotated[
        str | None, Field(description="Kept by this machine when it made the rules; none when another one did.")
    ] = None
    egress_denied_packets: Annotated[int | None, Field(description="How much the counter rose during the proof.")]
    canary: str
    heard: Annotated[dict[str, tuple[str, ...]], Field(description="Target or control id → listeners that heard it.")]
    alive: Annotated[dict[str, bool], Field(description="Target id → the operator's side reached the listener itself.")]
    baseline_taken_at: datetime | None
    rows: tuple[Row, ...]
    report: EgressReport


def destination(target: ProbeTarget) -> str:
    """A destination in words that are equal exactly when the destination is, e.g. `tcp 10.0.2.2:7000`."""
    if target.port is None:
        return f"{target.protocol} {target.address}"
    host = f"[{target.address}]" if target.family == 6 else target.address
    return f"{target.protocol} {host}:{target.port}"
