"""Releases that were taken back from a channel: a list in the channel's own TUF metadata, under REVOKED_FIELD.

A revoked release is no target of the channel any more. The list says that it was one, and why it is none: a box that
runs it, and whoever reads the fleet, can tell "taken back" from "never heard of". The field is signed with the rest
of the channel's metadata, and lies beside `targets` as an array of Revocation.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from appliance.contract.model import ContractModel, Sha256Hex
from appliance.contract.release import Line, ReleaseName

REVOKED_FIELD = "x-fleetctl-revoked"
MAX_REVOKED = 1000


class Revocation(ContractModel):
    """One release that a channel took back. Its name and its sequence are used up."""

    name: ReleaseName
    sequence: Annotated[int, Field(ge=1, le=2**53)]
    digest: Annotated[Sha256Hex, Field(description="Of the manifest.")]
    at: datetime
    reason: Line


_LIST: TypeAdapter[tuple[Revocation, ...]] = TypeAdapter(
    Annotated[tuple[Revocation, ...], Field(max_length=MAX_REVOKED)]
)


def revocations(unrecognized_fields: Mapping[str, Any]) -> tuple[Revocation, ...]:
    """Read the list out of a role's `unrecognized_fields` (python-tuf). ValueError when it is not readable."""
    try:
        found = _LIST.validate_python(unrecognized_fields.get(REVOKED_FIELD, []))
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(each) for each in first["loc"])
        raise ValueError(f"{REVOKED_FIELD}: {where}: {first['msg']}"[:300]) from None
    if len({each.name for each in found}) != len(found):
        raise ValueError(f"{REVOKED_FIELD}: a release is in it twice")
    return found


def revoked_field(found: tuple[Revocation, ...]) -> list[dict[str, Any]]:
    """Return the list as it stands in the metadata."""
    return [each.model_dump(mode="json") for each in found]
