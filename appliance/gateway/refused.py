"""What a request was refused for, put on record before the answer: from the error to the entry."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import DBAPIError
from starlette.requests import HTTPConnection

from appliance.contract.audit import Actor
from appliance.gateway.auth.principal import Principal
from appliance.gateway.auth.refusal import AccessError
from appliance.gateway.consent.refusal import ConsentError
from appliance.gateway.refusals import Refusal
from appliance.gateway.store import captures, documents
from appliance.gateway.store.database import Database
from appliance.gateway.trail import actor_of
from appliance.problems import ProblemError

log = logging.getLogger("appliance.gateway")

# What consent was refused for, by the last step of the route.
_CONSENT = {
    "recordings": "capture.refused", "live": "capture.refused", "transcripts": "capture.refused",
    "drafts": "drafting.refused", "deidentification": "drafting.refused", "signature": "signature.refused",
}  # fmt: skip
_FINDERS: dict[str, Callable[..., Any]] = {
    "document": documents.find, "transcript": captures.transcript, "record": captures.record,
}  # fmt: skip


def refusal_of(error: Exception, actor: Actor, route: str, names: Mapping[str, str]) -> Refusal | None:
    """Return what an error refuses to somebody who is known; None when it is no decision about them. Pure.

    `names`: the parts of the path. The encounter is the path's own, if it names one.
    """
    subject = next((names[one] for one in (*_FINDERS, "recording") if one in names), None)
    about = Refusal(actor, "access.refused", "unknown", encounter=names.get("encounter"), subject=subject)
    if isinstance(error, AccessError):
        # 503: nothing was decided.
        return replace(about, reason=error.code, action=error.action) if error.status < 500 else None
    if isinstance(error, ConsentError):
        event = _CONSENT.get(route.rpartition("/")[2], "consent.refused")
        # 409, 422: an event that cannot be recorded as it is.
        return replace(about, event=event, reason=error.code) if error.status == 403 else None
    if isinstance(error, ProblemError) and error.code == "unsupported-statements":
        numbers = {"statements": len(error.members["statements"])}
        return replace(about, event="signature.refused", reason=error.code, numbers=numbers)
    return None


def _found(database: Database, refusal: Refusal, names: Mapping[str, str]) -> Refusal:
    """Return the refusal with the encounter that its subject belongs to."""
    for name, find in _FINDERS.items():
        if name in names and refusal.encounter is None:
            with database.read() as connection:
                row = find(connection, names[name])
            if row is not None:
                return replace(refusal, encounter=row.encounter_id)
    return refusal


async def record(connection: HTTPConnection, error: Exception) -> ProblemError | None:
    """Put a refusal on record before it is answered. Returns the problem to answer with when that is not possible."""
    core = connection.app.state.core
    principal: Principal | None = getattr(connection.state, "principal", None)
    if principal is None:
        if isinstance(error, AccessError) and error.status < 500:
            connection.state.refused = f"{error.code} outsiders={core.refusals.outsider(error.code)}"
        return None
    route = getattr(connection.scope.get("route"), "path", "")
    refusal = refusal_of(error, actor_of(principal), route, connection.path_params)
    if refusal is None:
        return None
    connection.state.refused = refusal.reason
    try:
        names = connection.path_params
        await asyncio.to_thread(lambda: core.refusals.note(_found(core.database, refusal, names)))
    except ProblemError as problem:
        return problem
    except DBAPIError as failure:
        log.error("database: %s", type(getattr(failure, "orig", failure)).__name__)
        return ProblemError(503, "store-unavailable", "The store is busy or gone", "try again", retry_after_s=2)
    return None
