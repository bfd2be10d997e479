"""The command line of the box. Only here do errors become exit codes."""

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from appliance.contract.stdout import OutputLost, written
from appliance.ctl.audit import app as audit_app
from appliance.ctl.clinical import app as encounter_app
from appliance.ctl.clinical import mint_token
from appliance.ctl.codes import app as codes_app
from appliance.ctl.codes_suggest import suggest as suggest_codes
from appliance.ctl.coding import app as coding_app
from appliance.ctl.deid import check_policy, deidentify
from appliance.ctl.faults import acknowledge_fault, show_faults
from appliance.ctl.release import app as release_app
from appliance.errors import ApplianceError


def _typer(text: str) -> typer.Typer:
    return typer.Typer(
        help=text, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, add_completion=False
    )


app = _typer("What can be done and asked on the box itself.")
health_app = _typer("The box's own judgement of itself.")
seal_app = _typer("What was approved when the box was closed.")
egress_app = _typer("Try to get out.")
health_app.command("faults")(show_faults)
health_app.command("ack")(acknowledge_fault)
app.add_typer(health_app, name="health")
app.add_typer(seal_app, name="seal")
app.add_typer(egress_app, name="egress")
app.add_typer(audit_app, name="audit")
app.add_typer(encounter_app, name="encounter")
app.add_typer(coding_app, name="coding")
app.add_typer(release_app, name="release")
codes_app.command("suggest")(suggest_codes)
app.add_typer(codes_app, name="codes")
app.command("token")(mint_token)
app.command("deid")(deidentify)
app.command("deid-policy")(check_policy)

SpecOption = Annotated[str, typer.Option("--spec", help="File with the destinations (JSON); - reads standard input.")]
_MAX_SPEC_BYTES = 256 * 1024


@app.command()
def version() -> None:
    """Print the versions of the appliance and of the image."""
    from appliance.version import appliance_version, image_version

    typer.echo(f"appliance {appliance_version()}\nimage {image_version() or 'none'}")


@app.command()
def identity() -> None:
    """Make the TLS key and its certificate request where they are missing."""
    from appliance.ctl.identity import DIRECTORY, ensure

    typer.echo(f"{DIRECTORY}: {'made' if ensure() else 'nothing to do'}")


@app.command()
def gpu(
    deadline: Annotated[
        float, typer.Option(min=0.1, max=15.0, help="Seconds for one call of the driver; a longer one is stuck.")
    ] = 10.0,
) -> None:
    """Read every GPU and print the reading, unjudged (JSON). Exit code: 0 whenever something could be printed."""
    from appliance.gpu.report import read_gpus

    typer.echo(read_gpus(deadline).model_dump_json())


@app.command()
def burnin(
    minutes: Annotated[float, typer.Option(min=0.01, max=24 * 60.0, help="How long everything is loaded.")],
    diagnostic: Annotated[str, typer.Option(help="What loads the GPUs: own, or dcgm (DCGM's diagnostic).")] = "own",
    gpu: Annotated[bool, typer.Option(help="Load the GPUs.")] = True,
    memory: Annotated[bool, typer.Option(help="Load the machine's memory.")] = True,
    memory_mib: Annotated[
        int | None, typer.Option(min=16, max=2**26, help="How much of it; three fifths of what is available otherwise.")
    ] = None,
    drives: Annotated[bool, typer.Option(help="Read the data disks; nothing is written.")] = True,
    deadline: Annotated[
        float, typer.Option(min=0.1, max=600.0, help="Seconds for one call of the driver; a longer one is stuck.")
    ] = 30.0,
) -> None:
    """Load the whole machine, and print progress and a report, unjudged (JSON lines).

    Exit code: 0 it ran to its end, whatever it found; 1 it did not; 6 refused, because the appliance or another burn-in
    runs; 5 that cannot be told.
    """
    from appliance.burnin.run import Options
    from appliance.ctl.burnin import burn_in
    from appliance.errors import UsageError

    if diagnostic not in ("own", "dcgm"):
        raise UsageError(f"--diagnostic: {diagnostic} is unknown", hint="own or dcgm")
    if not (gpu or memory or drives):
        raise UsageError("nothing is left to load", hint="leave out --no-gpu, --no-memory or --no-drives")
    options = Options(
        seconds=minutes * 60,
        diagnostic="dcgm" if diagnostic == "dcgm" else "own",
        gpu=gpu,
        memory=memory,
        memory_mib=memory_mib,
        load_drives=drives,
        call_limit_s=deadline,
    )
    raise typer.Exit(0 if burn_in(options).ended == "finished" else 1)


@health_app.command()
def snapshot(
    now: Annotated[bool, typer.Option("--now", help="Judge here and now instead of asking the health agent.")] = False,
) -> None:
    """Print the box's snapshot (JSON). Exit code: 0 ok, 3 degraded, 4 critical, 5 unknown.

    Without an agent that answers, it is judged here, and that is said.
    """
    from appliance.contract.health import Verdict
    from appliance.ctl.health import taken

    found = taken(now=now)
    typer.echo(found.model_dump_json(indent=2))
    codes = {Verdict.OK: 0, Verdict.DEGRADED: 3, Verdict.CRITICAL: 4, Verdict.UNKNOWN: 5}
    raise typer.Exit(codes[found.verdict])


@health_app.command("key")
def health_key() -> None:
    """Print the public key that the box's snapshots are signed with. Exit code: 5 while there is none."""
    from appliance.health.key import read_public_key

    typer.echo(read_public_key())


@seal_app.command()
def check(
    before_start: Annotated[
        bool, typer.Option(help="Leave the weights to the service that is about to start.")
    ] = False,
) -> None:
    """Compare the live box with its seal. Exit code: 0 as sealed, 9 it differs, 5 something cannot be read."""
    from appliance.ctl.seal_check import check as compare
    from appliance.ctl.seal_check import require, words

    comparisons = compare(before_start=before_start)
    typer.echo("\n".join(words(comparisons)))
    require(comparisons)


def _read_spec(source: str) -> str:
    data = sys.stdin.buffer.read(_MAX_SPEC_BYTES + 1) if source == "-" else Path(source).read_bytes()
    if len(data) > _MAX_SPEC_BYTES:
        from appliance.errors import UsageError

        raise UsageError("the list of destinations is too large", hint=f"at most {_MAX_SPEC_BYTES} bytes")
    return data.decode(errors="replace")


def _spec(source: str) -> "ProbeSpec":  # type: ignore[name-defined]  # noqa: F821 (imported late to start fast)
    from pydantic import ValidationError

    from appliance.contract.egress import ProbeSpec
    from appliance.errors import UsageError

    try:
        return ProbeSpec.model_validate_json(_read_spec(source))
    except OSError as error:
        raise UsageError(f"{source}: {error.strerror}", hint="give a file, or - for standard input") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise UsageError(f"destinations: {where}: {first['msg']}", hint="see appliance/contract/egress.py") from None


@egress_app.command()
def prove(spec: SpecOption = "-") -> None:
    """Try every destination from the host and from inside every service, and print what happened (JSON).

    Exit code: 0 nothing was reached and every control was, 9 something was reached, 7 something could not be tried.
    """
    from appliance.ctl.egress.prove import prove as run
    from appliance.ctl.egress.result import exit_code, keep_proof

    report = run(_spec(spec))
    keep_proof(report)
    typer.echo(report.model_dump_json())
    raise typer.Exit(exit_code(report))


@egress_app.command()
def baseline(spec: SpecOption = "-") -> None:
    """Try every destination from the host before the network is closed, keep the result and print it (JSON)."""
    from appliance.ctl.egress.prove import baseline as run
    from appliance.ctl.egress.result import keep

    report = run(_spec(spec))
    keep(report)
    typer.echo(report.model_dump_json())


def run() -> int:
    """Run one command and give its exit code; its errors become words on stderr. OutputLost goes through."""
    try:
        app(standalone_mode=True)
    except OutputLost:
        raise
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except ApplianceError as error:
        _say(f"error: {error}\n  hint: {error.hint}")
        return error.exit_code
    except Exception as error:
        # Neither its message nor a traceback: what failed may be a patient's text, and messages of libraries quote it.
        at = traceback.extract_tb(error.__traceback__)[-1]
        said = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
        _say(
            f"error: unexpected {type(error).__name__}{said}\n"
            f"  hint: it arose at line {at.lineno} of {Path(at.filename).name}, in {at.name}; say so in a report"
        )
        return 1
    return 0


def main() -> None:
    """Console script `appliancectl`."""
    sys.exit(written(run, _say))


def _say(text: str) -> None:
    print("".join(c for c in text if c.isprintable() or c == "\n"), file=sys.stderr)


if __name__ == "__main__":
    main()
