"""What a person with a terminal has: the fleetctl command, its exit code and its two streams."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SITE = "lab-e2e"
# Only what hangs: an update with a clinical gate has both sets drafted by an emulated machine.
COMMAND_TIMEOUT_S = 3600


@dataclass(frozen=True)
class Result:
    """A finished fleetctl."""

    argv: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    def __str__(self) -> str:
        return f"fleetctl {' '.join(self.argv)} → {self.code}\n--- out\n{self.out[-4000:]}\n--- err\n{self.err[-6000:]}"


@dataclass
class Operator:
    """Runs fleetctl on one fleet, each call a process of its own, all of them written to a log."""

    base: Path
    log: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def fleet(self) -> Path:
        return self.base / "fleet"

    @property
    def state(self) -> Path:
        return self.base / "state" / "e2e"

    @property
    def lab(self) -> Path:
        return self.state / "lab" / SITE

    @property
    def passphrase_file(self) -> Path:
        return self.base / "passphrase"

    def environment(self) -> dict[str, str]:
        return (
            os.environ
            | {
                "FLEETCTL_FLEET": str(self.fleet),
                "FLEETCTL_STATE_DIR": str(self.base / "state"),
                "FLEETCTL_PASSPHRASE_FILE": str(self.passphrase_file),
                "PYTHONUNBUFFERED": "1",
                "NO_COLOR": "1",
            }
            | self.extra
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start fleetctl in a process group of its own and return it running."""
        return subprocess.Popen(
            [sys.executable, "-m", "fleetctl", *arguments],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, expect: int | None = 0) -> Result:
        """Run fleetctl to its end and insist on its exit code (`expect` None: any)."""
        started_s = time.monotonic()
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=COMMAND_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
        result = Result(arguments, process.returncode, out, err)
        with self.log.open("a") as log:
            log.write(f"\n=== {time.monotonic() - started_s:.1f} s {result}\n")
        assert expect is None or result.code == expect, str(result)
        return result

    def until(self, *arguments: str, deadline_s: float = 600) -> Result:
        """Run fleetctl again and again until it ends with 0: the box looks at itself twice a minute only."""
        end_s = time.monotonic() + deadline_s
        while True:
            result = self.run(*arguments, expect=None)
            if result.code == 0:
                return result
            assert time.monotonic() < end_s, f"not within {deadline_s:.0f} s: {result}"
            time.sleep(5)

    def run_until(self, event: dict[str, str], *arguments: str) -> bool:
        """Run fleetctl with a JSON event stream on stdout and kill -9 it at the first event that has these values.

        Returns whether the event came; when it did not, fleetctl ran to its end.
        """
        process = self.start(*arguments)
        assert process.stdout is not None
        seen = False
        lines = []
        for line in process.stdout:
            lines.append(line)
            values = json.loads(line)
            if all(values.get(key) == value for key, value in event.items()):
                seen = True
                os.kill(process.pid, signal.SIGKILL)
                break
        process.stdout.close()
        assert process.stderr is not None
        # What it started may hold the other end open a moment longer, so its words are read before the wait.
        with process.stderr:
            err = process.stderr.read()
        process.wait(timeout=60)
        with self.log.open("a") as log:
            log.write(f"\n=== killed at {event}: {seen}\n{''.join(lines)}\n--- err\n{err}\n")
        return seen

    def ssh(self, command: str, *, expect: int | None = 0) -> Result:
        """Run a shell command on the virtual site."""
        return self.run("lab", "ssh", SITE, "--", command, expect=expect)


def fresh_operator(base: Path, log: Path) -> Operator:
    """An operator whose fleet, keys and images are kept between runs, so that only a change rebuilds an image."""
    operator = Operator(base, log)
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not operator.passphrase_file.exists():
        descriptor = os.open(operator.passphrase_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
    if not (operator.fleet / "fleet.yaml").exists():
        for leftover in (operator.fleet, base / "keys"):
            shutil.rmtree(leftover, ignore_errors=True)
        operator.run("init", str(operator.fleet), "--name", "e2e", "--keys-directory", str(base / "keys"))
    return operator
