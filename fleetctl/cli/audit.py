"""`fleetctl audit`: a site's audit log, verified away from the site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fleetctl.cli.options import OutputFormat, OutputOption
from fleetctl.errors import UsageError

if TYPE_CHECKING:
    from fleetctl.auditlog.notes import PublicKey

app = typer.Typer()

KeyOption = Annotated[
    str,
    typer.Option("--key", metavar="VKEY", help="The log's verifier key, or a file with it (appliancectl audit key)."),
]


def _key(given: str, kind: int) -> PublicKey:
    from fleetctl.auditlog.files import read, text
    from fleetctl.auditlog.notes import PublicKey

    if "+" not in given:
        data = read(Path(given), 4096)
        if data is None:
            raise UsageError(f"{given}: no such file", hint="give NAME+ID+BASE64, or a file with it")
        given = text(data)
    return PublicKey.of(given, kind)


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A copy of the log's directory, or a proof file.")],
    key: KeyOption,
    against: Annotated[
        Path | None,
        typer.Option(metavar="CHECKPOINT", help="A checkpoint that was kept: these entries must continue it."),
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option(metavar="VKEY", help="A witness whose cosignature the checkpoint must carry; may be repeated."),
    ] = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Verify every entry of a log, or the proof of one, with nothing but the log's key.

    Exit code: 0 verified, 9 something differs (what and where), 5 something cannot be read, 2 wrong usage.
    """
    from fleetctl.auditlog.files import read, text
    from fleetctl.auditlog.notes import LARGEST_NOTE, LOG, WITNESS
    from fleetctl.auditlog.verify import verify_path
    from fleetctl.report.emit import emit

    older = None
    if against:
        data = read(against, LARGEST_NOTE)
        if data is None:
            raise UsageError(f"{against}: no such file", hint="give a file with a checkpoint of this log")
        older = text(data)
    keys = tuple(_key(given, WITNESS) for given in witness or ())
    found = verify_path(path, _key(key, LOG), against=older, witnesses=keys)
    shown: dict[str, Any] = {
        "verdict": "verified",
        "origin": found.head.origin,
        "size": found.head.size,
        "root": found.head.root.hex(),
        "entries_hashed": found.entries,
        "continues": found.against,
        "witnesses": list(found.head.witnesses),
    }
    if found.entry is not None:
        shown |= {"index": found.index, "entry": found.entry.decode("ascii", "backslashreplace")}
    emit(shown, output)


@app.command()
def witness(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A copy of the log's directory.")],
    key: KeyOption,
    state: Annotated[Path, typer.Option(metavar="FILE", help="Where the last checkpoint that was seen is kept.")],
    witness_key: Annotated[Path, typer.Option(metavar="FILE", help="The witness's key (fleetctl audit witness-key).")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the cosigned checkpoint goes; otherwise stdout.")
    ] = None,
) -> None:
    """Verify a log against what was seen of it before, and cosign its checkpoint. Refuses a rollback and a fork.

    Exit code: 0 cosigned, 9 it does not continue what was seen, 8 another witness runs on the same state.
    """
    from fleetctl.atomic import write_text
    from fleetctl.auditlog.files import LogCopy
    from fleetctl.auditlog.notes import LOG
    from fleetctl.auditlog.witness import WitnessKey
    from fleetctl.auditlog.witness import witness as cosign
    from fleetctl.errors import UnreachableError
    from fleetctl.report.console import err

    head, note = cosign(LogCopy(path), _key(key, LOG), state, WitnessKey.load(witness_key))
    if out is None:
        typer.echo(note, nl=False)
    else:
        try:
            write_text(out, note)
        except OSError as error:
            raise UnreachableError(f"{out}: {error.strerror}", hint="give a folder that can be written") from None
    err.print(f"cosigned: {head.size} entries of {head.origin}")


@app.command("witness-key")
def witness_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The new key's file.")],
    name: Annotated[str, typer.Option(help="The witness's name, for instance example.org/auditor.")],
) -> None:
    """Make a witness's key and print its verifier key, for those who verify."""
    from fleetctl.auditlog.witness import WitnessKey

    typer.echo(WitnessKey.make(file, name).public.text)
