"""What a box pays for its own account of itself, over a minute each: CPU share of a core, and memory.

The health agent, the keeper of root's facts beside the way in which they were kept before, and the GPU watch. The agent
is asked as a site is: by one watcher for the signed snapshot and one for the metrics, every 15 s. Services that are not
on this machine do not answer, which costs a socket each; tools that are not here (dmsetup, nft) cost a failed start.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from appliance.facts.reading import UnreadableError
from appliance.health.inputs import ask

ROOT = Path(__file__).resolve().parents[1]
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
ASK_EVERY_S = 15.0


@dataclass(frozen=True)
class Cost:
    """CPU time with that of ended children, and the largest resident memory."""

    name: str
    cpu_s: float
    seconds: float
    rss_mib: float

    @property
    def percent(self) -> float:
        return 100 * self.cpu_s / self.seconds

    def __str__(self) -> str:
        return f"{self.name:<34} {self.percent:6.2f} % of a core   {self.rss_mib:6.1f} MiB"


def cpu_s(pid: int) -> float:
    """User and system time of a process and of its children that have ended (proc_pid_stat(5), fields 14 to 17)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS_PER_S


def peak_mib(pid: int) -> float:
    """The largest resident memory so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def watched(name: str, process: subprocess.Popen[bytes], seconds: float, ask_it: Callable[[], None] | None) -> Cost:
    """Let it run, asking it now and then, and count from the moment at which it has started."""
    begun, before = time.monotonic(), cpu_s(process.pid)
    due = begun
    while (now := time.monotonic()) - begun < seconds:
        if ask_it is not None and now >= due:
            ask_it()
            due += ASK_EVERY_S
        time.sleep(0.2)
    return Cost(name, cpu_s(process.pid) - before, time.monotonic() - begun, peak_mib(process.pid))


def started(code: str, ready: Callable[[], bool]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"])
    until = time.monotonic() + 60
    while not ready():
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            raise SystemExit("it did not start")
        time.sleep(0.05)
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(10)


def agent(folder: Path, seconds: float) -> Cost:
    """The health agent, asked by two watchers."""
    path = folder / "http.sock"
    code = (
        "from pathlib import Path; from appliance.health import __main__ as agent, inputs, key; "
        f"agent.SOCKET = Path({str(path)!r}); "
        f"inputs.read_facts.__defaults__ = (Path({str(folder / 'facts.json')!r}),); "
        f"agent.ensure_key = lambda: key.ensure_key(Path({str(folder)!r}), Path('/proc')); agent.main()"
    )

    def answers() -> bool:
        with suppress(UnreadableError):
            return bool(ask(path, "/v1/health", timeout_s=30))
        return False

    process = started(code, answers)

    def ask_both() -> None:
        for route in ("/v1/health/signed", "/metrics"):
            ask(path, route, timeout_s=30)

    try:
        ask_both()
        return watched("health agent", process, seconds, ask_both)
    finally:
        end(process)


def keeper(folder: Path, seconds: float) -> Cost:
    """The keeper of root's facts."""
    path = folder / "facts.json"
    code = (
        "from pathlib import Path; from appliance.facts import keeper; "
        f"keeper.Keeper.__init__.__defaults__ = (Path({str(path)!r}), keeper.Path(keeper.SEAL_PATH)); keeper.main()"
    )
    process = started(code, path.exists)
    try:
        return watched("facts, kept (now)", process, seconds, None)
    finally:
        end(process)


def starting_python(seconds: float) -> Cost:
    """The same facts by a program that a timer starts every 30 s, as it was: this often, in this time."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from appliance.facts.gather import gather, SOURCES as s; "
    code += "gather({name: source for name, source in s.items() if source.every_s == 30.0})"
    times = os.times()
    runs = max(1, round(seconds / 30))
    for _ in range(runs):
        subprocess.run([sys.executable, "-I", "-c", code], check=True)
    after = os.times()
    spent = after.children_user + after.children_system - times.children_user - times.children_system
    return Cost("facts, a Python every 30 s (before)", spent, runs * 30.0, 0.0)


def main() -> None:
    """Print each part, then their sum."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {seconds:.0f} s each\n")
    with tempfile.TemporaryDirectory(prefix="agent-") as name:
        folder = Path(name)
        before, kept = starting_python(seconds), keeper(folder, seconds)
        costs = [agent(folder, seconds)]
    for cost in (before, kept, *costs):
        print(cost)
    print(f"\nfacts: kept against started {kept.cpu_s / kept.seconds / (before.cpu_s / before.seconds):.2f}")
    total = [kept, *costs]
    print(f"agent and keeper together: {sum(each.percent for each in total):.2f} % of a core,")
    print(f"  {sum(each.rss_mib for each in total):.1f} MiB")


if __name__ == "__main__":
    main()
