"""The revocation list: tokens, sessions and people that count no more, although their tokens still would."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from appliance.gateway.auth.principal import Principal
from appliance.gateway.auth.refusal import AccessError
from appliance.gateway.auth.watched_file import WatchedFile

MAX_LIST_BYTES = 4 * 1024 * 1024
MAX_REVOCATIONS = 20_000


class Revocation(BaseModel):
    """One line of the list. `kind` says what `value` is: a token's jti, a session's sid, or a subject.

    `issued_before` limits it to tokens issued until then: everything a person held is revoked, and the next sign-in
    counts again. Without it the subject stays out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: Annotated[str, Field(max_length=200)]
    kind: Literal["jti", "sid", "subject"]
    value: Annotated[str, Field(min_length=1, max_length=255)]
    issued_before: AwareDatetime | None = None

    @model_validator(mode="after")
    def _subject_only(self) -> Self:
        if self.issued_before is not None and self.kind != "subject":
            raise ValueError("issued_before belongs to a subject")
        return self


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal["revocations/v1"]
    entries: Annotated[tuple[Revocation, ...], Field(max_length=MAX_REVOCATIONS)]


_Index = dict[tuple[str, str, str], datetime | None]
_DOCUMENT = TypeAdapter(_Document)


def _parse(data: bytes) -> _Index:
    try:
        document = _DOCUMENT.validate_python(json.loads(data))
    except (ValidationError, RecursionError):
        raise ValueError("not a revocation list") from None
    index: _Index = {}
    for entry in document.entries:
        key = (entry.issuer, entry.kind, entry.value)
        until = entry.issued_before
        if key in index:
            before = index[key]
            until = None if before is None or until is None else max(before, until)
        index[key] = until
    return index


class Revocations:
    """The list in a file, read again when it changes. No file configured: nothing is revoked."""

    def __init__(self, path: Path | None) -> None:
        self._file = WatchedFile(path, _parse, MAX_LIST_BYTES) if path else None

    def check(self, principal: Principal) -> None:
        """Raise AccessError: token-revoked, or revocations-unavailable when the configured list cannot be read."""
        if self._file is None:
            return
        try:
            index = self._file.get()
        except (OSError, ValueError):
            raise AccessError("revocations-unavailable") from None
        names = [("subject", principal.subject), ("jti", principal.token_id)]
        if principal.session_id.startswith("sid:"):
            names.append(("sid", principal.session_id.removeprefix("sid:")))
        for kind, value in names:
            key = (principal.issuer, kind, value or "")
            if key in index and _covers(index[key], principal.issued_at):
                raise AccessError("token-revoked")


def _covers(issued_before: datetime | None, issued_at: datetime | None) -> bool:
    return issued_before is None or issued_at is None or issued_at <= issued_before
