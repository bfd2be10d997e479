"""Code tables that go into a release: packs as `appliancectl codes import` makes them.

Only the head is read here; a box reads all of it. What the head says goes into the manifest, and the box compares.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from appliance.contract.code_pack import HEADER_LENGTH, MAGIC, MAX_HEADER_BYTES, MAX_PACK_BYTES, PackKind, head_of
from appliance.contract.release import CodePackComponent, Pinned
from fleetctl.errors import ConfigError, RefusedError, UsageError
from fleetctl.image.digest import file_sha256

_HINT = "make it with `appliancectl codes import KIND FILE --effective DATE --directory DIR`: DIR/SHA256.pack"
_PRACTICE = ("cpt", "favourites")


def code_pack(path: Path) -> CodePackComponent:
    """What a manifest says of a pack.

    Raises:
        UsageError: it is no pack, or cannot be read.
        RefusedError: it is a practice's own (CPT is licensed to the practice; favourites are nobody else's).
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            begin = file.read(len(MAGIC) + HEADER_LENGTH.size + MAX_HEADER_BYTES)
        if not path.is_file() or size > MAX_PACK_BYTES:
            raise UsageError(f"{path} is no code pack", hint=_HINT)
        head, _ = head_of(begin, size)
        sha256 = file_sha256(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint=_HINT) from None
    except ValueError as error:
        raise UsageError(f"{path} is no code pack: {error}", hint=_HINT) from None
    if head.system in _PRACTICE or head.kind is PackKind.FAVOURITES:
        raise RefusedError(
            f"{path} is a practice's own table ({head.system}): a release goes to every site of its channel",
            hint="import it at its sites: appliancectl codes import",
        )
    try:
        return CodePackComponent(
            name=head.system,
            version=head.version,
            effective_from=head.effective_from,
            sha256=sha256,
            size_bytes=size,
            licence=head.licence,
        )
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        raise UsageError(f"{path}: {first['loc'][0]}: {first['msg']}", hint=_HINT) from None


def built_in_tables(package: Path) -> tuple[Pinned, ...]:
    """The tables that come with the OS image, as the box's package pins them. Raises ConfigError."""
    path = package / "coding" / "data" / "built_in.json"
    try:
        listed = json.loads(path.read_bytes())
        return tuple(
            Pinned(name=each["system"], version=each["version"], sha256=each["sha256"])
            for each in sorted(listed, key=lambda each: str(each["system"]))
        )
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ConfigError(
            f"the code tables cannot be read: {path}: {type(problem).__name__}", hint="install fleetctl again"
        ) from None
