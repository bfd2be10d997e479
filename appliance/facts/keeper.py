"""Keeps the facts that need root fresh: reads each one when it is due and writes the file that the health agent reads.

It stays, because starting Python twice a minute cost more than all that it read. It imports the standard library only.
"""

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.facts.apart import bury
from appliance.facts.gather import FACTS_PATH, SEAL_PATH, SOURCES, Source, boottime_s, document, read_fact, write
from appliance.sdnotify import notify

# How soon a new seal is seen: provisioning asks for a verdict right after it has sealed the box.
TICK_S = 2.0


class Keeper:
    """What was read last, and when each fact is due."""

    def __init__(self, sources: dict[str, Source], path: Path = FACTS_PATH, seal: Path = Path(SEAL_PATH)) -> None:
        self._sources, self._path, self._seal = sources, path, seal
        self._facts: dict[str, Any] = {}
        self._due: dict[str, float] = dict.fromkeys(sources, float("-inf"))
        self._sealed = self._stamp()

    def tick(self, now: Callable[[], float] = boottime_s, alive: Callable[[], None] = lambda: None) -> bool:
        """Read what is due and write the file if anything was. `alive` is called between readings."""
        if (stamp := self._stamp()) != self._sealed:
            self._sealed = stamp
            self._due = dict.fromkeys(self._sources, float("-inf"))
        due = [name for name, when in self._due.items() if when <= now()]
        for name in due:
            self._facts[name] = read_fact(self._sources[name])
            self._due[name] = now() + self._sources[name].every_s
            alive()
        # At the start some facts are slow: the file is there only when each has a value or a reason.
        if due:
            write(self._path, document(self._facts))
        return bool(due)

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._seal.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino


def main() -> int:
    """Serve until systemd says stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    keeper = Keeper(SOURCES)

    def alive() -> None:
        notify("WATCHDOG=1")

    keeper.tick(alive=alive)
    notify("READY=1")
    while True:
        time.sleep(TICK_S)
        keeper.tick(alive=alive)
        bury()
        alive()


if __name__ == "__main__":
    sys.exit(main())
