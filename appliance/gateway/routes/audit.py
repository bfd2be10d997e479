"""The audit log, read: checkpoints to pin, entries and proofs for an auditor. There is no route that writes to it."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict

from appliance.gateway.auth.actions import Action
from appliance.gateway.auth.policy import may
from appliance.gateway.opening import not_found
from appliance.gateway.routes.caller import Caller, TheCore
from appliance.problems import ProblemError

router = APIRouter(prefix="/v1/audit", tags=["audit"])


class LogPage(BaseModel):
    """Entries as they lie in the log; `index` is that of the first."""

    model_config = ConfigDict(frozen=True)
    size: int
    index: int
    entries: tuple[dict[str, Any], ...]


@router.get("/checkpoint", summary="The newest signed head of the log", response_class=PlainTextResponse)
def checkpoint(core: TheCore) -> PlainTextResponse:
    """For whoever pins or witnesses it; it holds no patient data, so it needs no token.

    The one that lies on the disk, at most some seconds old: a caller without a token must not make the disk work.
    """
    head = core.published()
    if head is None:
        raise ProblemError(404, "no-checkpoint", "No checkpoint yet", "the log is new; ask again in some seconds")
    return PlainTextResponse(head[0].note)


@router.get("/key", summary="The log's public key", response_class=PlainTextResponse)
def key(core: TheCore) -> PlainTextResponse:
    """To verify checkpoints with. Compare it with the one that was pinned when the site was provisioned."""
    return PlainTextResponse(f"{core.log.verifier_key}\n")


@router.get("/entries", summary="Read entries")
def entries(
    caller: Caller,
    core: TheCore,
    start: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> LogPage:
    """For an auditor. Reading the log is no entry of the log: it would never end."""
    may(caller, Action.READ_AUDIT, None, now=datetime.now(UTC)).require()
    size = core.log.size
    end = min(size, start + limit)
    found = tuple(json.loads(one.data) for one in core.log.entries(start, end)) if start < end else ()
    return LogPage(size=size, index=start, entries=found)


@router.get("/proofs/{index}", summary="Prove an entry", response_class=PlainTextResponse)
def proof(index: Annotated[int, Path(ge=0, le=2**53)], caller: Caller, core: TheCore) -> PlainTextResponse:
    """A file that `fleetctl audit verify` checks offline."""
    may(caller, Action.READ_AUDIT, None, now=datetime.now(UTC)).require()
    if index >= core.log.size:
        raise not_found("entry")
    return PlainTextResponse(core.proof(index))
