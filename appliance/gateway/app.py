"""The HTTP application: routes, and how every failure becomes a problem document."""

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from appliance import problems
from appliance.gateway import refused
from appliance.gateway.api import Problem
from appliance.gateway.auth.refusal import AccessError
from appliance.gateway.consent.refusal import ConsentError
from appliance.gateway.core import Core
from appliance.gateway.outer import App, Outer
from appliance.gateway.routes import (
    audit,
    code_additions,
    code_beginning,
    code_export,
    code_history,
    code_search,
    codes,
    consent,
    deid,
    documents,
    drafts,
    encounters,
    health,
    live,
    practice,
    recordings,
    records,
    review,
    transcripts,
    visit_level,
)
from appliance.gateway.vault import IntegrityError
from appliance.problems import ProblemError
from appliance.version import appliance_version

log = logging.getLogger("appliance.gateway")

DESCRIPTION = """\
From a recorded visit to a signed note, inside the practice.

Every refusal is a problem document (RFC 9457, `application/problem+json`) without patient data. Every answer that holds
clinical content leaves after its entry in the audit log is on the disk. Callers bring a bearer token of the practice's
identity provider, or, as a system, a client certificate.
"""
# As many requests may wait for the database or the audit log's fsync at once.
_THREADS = 96
# In this order a path is looked for: what somebody waits for comes first.
_ROUTERS = (
    drafts, health, encounters, consent, recordings, live, transcripts, records, documents, review,
    code_beginning, codes, code_additions, code_history, code_export, code_search, visit_level, practice, audit, deid,
)  # fmt: skip


def problem_response(request: Request, problem: ProblemError) -> Response:
    """Return a problem document with this request's id."""
    return problems.response(problem, request.state.request_id)


async def _on_problem(request: Request, error: Any) -> Response:
    return problem_response(request, await refused.record(request, error) or error)


async def _on_access(request: Request, error: Any) -> Response:
    if (problem := await refused.record(request, error)) is not None:
        return problem_response(request, problem)
    words = "Not signed in" if error.status == 401 else "Not allowed"
    response = problem_response(request, ProblemError(error.status, error.code, words, error.detail, hint=error.hint))
    if error.status == 401:
        response.headers["www-authenticate"] = "Bearer"
    return response


async def _on_consent(request: Request, error: Any) -> Response:
    if (problem := await refused.record(request, error)) is not None:
        return problem_response(request, problem)
    title = "Not without consent" if error.status == 403 else "The consent event cannot be recorded"
    return problem_response(request, ProblemError(error.status, error.code, title, error.detail, hint=error.hint))


async def _on_any(request: Request, _: Any) -> Response:
    # Sent here, because the framework would answer in its own words; it is raised on, and logged by its class.
    return problem_response(
        request, ProblemError(500, "internal", "Internal error", "the request failed; its id is in the log")
    )


def _names(app: FastAPI) -> frozenset[str]:
    """Return every name that the API itself gives to a part of a request."""
    found: frozenset[str] | None = getattr(app.state, "names", None)
    if found is None:
        schemas = app.openapi()["components"]["schemas"].values()
        names = {"body", "path", "query", "header", "[key]"}
        names.update(name for schema in schemas for name in schema.get("properties", {}))
        for path in app.openapi()["paths"].values():
            for operation in path.values():
                names.update(one["name"] for one in operation.get("parameters", ()))
        found = app.state.names = frozenset(names)
    return found


async def _on_invalid(request: Request, error: Any) -> Response:
    first = error.errors()[0]
    # Never the input: it may be what a patient said. A key that the client made up is input as well.
    known = _names(request.app)
    where = ".".join(str(step) if isinstance(step, int) or step in known else "?" for step in first["loc"])
    detail = f"{where[:200]}: {first['type']}"
    return problem_response(
        request, ProblemError(422, "invalid-request", "The request is not valid", detail, parameter=where[:200])
    )


async def _on_http(request: Request, error: Any) -> Response:
    words = {
        400: ("body", "The body cannot be read"),
        404: ("not-found", "No such route"), 405: ("method", "Method not allowed"), 413: ("too-large", "Too large"),
    }  # fmt: skip
    code, title = words.get(error.status_code, (f"http-{error.status_code}", "The request cannot be served"))
    # The bound's words are ours; those of the framework are not shown.
    told = {413: error.detail, 400: "send JSON in UTF-8; this is not, or is nested too deep"}
    detail = told.get(error.status_code, "see docs/reference/openapi.json")
    response = problem_response(request, ProblemError(error.status_code, code, title, detail))
    response.headers.update(error.headers or {})
    return response


async def _on_integrity(request: Request, error: Any) -> Response:
    log.error("integrity: %s", error)
    return problem_response(
        request, ProblemError(500, "integrity", "Stored data is not what was stored", f"{error}. {error.hint}")
    )


async def _on_database(request: Request, error: Any) -> Response:
    cause = getattr(error, "orig", None)
    # SQLite says it in words; PostgreSQL by SQLSTATE 53100, disk_full.
    full = getattr(cause, "sqlstate", None) == "53100" or "full" in str(cause).lower()
    problem = (
        ProblemError(507, "disk-full", "The disk is full", "nothing was stored; tell the on-call engineer")
        if full
        else ProblemError(503, "store-unavailable", "The store is busy or gone", "try again", retry_after_s=2)
    )
    log.error("database: %s", type(getattr(error, "orig", error)).__name__)
    return problem_response(request, problem)


def make_app(core: Core) -> FastAPI:
    """Return the application without its outermost layer."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
        # asyncio's own would have six threads on two cores, and drafts would queue behind the disk.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, "work"))
        core.start()
        try:
            yield
        finally:
            await core.stop()

    app = FastAPI(
        title="Clinical appliance",
        version=appliance_version(),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        # The framework can report to an OpenTelemetry collector when an environment asks for it. Nothing is reported.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        responses={"default": {"model": Problem, "description": "A refusal (RFC 9457)."}},
    )
    app.state.core = core
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(AccessError, _on_access)
    app.add_exception_handler(ConsentError, _on_consent)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(IntegrityError, _on_integrity)
    app.add_exception_handler(OperationalError, _on_database)
    app.add_exception_handler(DBAPIError, _on_database)
    app.add_exception_handler(PoolTimeoutError, _on_database)
    app.add_exception_handler(Exception, _on_any)
    for module in _ROUTERS:
        app.include_router(module.router)
    made = app.openapi
    app.openapi = lambda: _described(made())  # type: ignore[method-assign]
    return app


def _described(document: dict[str, Any]) -> dict[str, Any]:
    """Say of refusals what is true here: one media type for all of them, and none of the framework's own."""
    for operations in document["paths"].values():
        for operation in operations.values():
            responses = operation["responses"]
            responses.pop("422", None)
            reference = {"schema": {"$ref": "#/components/schemas/Problem"}}
            responses["default"]["content"] = {"application/problem+json": reference}
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    return document


def served(core: Core) -> App:
    """Return what uvicorn serves."""
    return Outer(make_app(core), core.settings.max_json_bytes)
