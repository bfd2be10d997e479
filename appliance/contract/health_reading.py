"""Reads the bytes of a health snapshot of any version that is understood: one older, ours, and one newer.

Older: the parts that it cannot have are absent, and `HealthSnapshot.not_reported` names them. Ours: a part that is
missing is unknown. Newer: members that we do not know are left out, parts that we do not know are kept by verdict,
reason and next action, and count. Anything else is refused, with the reason.
"""

import re
from contextlib import suppress
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import from_json

from appliance.contract.faults import Fault
from appliance.contract.health import MAX_FAULTS_SHOWN, SINCE_V3, VERSION, HealthSnapshot
from appliance.contract.part import Part, Verdict

MAX_BYTES = 512 * 1024
"""A snapshot without GPUs is 5 KiB, one GPU adds 2; one of 64 GPUs with 64 faults is 181 KiB."""
MAX_DEPTH = 16
"""Our own deepest member lies 7 deep."""

Why = Literal["too_large", "too_deep", "garbage", "version"]
_VERSION = re.compile(r"^health/v([1-9][0-9]{0,3})$")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_NOT_A_BRACKET = bytes(byte for byte in range(256) if byte not in b"[]{}")
_PARTS = {
    name: kind
    for name, field in HealthSnapshot.model_fields.items()
    for kind in (field.annotation, *getattr(field.annotation, "__args__", ()))
    if isinstance(kind, type) and issubclass(kind, Part) and name != "other_parts"
}


class SnapshotError(ValueError):
    """The bytes are no snapshot that we understand. `why` is for programs, the message for people."""

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message)
        self.why: Why = why


def read_snapshot(body: bytes) -> HealthSnapshot:
    """Return the snapshot in `body`. Raises SnapshotError."""
    check_bounds(body)
    try:
        document = from_json(body, allow_inf_nan=False)
    except ValueError as problem:
        raise SnapshotError("garbage", f"not JSON: {problem}"[:300]) from None
    if not isinstance(document, dict):
        raise SnapshotError("garbage", f"a JSON {type(document).__name__}, wanted an object")
    version = _version(document)
    for name in _PARTS:
        if document.get(name) is None and (version >= VERSION or name not in SINCE_V3):
            document[name] = _unknown(f"missing from a snapshot of health/v{version}, which has it")
    if version > VERSION:
        document = _as_we_know_it(document)
    try:
        return HealthSnapshot.model_validate(document, extra="ignore" if version > VERSION else "forbid")
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(each) for each in first["loc"])
        raise SnapshotError("garbage", f"no health snapshot: {where}: {first['msg']}"[:300]) from None


def check_bounds(body: bytes, limit_bytes: int = MAX_BYTES) -> None:
    """Raise SnapshotError for what is too large or too deep, before a parser sees it."""
    if len(body) > limit_bytes:
        raise SnapshotError("too_large", f"{len(body)} bytes, at most {limit_bytes} are read")
    depth = 0
    for byte in _STRING.sub(b"", body).translate(None, _NOT_A_BRACKET):
        depth += 1 if byte in b"[{" else -1
        if depth > MAX_DEPTH:
            raise SnapshotError("too_deep", f"nested deeper than {MAX_DEPTH}")


def _version(document: dict[str, Any]) -> int:
    said = document.get("schema_version")
    match = _VERSION.match(said) if isinstance(said, str) else None
    if match is None:
        raise SnapshotError("garbage", "schema_version is not health/vN")
    version = int(match[1])
    if abs(version - VERSION) > 1:
        age, who = ("newer", "fleetctl") if version > VERSION else ("older", "the box")
        raise SnapshotError("version", f"{said} is two or more versions {age} than health/v{VERSION}: update {who}")
    return version


def _unknown(reason: str) -> dict[str, Any]:
    return {"verdict": Verdict.UNKNOWN, "reason": reason, "next_action": "report this to the maintainers"}


def _as_we_know_it(document: dict[str, Any]) -> dict[str, Any]:
    """A newer version's snapshot in the form of ours: each part as far as it is understood, none left out."""
    parts = {name: value for name, value in document.items() if isinstance(value, dict) and "verdict" in value}
    if isinstance(kept := document.get("other_parts"), dict):  # it was read and written by us before
        parts |= kept
    strange = {name: value for name, value in parts.items() if name not in HealthSnapshot.model_fields}
    known = {name: _understood(kind, document[name]) for name, kind in _PARTS.items()}
    others = {name[:100]: _understood(Part, value) for name, value in strange.items()}
    faults, lost = _understood_faults(document.get("faults", []))
    if lost:
        others["faults"] = _unknown(f"{lost} of its faults are not understood")
    return document | known | {"faults": faults, "other_parts": others}


def _understood_faults(sent: Any) -> tuple[list[Any], int]:
    """Those that we can read, and how many we cannot."""
    if not isinstance(sent, list):
        return [], 1
    good = []
    for each in sent[:MAX_FAULTS_SHOWN]:
        with suppress(ValidationError):
            Fault.model_validate(each, extra="ignore")
            good.append(each)
    return good, len(sent) - len(good)


def _understood(kind: type[Part], value: Any) -> dict[str, Any]:
    """All of a part where it has our form; else what every part has; else that it is not understood."""
    words = {name: value.get(name) for name in Part.model_fields} if isinstance(value, dict) else {}
    for form in (value, {name: word for name, word in words.items() if word is not None}):
        try:
            kind.model_validate(form, extra="ignore")
        except ValidationError:
            continue
        return dict(form)
    return _unknown("not understood in this newer version")
