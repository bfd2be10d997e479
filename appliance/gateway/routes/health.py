"""How the gateway is, and who it takes the caller for."""

import asyncio
import hashlib
import time

from fastapi import APIRouter

from appliance.contract.gateway_health import AuditHealth, DatabaseHealth, EnginesHealth, GatewayHealth
from appliance.gateway.api import Me
from appliance.gateway.core import Core
from appliance.gateway.routes.caller import Caller, TheCore
from appliance.gateway.store import captures
from appliance.gateway.trail import Act, actor_of

# RFC 6962, 2.1: the root of no entries is the hash of nothing.
EMPTY_ROOT = hashlib.sha256().hexdigest()

router = APIRouter(tags=["health"])


@router.get("/health", summary="What the gateway needs, as it is now")
async def health(core: TheCore) -> GatewayHealth:
    """Open to whoever reaches the socket: the health agent, and the listener's clients. It holds no patient data."""
    transcription = await core.speech.is_there()
    drafting = await core.drafts.is_there() if core.settings.drafting else None
    database = await asyncio.to_thread(core.database.ok)
    waiting = failed = 0
    if database:
        waiting, failed = await asyncio.to_thread(_transcripts, core)
    writable = core.log.available
    draining, in_flight = core.drain.state()
    if draining:
        core.drafts.forget_engine()
    head = await asyncio.to_thread(core.published)
    fine = writable and database and transcription and drafting is not False
    return GatewayHealth(
        status="ok" if fine else "degraded",
        audit=AuditHealth(
            size=head[0].size if head else 0, root_hash=head[0].root.hex() if head else EMPTY_ROOT, writable=writable,
            checkpoint_age_s=max(0.0, time.time() - head[1]) if head else None,
        ),
        database=DatabaseHealth(ok=database),
        engines=EnginesHealth(transcription=transcription, drafting=drafting),
        open_transcripts=waiting,
        failed_transcripts=failed,
        draining=draining,
        in_flight=in_flight,
    )  # fmt: skip


def _transcripts(core: Core) -> tuple[int, int]:
    """Return how many transcripts wait, and how many failed."""
    with core.database.read() as connection:
        waiting = captures.count_transcripts(connection, ("queued", "running"))
        return waiting, captures.count_transcripts(connection, ("failed",))


@router.post("/v1/me/log-off", status_code=204, summary="End the caller's session")
def log_off(caller: Caller, core: TheCore) -> None:
    """Its tokens stop to count at once, whatever their lifetime. A client certificate has no session to end."""
    if caller.session_id:
        core.trail.append(actor_of(caller), Act("session.ended", reason="log-off"))
        core.tokens.log_off(caller)


@router.get("/v1/me", summary="Who the caller is")
def me(caller: Caller) -> Me:
    """Return the caller's subject and roles."""
    return Me(
        subject=caller.subject, roles=tuple(sorted(caller.roles)), issuer=caller.issuer, expires_at=caller.expires_at
    )
