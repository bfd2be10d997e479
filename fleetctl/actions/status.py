"""`status`: what the fleet's sites say of themselves now, as rows for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from appliance.contract.health import Verdict, worst
from fleetctl.checks.result import EXIT_CODES
from fleetctl.checks.site_health import SiteHealth
from fleetctl.errors import StoreError
from fleetctl.remote.poll_outcome import WORDS, Outcome, Signature


class StatusReason(BaseModel):
    """One thing that is not ok. `check` is what `fleetctl health explain` takes; `alike` is the same for sites of which
    the same can be said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    verdict: Verdict
    said: str
    next_action: str = ""
    alike: str = ""


class SiteStatus(BaseModel):
    """One site as it describes itself. Without an answer the verdict is unknown or worse, never ok."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str
    verdict: Verdict
    outcome: Outcome = Outcome.ANSWERED
    why: str
    next_action: str = ""
    reasons: tuple[StatusReason, ...] = ()
    signature: Signature = Signature.NONE
    image: str = ""
    models: tuple[str, ...] = ()
    open_faults: int = 0
    asked_at: datetime | None = None
    taken_at: datetime | None = None
    next_ask_at: datetime | None = None


def status_of(health: SiteHealth) -> SiteStatus:
    """The row of one site."""
    seen, snapshot = health.observation, health.snapshot
    reasons = tuple(
        StatusReason(
            check=each.check,
            verdict=each.verdict,
            said=each.said,
            next_action=each.next_action,
            alike=each.said if seen.answered else WORDS[seen.outcome].said,
        )
        for each in health.reasons
    )
    return SiteStatus(
        site=health.site.name,
        verdict=health.verdict,
        outcome=seen.outcome,
        why=health.why or "every part calls itself ok",
        next_action=health.next_action,
        reasons=reasons,
        signature=seen.signature,
        image=(snapshot.image.version or "") if snapshot else "",
        models=_models(health),
        open_faults=sum(fault.state == "open" for fault in snapshot.faults) if snapshot else 0,
        asked_at=seen.at,
        taken_at=snapshot.taken_at if snapshot else None,
        next_ask_at=seen.next_ask_at,
    )


def _models(health: SiteHealth) -> tuple[str, ...]:
    if health.snapshot is None:
        return ()
    return tuple(f"{model.name} {(model.root_hash or 'unverified')[:12]}" for model in health.snapshot.models.loaded)


def exit_code(verdicts: Sequence[Verdict], store_problem: StoreError | None = None) -> int:
    """That of the worst verdict; a fleet without sites has nothing that could be healthy.

    A store that fails must not look like a sick fleet, nor a well one like an unkept record: it counts as 1, failed,
    where nothing else is worse.
    """
    code = EXIT_CODES[worst(list(verdicts))]
    return 1 if code == 0 and store_problem is not None else code
