"""Time of `fleetctl profile size` against Python that only imports what it needs; prints the ratios and the seconds."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 7
# The goal is 2 s. As a ratio, so that a slow machine does not decide: 2 s where importing what is needed takes 0.25 s.
GOAL_RATIO = 8.0
GOAL_S = 2.0

BASE = [sys.executable, "-c", "import simpy, pydantic, yaml, typer, rich.table"]
SIZE = [sys.executable, "-m", "fleetctl", "profile", "size", "--encounters-per-provider", "20", "--providers"]
SITES = ("50", "300", "5000")


def seconds(command: list[str]) -> float:
    """Wall time of one run. A plan that needs more hosts ends with 4, which is an answer."""
    started_s = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL)
    taken_s = time.perf_counter() - started_s
    if done.returncode not in (0, 3, 4):
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}")
    return taken_s


def measure(site: str, runs: int = RUNS) -> tuple[float, float]:
    """Median seconds of the base and of a plan, taken in turn so that a busy machine slows both alike."""
    plan = [*SIZE, site]
    seconds(BASE), seconds(plan)  # the first run reads from disk
    pairs = [(seconds(BASE), seconds(plan)) for _ in range(runs)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def main() -> int:
    """Print the time of each site's plan and its ratio to the base."""
    worst = 0.0
    for site in SITES:
        base_s, plan_s = measure(site)
        worst = max(worst, plan_s / base_s)
        print(
            f"{int(site):>5,} providers: {plan_s:.2f} s (goal: under {GOAL_S:g} s), imports {base_s:.2f} s,"
            f" ratio {plan_s / base_s:.2f}"
        )
    print(f"ratio: {worst:.2f} (goal: at most {GOAL_RATIO})")
    return 0 if worst <= GOAL_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
