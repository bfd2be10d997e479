"""Start-up time of `fleetctl --help` against importing typer and rich alone; prints the ratio, fails above the goal."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 15
# The parser and its library have to be imported in any case; the rest is ours to keep small.
GOAL_RATIO = 2.5

BASE = [sys.executable, "-c", "import typer, rich"]
HELP = [sys.executable, "-m", "fleetctl", "--help"]


def seconds(command: list[str]) -> float:
    """Wall time of one run."""
    started_s = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started_s


def measure(runs: int = RUNS) -> tuple[float, float]:
    """Median seconds of the base and of the help, taken in turn so that a busy machine slows both alike."""
    seconds(BASE), seconds(HELP)  # the first run reads from disk
    pairs = [(seconds(BASE), seconds(HELP)) for _ in range(runs)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def main() -> int:
    """Print both times and their ratio."""
    base_s, help_s = measure()
    ratio = help_s / base_s
    print(f"import typer, rich: {base_s * 1000:.0f} ms")
    print(f"fleetctl --help:    {help_s * 1000:.0f} ms")
    print(f"ratio:              {ratio:.2f} (goal: at most {GOAL_RATIO})")
    return 0 if ratio <= GOAL_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
