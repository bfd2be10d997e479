"""`appliancectl release`: stage, verify, activate and roll back a release on the box itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from appliance.contract.stdout import tell
from appliance.ctl.release_evaluate import evaluate
from appliance.ctl.release_incoming import receive_prepare

if TYPE_CHECKING:
    from appliance.release.machine import Machine
    from appliance.release.parts import Parts

app = typer.Typer(
    help="Releases on this box. Every change is finished or undone, whenever it is cut off.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)

app.command("receive-prepare")(receive_prepare)
app.command("evaluate")(evaluate)

Form = Literal["text", "json"]
OutputOption = Annotated[Form, typer.Option("--output", "-o", help="json: one document a line, the result last.")]
ReleaseArgument = Annotated[str, typer.Argument(metavar="RELEASE", help="Its name, for instance 2026.11-1.")]
ChannelOption = Annotated[str, typer.Option(help="The channel that it is taken from.")]
OperationOption = Annotated[
    str, typer.Option(metavar="ID", help="32 hex digits. The same id again is the same order, done once. Default: new.")
]
DrainOption = Annotated[
    float, typer.Option(min=0.1, max=86400, metavar="SECONDS", help="So long visits in work are waited for.")
]


@app.command()
def status(output: OutputOption = "text") -> None:
    """Say what runs, what is staged, what is denied, and how the newest changes ended.

    A change that was cut off, and that nobody works on, is finished first. Exit code: 0, or 5 when it cannot be told.
    """
    from appliance.errors import ApplianceError
    from appliance.release import record as records
    from appliance.release.locks import is_free

    parts = _parts(output)
    change = records.load(parts.places.record).change
    if change is not None and not change.stuck and is_free(parts.places):
        try:
            _machine(parts).recover()
        except ApplianceError as error:
            typer.echo(f"note: a change that was cut off is not finished: {error}", err=True)
    _show_status(parts, output)


@app.command()
def offer(release: ReleaseArgument, channel: ChannelOption = "stable", output: OutputOption = "text") -> None:
    """Verify the metadata that was sent, and say what of a release is missing here, or why this box will not have it.

    Exit code: 0 answered, also with reasons against it; 9 the metadata does not verify or has expired; 5, 6.
    """
    from appliance.release.shown import offer_lines

    _check(release=release, channel=channel)
    found = _machine(_parts(output)).offer(release, channel)
    typer.echo(found.model_dump_json() if output == "json" else "\n".join(offer_lines(found)))


@app.command()
def stage(
    release: ReleaseArgument,
    channel: ChannelOption = "stable",
    operation: OperationOption = "",
    output: OutputOption = "text",
) -> None:
    """Prove everything of a release that arrived, and make it the staged set. Nothing that runs is touched.

    Exit code: 0 staged, 6 this box will not have it, 9 something is not what was signed, 1 something is missing.
    """
    _check(release=release, channel=channel)
    _order(output, lambda machine, op: machine.stage(op, release, channel), operation)


@app.command()
def verify(output: OutputOption = "text") -> None:
    """Read every block of every set that is kept, and compare with its root hash.

    Exit code: 0 all whole, 9 one is not, 5 something cannot be read.
    """
    from appliance.release.status import verified

    parts = _parts(output)
    lines = verified(parts)
    if output == "json":
        _show_status(parts, output)
    else:
        typer.echo("\n".join(lines or ["nothing was staged or activated here yet"]))


@app.command()
def activate(
    release: ReleaseArgument,
    operation: OperationOption = "",
    drain_timeout: DrainOption = 1800,
    not_after: Annotated[
        str, typer.Option(metavar="TIME", help="ISO 8601 with an offset: no switch begins later.")
    ] = "",
    output: OutputOption = "text",
) -> None:
    """Switch to the staged set: wait for visits, stop, switch, start, probe; then commit, or go back.

    Exit code: 0 it runs, 6 refused and nothing was touched, 9 something is not what was signed, 1 it went back (the
    release is denied from then on), or nothing serves: that is said as CRITICAL.
    """
    _check(release=release)
    latest = _moment(not_after) if not_after else None
    _order(output, lambda machine, op: machine.activate(op, release, drain_timeout, latest), operation)


@app.command()
def rollback(
    reason: Annotated[str, typer.Option(help="Why, for whoever reads the status.")],
    operation: OperationOption = "",
    drain_timeout: DrainOption = 1800,
    output: OutputOption = "text",
) -> None:
    """Return to the last good set, and deny the release that is left. Exit codes as of activate."""
    _order(output, lambda machine, op: machine.rollback(op, reason, drain_timeout), operation)


@app.command()
def clear(release: ReleaseArgument, operation: OperationOption = "", output: OutputOption = "text") -> None:
    """Take a release off the deny-list, so that it may be tried again here."""
    _check(release=release)
    _order(output, lambda machine, op: machine.clear(op, release), operation)


@app.command()
def recover(
    at_boot: Annotated[
        bool, typer.Option(help="Before the services start: files only; they are probed later.")
    ] = False,
) -> None:
    """Finish a change that was cut off. Exit code: 0 nothing is open any more, 1 nothing serves."""
    from appliance.release.locks import BusyError

    try:
        typer.echo(_machine(_parts("text")).recover(at_boot=at_boot))
    except BusyError as error:
        if not at_boot:
            raise
        # Whoever is at work has finished what was open before, and goes on.
        typer.echo(f"nothing to do: {error}")


def _order(output: Form, order: Callable[[Machine, str], object], operation: str) -> None:
    import uuid

    from appliance.errors import ApplianceError, UnknownStateError
    from appliance.release.ending import told_to_end

    _check(operation=operation)
    parts = _parts(output, told_to_end())
    try:
        order(_machine(parts), operation or uuid.uuid4().hex)
    except ApplianceError:
        if output == "json":
            with suppress(UnknownStateError):
                _show_status(parts, output)
        raise
    _show_status(parts, output)


def _show_status(parts: Parts, output: Form) -> None:
    from appliance.release.shown import status_lines
    from appliance.release.status import status as told

    found = told(parts)
    _say(found.model_dump_json() if output == "json" else "\n".join(status_lines(found)))


def _machine(parts: Parts) -> Machine:
    from appliance.release.machine import Machine

    return Machine(parts)


def _parts(output: Form, told: Callable[[], bool] = lambda: False) -> Parts:
    from appliance.release.parts import Parts
    from appliance.release.places import Places
    from appliance.release.probe import SampleProbe
    from appliance.release.shown import step_line

    places = Places.from_environment()
    return Parts.of(
        places,
        SampleProbe(places),
        lambda step: _say(step.model_dump_json() if output == "json" else step_line(step), err=output == "text"),
        told,
    )


def _say(text: str, *, err: bool = False) -> None:
    """Tell it; when nobody listens any more, a change goes on to its end all the same."""
    tell(lambda: typer.echo(text, err=err))


def _check(*, release: str | None = None, channel: str | None = None, operation: str = "") -> None:
    from pydantic import TypeAdapter, ValidationError

    from appliance.contract.release import ChannelName, ReleaseName
    from appliance.contract.release_status import OperationId
    from appliance.errors import UsageError

    for what, kind, value in (
        ("RELEASE", ReleaseName, release), ("--channel", ChannelName, channel), ("--operation", OperationId, operation)
    ):  # fmt: skip
        try:
            if value:
                TypeAdapter(kind).validate_python(value)
        except ValidationError as error:
            raise UsageError(f"{what} {value!r}: {error.errors()[0]['msg']}"[:200], hint="see --help") from None


def _moment(text: str) -> datetime:
    from appliance.errors import UsageError

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise UsageError(
            f"--not-after {text!r} is no time with an offset", hint="for instance 2026-11-26T22:00:00+01:00"
        )
    return found
