"""Who calls: the dependencies of every route."""

from typing import Annotated

from fastapi import Depends, Header, Request
from starlette.requests import HTTPConnection

from appliance.gateway.auth.client_certificate import ehr_principal
from appliance.gateway.auth.principal import Principal
from appliance.gateway.auth.verifier import bearer_token
from appliance.gateway.core import Core
from appliance.problems import ProblemError


def core_of(connection: HTTPConnection) -> Core:
    """Return the gateway's parts."""
    core: Core = connection.app.state.core
    return core


def principal_of(connection: HTTPConnection) -> Principal:
    """Return the caller: by bearer token, else by client certificate; who is refused later is known by it.

    Raises AccessError 401.
    """
    core = core_of(connection)
    authorization = connection.headers.get("authorization")
    if authorization is None:
        system = ehr_principal(connection.headers, core.settings.all_access)
        if system is not None:
            connection.state.principal = system
            return system
    found = core.tokens.verify(bearer_token(authorization))
    connection.state.principal = found
    return found


def if_match(value: Annotated[str | None, Header(alias="If-Match", max_length=40)] = None) -> int:
    """Return the version that the caller saw. Raises ProblemError 428 without it, 400 if it is none."""
    if value is None:
        raise ProblemError(
            428, "if-match-missing", "Name the version that you saw",
            "send If-Match with the document's version, so that nobody's work is overwritten",
        )  # fmt: skip
    plain = value.strip().removeprefix('"').removesuffix('"')
    if not plain.isascii() or not plain.isdigit() or len(plain) > 9:
        raise ProblemError(400, "if-match", "If-Match is not a version", 'wanted is a number, for instance "3"')
    return int(plain)


# Not in a thread: the framework would take one for each, and that costs more than looking at a token.
async def _core(request: Request) -> Core:
    return core_of(request)


async def _principal(request: Request) -> Principal:
    return principal_of(request)


TheCore = Annotated[Core, Depends(_core)]
Caller = Annotated[Principal, Depends(_principal)]
SeenVersion = Annotated[int, Depends(if_match)]
