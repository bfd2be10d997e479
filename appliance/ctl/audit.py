"""`appliancectl audit`: the audit log, verified and shown on the box. Reads only; the gateway may go on writing."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from appliance.audit.note import VerifierKey

DIRECTORY = Path("/var/lib/appliance/audit")

app = typer.Typer(
    help="Verify and show the audit log.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)

DirectoryOption = Annotated[Path, typer.Option("--directory", help="The log's directory.")]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="VKEY", help="The log's verifier key, or its file. Default: the one beside the log."),
]
IndexArgument = Annotated[int, typer.Argument(min=0, metavar="INDEX", help="The entry's index, from 0.")]


def _key(directory: Path, given: str | None) -> "VerifierKey":
    from appliance.audit.shown import given_key, recorded_key

    if given is not None:
        return given_key(given)
    typer.echo("note: the key is the one beside the log; --key with one kept elsewhere proves more", err=True)
    return recorded_key(directory)


@app.command()
def verify(
    directory: DirectoryOption = DIRECTORY,
    key: KeyOption = None,
    against: Annotated[
        Path | None, typer.Option("--against", metavar="FILE", help="A checkpoint that was kept elsewhere.")
    ] = None,
) -> None:
    """Hash every entry and compare with tiles, signed heads and a checkpoint kept elsewhere.

    Exit code: 0 all as signed, 9 it differs (what and where), 5 something cannot be read, 2 wrong usage.
    """
    from appliance.audit.shown import verified_words

    typer.echo("\n".join(verified_words(directory, _key(directory, key), against)))


@app.command()
def checkpoint(directory: DirectoryOption = DIRECTORY, key: KeyOption = None) -> None:
    """Print the newest signed checkpoint, to be kept where this box cannot reach it."""
    from appliance.audit.shown import newest_checkpoint

    typer.echo(newest_checkpoint(directory, _key(directory, key)).note, nl=False)


@app.command()
def show(index: IndexArgument, directory: DirectoryOption = DIRECTORY, key: KeyOption = None) -> None:
    """Print one entry (JSON), after checking that it is the one that was signed."""
    from appliance.audit.shown import proof_of

    typer.echo(proof_of(index, directory, _key(directory, key)).entry.decode("ascii", "backslashreplace"))


@app.command()
def prove(
    index: IndexArgument,
    directory: DirectoryOption = DIRECTORY,
    key: KeyOption = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Prove under this checkpoint, for instance a witnessed one."),
    ] = None,
) -> None:
    """Print a proof of one entry: entry, inclusion proof and checkpoint (C2SP tlog-proof)."""
    from appliance.audit.shown import proof_of

    typer.echo(str(proof_of(index, directory, _key(directory, key), checkpoint)), nl=False)


@app.command("key")
def show_key(directory: DirectoryOption = DIRECTORY) -> None:
    """Print the log's verifier key, to be kept by whoever verifies."""
    from appliance.audit.shown import recorded_key

    typer.echo(str(recorded_key(directory)))
