"""What a box pays for its own account of itself, over a minute each: CPU share of a core, and memory.

The health agent, the keeper of root's facts and the GPU watch, the last two beside what they replace. RSS is what is in
memory, PSS its share where processes share pages. GPUs are simulated (tests/sim/nvml). The agent is asked as a site is:
by one watcher for the signed snapshot and one for the metrics, every 15 s. Services that are not on this machine do not
answer, which costs a socket each; tools that are not here (dmsetup, nft) cost a failed start.
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

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from appliance.facts.reading import UnreadableError  # noqa: E402
from appliance.health.inputs import ask  # noqa: E402
from tests.sim import nvml  # noqa: E402

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
ASK_EVERY_S = 15.0
INTERVAL_S = 30.0
SCENARIO = "healthy-l40s-x4"
GOAL_CPU_PERCENT, GOAL_MIB = 1.0, 80.0
_WATCH = """
import pathlib, sys
from appliance.gpu import bus
from appliance.watch.__main__ import run
from appliance.watch.service import Settings
folder = pathlib.Path(sys.argv[1])
bus.DEVICES = pathlib.Path(sys.argv[2])
run(Settings("b001", folder / "watch.json", folder, folder / "kmsg", folder / "gpu.json"))
"""


@dataclass(frozen=True)
class Cost:
    """CPU time with that of ended children, in some seconds, and memory at their end."""

    name: str
    cpu_s: float
    seconds: float
    rss_mib: float = 0.0
    pss_mib: float = 0.0

    @property
    def percent(self) -> float:
        return 100 * self.cpu_s / self.seconds

    def __str__(self) -> str:
        sizes = f"{self.rss_mib:7.0f} MiB {self.pss_mib:7.0f} MiB" if self.rss_mib else ""
        return f"{self.name:<38}{self.percent:6.2f} %{sizes}"


def cpu_s(pid: int) -> float:
    """User and system time of a process and of its children that have ended (proc_pid_stat(5), fields 14 to 17)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS_PER_S


def family(process: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(each for child in children for each in family(int(child)))]


def memory_mib(process: int, kind: str) -> float:
    """Rss or Pss."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) / 1024


def in_memory(process: int) -> tuple[float, float]:
    """RSS and PSS of a process and its children. A tool that has just ended has none."""
    sizes = []
    for each in family(process):
        with suppress(FileNotFoundError, ProcessLookupError, StopIteration):
            sizes.append((memory_mib(each, "Rss"), memory_mib(each, "Pss")))
    return sum(rss for rss, _ in sizes), sum(pss for _, pss in sizes)


def watched(name: str, process: subprocess.Popen[bytes], seconds: float, ask_it: Callable[[], None] | None) -> Cost:
    """Let it run, asking it now and then, and count from the moment at which it has started."""
    begun, before = time.monotonic(), cpu_s(process.pid)
    due = begun
    while (now := time.monotonic()) - begun < seconds:
        if ask_it is not None and now >= due:
            ask_it()
            due += ASK_EVERY_S
        time.sleep(0.2)
    return Cost(name, cpu_s(process.pid) - before, time.monotonic() - begun, *in_memory(process.pid))


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
        return watched("root's facts, kept", process, seconds, None)
    finally:
        end(process)


def starting_python(seconds: float) -> Cost:
    """The same facts by a program that a timer starts every 30 s, as it was: this often, in this time."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from appliance.facts.gather import gather, SOURCES as s; "
    code += "gather({name: source for name, source in s.items() if source.every_s == 30.0})"
    times = os.times()
    runs = max(1, round(seconds / INTERVAL_S))
    for _ in range(runs):
        subprocess.run([sys.executable, "-I", "-c", code], check=True)
    after = os.times()
    spent = after.children_user + after.children_system - times.children_user - times.children_system
    return Cost("  a Python every 30 s (before)", spent, runs * INTERVAL_S)


def gpu_watch(seconds: float) -> Cost:
    """The GPU watch over four simulated GPUs, parent and children together."""
    with tempfile.TemporaryDirectory(prefix="bench-agent-") as name:
        folder = Path(name)
        (folder / "kmsg").write_text("")
        devices = nvml.pci_bus(folder, SCENARIO)
        watch = subprocess.Popen(
            [sys.executable, "-c", _WATCH, name, devices], env={**os.environ, **nvml.environment(SCENARIO)}
        )
        try:
            deadline_s = time.monotonic() + 60
            while not (folder / "watch.json").exists():  # the start is no part of what it costs a minute
                if watch.poll() is not None or time.monotonic() > deadline_s:
                    raise SystemExit("the watch did not come up")
                time.sleep(0.1)
            before = {process: cpu_s(process) for process in family(watch.pid)}
            began_s = time.monotonic()
            time.sleep(seconds)
            spent_s = sum(cpu_s(process) - before.get(process, 0.0) for process in family(watch.pid))
            passed_s = time.monotonic() - began_s
            return Cost("GPU watch, 4 simulated GPUs", spent_s, passed_s, *in_memory(watch.pid))
        finally:
            watch.terminate()
            watch.wait(30)


def one_start_a_reading(times: int = 5) -> Cost:
    """What the watch replaces: `appliancectl gpu`, started for each reading."""
    used_s = 0.0
    with tempfile.TemporaryDirectory(prefix="bench-agent-") as name:
        for number in range(times):
            before = os.times()
            nvml.appliancectl(Path(name) / str(number), SCENARIO, "gpu")
            after = os.times()
            used_s += after.children_user + after.children_system - before.children_user - before.children_system
    return Cost("  a start for each reading (before)", used_s, times * INTERVAL_S)


def main() -> None:
    """Print each part, beside what it replaces, then their sum."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {seconds:.0f} s each\n")
    print(f"{'':<38}{'a core':>8}{'RSS':>11}{'PSS':>12}")
    nvml.library()
    with tempfile.TemporaryDirectory(prefix="agent-") as name:
        before, kept = starting_python(seconds), keeper(Path(name), seconds)
        for cost in (kept, before):
            print(cost)
        print(asked := agent(Path(name), seconds))
    watch, peer = gpu_watch(seconds), one_start_a_reading()
    print(f"{watch}\n{peer}\n")
    print(f"ratio, facts {before.percent / kept.percent:.1f}, GPUs {peer.percent / watch.percent:.1f}")
    both = (asked, watch)
    cpu, rss, pss = (sum(values) for values in zip(*((c.percent, c.rss_mib, c.pss_mib) for c in both), strict=True))
    print(f"agent and watch together: {cpu:.2f} %, RSS {rss:.0f} MiB, PSS {pss:.0f} MiB")
    print(f"goal: {GOAL_CPU_PERCENT:g} % and {GOAL_MIB:g} MB")


if __name__ == "__main__":
    main()
