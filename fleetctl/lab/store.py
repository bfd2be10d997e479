"""Where the lab keeps its sites: one runtime directory each, lab.json in it, and a lock beside it."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from fleetctl import atomic
from fleetctl.errors import ConfigError, LockHeldError, UsageError
from fleetctl.lab.record import LabRecord
from fleetctl.nearest import listed, nearest

_RECORD = "lab.json"
_ODD_CHARACTERS = ","  # ends a value in QEMU's and swtpm's option syntax
LOCK_WAIT_S = 300.0  # a guest may take minutes to power off, and a copy of disks a minute on a busy machine


class LabStore:
    """All virtual sites of one fleet, under `<state directory>/lab/`."""

    def __init__(self, state_dir: Path) -> None:
        self._root = (state_dir / "lab").absolute()
        if any(character in str(self._root) for character in _ODD_CHARACTERS):
            raise ConfigError(
                f"the lab cannot work under {self._root}: QEMU takes a comma in a path for a separator",
                hint="set FLEETCTL_STATE_DIR to a path without a comma",
            )

    def runtime_dir(self, name: str) -> Path:
        """The directory of a site, there or not."""
        return self._root / name

    def names(self) -> list[str]:
        """Every site that has a record."""
        return sorted(path.parent.name for path in self._root.glob(f"*/{_RECORD}"))

    def find(self, name: str) -> LabRecord | None:
        """The record of a site, or None if it was never made. Raises ConfigError when it cannot be read."""
        path = self.runtime_dir(name) / _RECORD
        try:
            return LabRecord.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise ConfigError(
                f"{path} cannot be read: {error}", hint=f"fleetctl lab down {name} --destroy removes the site"
            ) from error

    def load(self, name: str) -> LabRecord:
        """The record of a site that must exist. Raises UsageError."""
        record = self.find(name)
        if record is None:
            names = self.names()
            raise UsageError(
                f"there is no virtual site {name} in this fleet (there is: {listed(names)})",
                hint=nearest(name, names, f"fleetctl lab up {name}"),
            )
        return record

    def save(self, record: LabRecord) -> None:
        """Write a record, whole or not at all, and make the site's directory (0700)."""
        folder = self.runtime_dir(record.name)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic.write_text(folder / _RECORD, record.model_dump_json(indent=2) + "\n", mode=0o600)

    def taken_ports(self, except_for: str = "") -> set[int]:
        """Ports that other sites keep, running or not. An unreadable record of theirs must not stop this site."""
        taken: set[int] = set()
        for name in self.names():
            if name == except_for:
                continue
            try:
                record = self.find(name)
            except ConfigError:
                continue
            if record is not None:
                taken.update(record.ports.model_dump().values())
        return taken

    def destroy(self, name: str) -> None:
        """Remove everything of a site. Its processes must have ended."""
        shutil.rmtree(self.runtime_dir(name), ignore_errors=False)

    @contextmanager
    def lock(self, name: str, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
        """Only one fleetctl at a time starts, stops or removes a site. The kernel drops the lock of a killed one.

        Raises LockHeldError after `wait_s`.
        """
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._root / f".{name}.lock").open("a+") as file:
            deadline = time.monotonic() + wait_s
            while not _try_lock(file.fileno()):
                if time.monotonic() >= deadline:
                    file.seek(0)
                    holder = file.read(20).strip() or "unknown"
                    raise LockHeldError(
                        f"another fleetctl (process {holder}) is starting or stopping {name}",
                        hint=f"wait for it, or end it: ps {holder}",
                        host=name,
                    )
                time.sleep(0.1)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
