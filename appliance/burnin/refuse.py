"""When a burn-in may not start: while services that hold patients' data run, and while another burn-in does."""

import fcntl
import os
import subprocess
from pathlib import Path

from appliance.contract.units import PHI_UNITS
from appliance.errors import RefusedError, UnknownStateError

LOCK = Path("/run/appliance-burnin.lock")
UNITS = ("appliance.target", *PHI_UNITS)
# systemctl(1), is-active: what a unit is in that does not run. Every other word is taken for running.
_NOT_RUNNING = ("inactive", "failed", "unknown")
_LIMIT_S = 20.0


def require_drained() -> None:
    """Raise RefusedError while the appliance runs, UnknownStateError if systemd does not say."""
    try:
        # The exit status says no more than the words do: 0 if any unit is active.
        done = subprocess.run(
            ["systemctl", "is-active", *UNITS], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=_LIMIT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnknownStateError(f"systemctl: {error}", hint="is systemd running here?") from None
    states = done.stdout.split()
    if len(states) != len(UNITS):
        words = (done.stderr.strip().splitlines() or ["it gave no state"])[-1]
        raise UnknownStateError(f"systemctl is-active: {words[:200]}", hint="is systemd running here?")
    running = [unit for unit, state in zip(UNITS, states, strict=True) if state not in _NOT_RUNNING]
    if running:
        raise RefusedError(
            f"{', '.join(running)} runs: a burn-in is for a machine without patients",
            hint="drain the machine, then: systemctl stop appliance.target",
        )


class OneAtATime:
    """Holds the lock of the one burn-in that may run; the kernel lets go of it when this process ends."""

    def __enter__(self) -> None:
        """Take the lock; raises RefusedError, or UnknownStateError if it cannot be made."""
        try:
            self._file = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise UnknownStateError(f"{LOCK}: {error.strerror}", hint="run as root") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise RefusedError("another burn-in runs", hint="wait for its end, or stop it") from None

    def __exit__(self, *_: object) -> None:
        """Let go of the lock."""
        os.close(self._file)
