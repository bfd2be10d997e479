"""Runs one of the build's tools: its output goes to a log file, its stages to the progress, its failure to words."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fleetctl.errors import ChangeError, FleetctlError, printable

TAIL_LINES = 15


def run_logged(
    argv: Sequence[str],
    *,
    title: str,
    log_path: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    on_line: Callable[[str], None] = lambda line: None,
) -> None:
    """Run `argv`, appending its output to `log_path` and giving each line to `on_line`.

    Raises `ChangeError` with the last lines and the path of the log when it fails or is missing.
    """
    if shutil.which(argv[0]) is None:
        raise missing_tool(argv[0])
    log_path.parent.mkdir(parents=True, exist_ok=True)
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    with log_path.open("a", encoding="utf-8", errors="replace") as log:
        log.write(f"# {title}\n")
        try:
            # Its own session: an interrupt at the terminal reaches us first, and we end the whole group. Should we be
            # killed, the kernel interrupts it for us, and it keeps the build lock (inherited) until it has gone.
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "INT", "--", *argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=dict(env) if env is not None else None,
                cwd=cwd,
                start_new_session=True,
                close_fds=False,
            )
        except FileNotFoundError:
            raise missing_tool("setpriv") from None
        try:
            for raw in process.stdout or ():
                line = printable(raw.rstrip())
                log.write(line + "\n")
                log.flush()
                if line:
                    tail.append(line)
                    on_line(line)
            code = process.wait()
        except BaseException:
            _end_group(process)
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()
    if code != 0:
        lines = "".join(f"\n    {line}" for line in tail)
        raise ChangeError(f"{title} failed (exit {code}):{lines}", hint=f"the whole output: {log_path}")


def missing_tool(name: str) -> FleetctlError:
    """The error for a program that the build machine lacks."""
    return ChangeError(f"{name} is not installed on this machine", hint="fleetctl doctor names what is missing")


def _end_group(process: subprocess.Popen[str]) -> None:
    """End the tool and what it started; mkosi removes its mounts and work folders on SIGINT."""
    for number, grace_s in ((signal.SIGINT, 20), (signal.SIGKILL, 5)):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            continue
