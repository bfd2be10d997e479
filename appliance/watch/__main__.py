"""Runs the GPU watch."""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from appliance.facts.reading import UnreadableError, read_text
from appliance.sdnotify import notify, watchdog_interval_s
from appliance.watch.service import Settings, Watch

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """This boot's id: from the unit's environment, where systemd writes it without dashes, else from the kernel."""
    return (os.environ.get("APPLIANCE_BOOT_ID") or read_text(_BOOT_ID)).replace("-", "")


def run(settings: Settings) -> None:
    """Watch until systemd says stop."""
    stop: list[int] = []

    def stopped(number: int, _: FrameType | None) -> None:
        stop.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stopped)
    watch = Watch(settings)
    every_s = watchdog_interval_s() or 60.0
    ready, told_s = False, time.monotonic()
    try:
        while not stop:
            watch.step()
            if watch.has_read and not ready:
                ready = True
                notify("READY=1")
            if time.monotonic() - told_s >= every_s / 2:
                told_s = time.monotonic()
                notify("WATCHDOG=1")
    finally:
        watch.close()


def main() -> int:
    """Watch, on the box."""
    os.umask(0o077)
    try:
        run(Settings(boot_id()))
    except (OSError, UnreadableError) as error:
        print(f"error: {error}\n  hint: is the state volume there?", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
