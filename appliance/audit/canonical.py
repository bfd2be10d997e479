"""An entry as bytes: one form, so that one decision has one hash."""

import json
from datetime import UTC

from pydantic import ValidationError

from appliance.audit.errors import EntryRefusedError
from appliance.contract.audit import MAX_ENTRY_BYTES, AuditEntry


def encode(entry: AuditEntry) -> bytes:
    """JSON with sorted keys, no blanks, ASCII only, `at` in UTC.

    Raises EntryRefusedError for a time without a zone or for more than MAX_ENTRY_BYTES.
    """
    if entry.at.utcoffset() is None:
        raise EntryRefusedError("audit entry: at has no time zone", hint="give a time with a zone, such as UTC")
    plain = entry.model_copy(update={"at": entry.at.astimezone(UTC)}).model_dump(mode="json")
    data = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
    if len(data) > MAX_ENTRY_BYTES:
        raise EntryRefusedError(
            f"audit entry: {len(data)} bytes, at most {MAX_ENTRY_BYTES} fit", hint="split it into several entries"
        )
    return data


def decode(data: bytes) -> AuditEntry:
    """The entry of its bytes. Raises ValueError, without showing any of the content, when they are none."""
    try:
        return AuditEntry.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise ValueError(f"no audit entry: {where}: {first['type']}") from None
