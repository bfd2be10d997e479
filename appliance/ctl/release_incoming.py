"""`appliancectl release receive-prepare`: what an operator asks before something is sent to this box."""

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from appliance.errors import UsageError

_ROOT_HASH = re.compile(r"^[0-9a-f]{64}$")
_MAX_BYTES = 1 << 40
_ROOT_VARIABLE = "APPLIANCE_RELEASE_ROOT"
_RELEASES = "var/lib/appliance/releases"


def receive_prepare(
    root_hash: Annotated[
        str | None, typer.Option(metavar="HEX", help="Root hash of the image that will be sent. Default: none will.")
    ] = None,
    size_bytes: Annotated[int, typer.Option(min=0, max=_MAX_BYTES, help="Its length.")] = 0,
    basis: Annotated[
        str | None, typer.Option(metavar="HEX", help="Root hash of an image here that may be like it.")
    ] = None,
    output: Annotated[str, typer.Option("-o", "--output", help="text or json.")] = "text",
) -> None:
    """Make ready for a transfer: what an earlier one left is taken up, and the older image is the basis of a delta.

    An earlier transfer of the same image that still goes on is ended. Exit code: 0 ready, 6 refused (no room, or a link
    where a file was wanted), 5 the volume cannot be read or written.
    """
    from appliance.release.incoming import Arrivals, WantedFile, prepare

    if output not in ("text", "json"):
        raise UsageError(f"--output: {output} is unknown", hint="text or json")
    for option, value in (("--root-hash", root_hash), ("--basis", basis)):
        if value is not None and not _ROOT_HASH.match(value):
            raise UsageError(f"{option}: 64 lower-case hexadecimal digits were wanted", hint="as the offer spells it")
    if (root_hash is None) != (size_bytes == 0) or (basis is not None and root_hash is None):
        raise UsageError("--root-hash and --size-bytes go together, --basis with them", hint="give both, or neither")
    wanted = None if root_hash is None else WantedFile(root_hash, size_bytes, basis)
    answer = prepare(Arrivals(Path(os.environ.get(_ROOT_VARIABLE) or "/") / _RELEASES), wanted)
    if output == "json":
        typer.echo(answer.model_dump_json())
        return
    typer.echo(f"images are taken in {answer.images}, {answer.free_bytes} bytes are free")
    if answer.image is not None:
        image = answer.image
        typer.echo(
            f"received before: {image.received_bytes} bytes, of the older image behind it {image.appended_bytes}"
        )
        typer.echo(f"basis: {image.basis or 'what was received' if image.basis or image.received_bytes else 'none'}")
