"""The software TPM of a virtual site: its command line, and what "another TPM" means."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from fleetctl.errors import ChangeError
from fleetctl.lab.process import SiteProcesses
from fleetctl.lab.qemu import TPM_SOCKET

NAME = "swtpm"
_STATE = "tpm"
_ORIGINAL = "tpm.original"
_START_TIMEOUT_S = 30.0


def swtpm_argv(swtpm: Path, runtime_dir: Path) -> list[str]:
    """Run in the foreground of its own session: as a daemon it would change to `/`. It ends with its QEMU."""
    return [
        str(swtpm),
        "socket",
        "--tpm2",
        "--tpmstate",
        f"dir={runtime_dir / _STATE}",
        "--ctrl",
        f"type=unixio,path={TPM_SOCKET}",
        "--terminate",
    ]


def start_swtpm(swtpm: Path, runtime_dir: Path, processes: SiteProcesses) -> None:
    """Start it and wait for its socket. Must be done before every start of QEMU. Raises ChangeError."""
    (runtime_dir / _STATE).mkdir(mode=0o700, exist_ok=True)
    socket = runtime_dir / TPM_SOCKET
    socket.unlink(missing_ok=True)
    processes.start(NAME, swtpm_argv(swtpm, runtime_dir))
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not socket.exists():
        if processes.pid(NAME) is None or time.monotonic() > deadline:
            raise ChangeError(
                f"the software TPM did not start: {processes.log_tail(NAME) or 'it says nothing'}",
                hint=f"read {processes.log_path(NAME)}",
            )
        time.sleep(0.05)


def replace_tpm(runtime_dir: Path) -> None:
    """Give the machine a TPM that has never seen its disks (a stolen disk); the first one is kept aside."""
    state, original = runtime_dir / _STATE, runtime_dir / _ORIGINAL
    if state.exists():
        if original.exists():
            shutil.rmtree(state)
        else:
            state.rename(original)
    state.mkdir(mode=0o700)


def restore_tpm(runtime_dir: Path) -> bool:
    """Put the first TPM back; False when it was never replaced."""
    state, original = runtime_dir / _STATE, runtime_dir / _ORIGINAL
    if not original.exists():
        return False
    shutil.rmtree(state, ignore_errors=True)
    original.rename(state)
    return True
