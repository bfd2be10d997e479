"""`appliancectl release receive-prepare`: what an operator asks before something is sent to this box."""

import re
from typing import Annotated

import typer

from appliance.errors import UsageError

_ROOT_HASH = re.compile(r"^[0-9a-f]{64}$")
_MAX_BYTES = 1 << 40


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

    Of the running operating system a copy is made for that, where there is room; the next order takes it away again.
    An earlier transfer of the same image that still goes on is ended. Exit code: 0 ready, 6 refused (no room, or a link
    where a file was wanted), 5 the volume cannot be read or written.
    """
    from appliance.release.incoming import Arrivals, WantedFile, prepare
    from appliance.release.places import Places
    from appliance.release.slot_basis import slot_system

    if output not in ("text", "json"):
        raise UsageError(f"--output: {output} is unknown", hint="text or json")
    for option, value in (("--root-hash", root_hash), ("--basis", basis)):
        if value is not None and not _ROOT_HASH.match(value):
            raise UsageError(f"{option}: 64 lower-case hexadecimal digits were wanted", hint="as the offer spells it")
    if (root_hash is None) != (size_bytes == 0) or (basis is not None and root_hash is None):
        raise UsageError("--root-hash and --size-bytes go together, --basis with them", hint="give both, or neither")
    wanted = None if root_hash is None else WantedFile(root_hash, size_bytes, basis)
    places = Places.from_environment()
    answer = prepare(Arrivals(places.releases), wanted, system=lambda running: slot_system(places, running))
    if output == "json":
        typer.echo(answer.model_dump_json())
        return
    typer.echo(f"images are taken in {answer.images}, {answer.free_bytes} bytes are free")
    if answer.image is not None:
        image = answer.image
        typer.echo(f"received before: {image.received_bytes} bytes; copied of what is here: {image.appended_bytes}")
        typer.echo(f"basis: {image.basis or ('what was received' if image.received_bytes else 'none')}")
        if image.no_basis:
            typer.echo(f"  {image.no_basis}")
