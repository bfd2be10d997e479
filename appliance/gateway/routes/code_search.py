"""Codes found by words, of the tables in use on the box: what a coder looks up, by the engine of `codes lookup`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from appliance.coding.suggestion import CodeSystem
from appliance.coding.tables.search import MOST_WORDS
from appliance.gateway.api import Answer, Given
from appliance.gateway.auth.actions import Action
from appliance.gateway.auth.policy import may
from appliance.gateway.routes.caller import Caller, TheCore
from appliance.gateway.routes.own_json import OwnJsonResponse

router = APIRouter(prefix="/v1/codes", tags=["codes"], default_response_class=OwnJsonResponse)
MAX_QUERY_CHARS, MAX_FOUND = 200, 100


class CodesSought(Given):
    """What is looked for, and for which day of service."""

    words: Annotated[
        str,
        Field(
            min_length=1, max_length=MAX_QUERY_CHARS,
            description=f"A code, with or without its dot; or up to {MOST_WORDS} words that a title or an inclusion "
            "term has, all of them and in any order.",
        ),
    ]  # fmt: skip
    date_of_service: date
    system: CodeSystem = CodeSystem.ICD_10_CM
    limit: Annotated[int, Field(ge=1, le=MAX_FOUND, description="The most codes that are answered.")] = 20


class FoundCode(Answer):
    """One code of the table."""

    code: str
    title: str
    billable: Annotated[bool, Field(description="Whether a claim of the date of service may carry it.")]


class CodesFound(Answer):
    """What was found, complete codes and short titles first, and in which table."""

    date_of_service: date
    system: CodeSystem
    uri: Annotated[str, Field(description="The system's name in FHIR.")]
    table_version: str
    table_digest: str
    found: tuple[FoundCode, ...]
    more: Annotated[bool, Field(description="Whether the table has more than `limit`.")]


@router.post("/search", summary="Find codes by words")
async def search(given: CodesSought, caller: Caller, core: TheCore) -> CodesFound:
    """In the table that holds on the date of service: the newest of the release and of what the practice imported.

    For clinicians and coders. In the body, not in the address: what is looked for may be of a patient, and addresses
    are written down on their way. Nothing is stored. One search computes at a time; behind a few that wait it is
    refused (503, `codes-busy`, with Retry-After).
    """
    may(caller, Action.SEARCH_CODES, None, now=datetime.now(UTC)).require()
    table, rows = await core.codes.found(given.words, given.system, given.date_of_service, given.limit + 1)
    return CodesFound(
        date_of_service=given.date_of_service, system=given.system, uri=given.system.uri, table_version=table.version,
        table_digest=table.digest, found=tuple(FoundCode(**one) for one in rows[: given.limit]),
        more=len(rows) > given.limit,
    )  # fmt: skip
