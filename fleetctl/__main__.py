"""Entry point, and the only place where exceptions become exit codes."""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import typer

from appliance.contract.stdout import written
from fleetctl.errors import FleetctlError, describe, printable

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def _terminated(number: int, _frame: FrameType | None) -> NoReturn:
    # Unwinds the stack, so that context managers remove decrypted keys, locks and temporary folders.
    if number == signal.SIGHUP:  # of a terminal that goes, both the kernel and the shell tell us
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    raise SystemExit(128 + number)  # as shells report it


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(argv: list[str] | None = None) -> int:
    """Run one command and give its exit code. `argv` is without the program's name; default: the process' own."""
    from fleetctl.cli.app import command

    try:
        result = command().main(args=argv, prog_name="fleetctl", standalone_mode=False)
    except FleetctlError as error:
        _say(describe(error))
        return error.exit_code
    except typer.TyperException as error:  # wrong options or arguments
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "fleetctl"
        if type(error).__name__ == "NoArgsIsHelpError":
            _say(error.format_message())
        else:
            _say(f"error: {printable(error.format_message())}\n  hint: {path} --help")
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted")
        return INTERRUPTED
    except SystemExit:
        raise
    except Exception as error:
        if os.environ.get("FLEETCTL_TRACEBACK"):
            raise
        _say(printable(f"error: unexpected {type(error).__name__}: {error}"))
        _say("  hint: this is a defect of fleetctl; FLEETCTL_TRACEBACK=1 shows where, for a report")
        return 1
    # With standalone_mode off, an explicit `typer.Exit(code)` comes back as that number.
    return result if isinstance(result, int) else 0


def take_signals() -> None:
    """Let SIGTERM, and SIGHUP unless nohup has it ignored, end the process as SystemExit does."""
    signal.signal(signal.SIGTERM, _terminated)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _terminated)


def main() -> None:
    """Console script `fleetctl`."""
    take_signals()
    # A round over a thousand sites makes hundreds of thousands of objects that stay until its end. To look through them
    # every 700 took 7 % of `fleetctl status`, and its peak of memory was the same (1,000 sites, 132 and 133 MiB).
    gc.set_threshold(100_000, 50, 100)
    sys.exit(written(run, _say))


if __name__ == "__main__":
    main()
