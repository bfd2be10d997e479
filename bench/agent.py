"""What watching costs on the box: CPU and memory of the programs that look after it, over a minute.

The GPU watch runs as on a box, over the simulated NVML with four GPUs, as a process with its two children. CPU time is
the kernel's own account (/proc/PID/stat), memory is what each process has in RAM (RSS) and its share of it (PSS, shared
pages divided by those who share them). The peer is what it replaces: a start of `appliancectl gpu` for each reading.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.sim import nvml

SECONDS = 60.0
INTERVAL_S = 30.0
SCENARIO = "healthy-l40s-x4"
GOAL_CPU_PERCENT, GOAL_MIB = 1.0, 80.0
_TICKS = os.sysconf("SC_CLK_TCK")

_WATCH = """
import pathlib, sys
from appliance.gpu import bus
from appliance.watch.__main__ import run
from appliance.watch.service import Settings
folder = pathlib.Path(sys.argv[1])
bus.DEVICES = pathlib.Path(sys.argv[2])
run(Settings("b001", folder / "watch.json", folder, folder / "kmsg", folder / "gpu.json"))
"""


def family(process: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(each for child in children for each in family(int(child)))]


def cpu_s(process: int) -> float:
    """User and system time, its own and that of children that ended."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def memory_mib(process: int, kind: str) -> float:
    """Rss or Pss."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) / 1024


def gpu_watch(seconds: float = SECONDS) -> tuple[float, float, float]:
    """Watch four GPUs. Returns CPU in percent of a core, RSS and PSS in MiB, of parent and children together."""
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
            cpu_percent = 100 * spent_s / (time.monotonic() - began_s)
            sizes = [sum(memory_mib(each, kind) for each in family(watch.pid)) for kind in ("Rss", "Pss")]
            return cpu_percent, sizes[0], sizes[1]
        finally:
            watch.terminate()
            watch.wait(30)


def one_start_a_reading(times: int = 5) -> float:
    """CPU in percent of a core, if `appliancectl gpu` were started for each reading."""
    used_s = 0.0
    with tempfile.TemporaryDirectory(prefix="bench-agent-") as name:
        for number in range(times):
            before = os.times()
            nvml.appliancectl(Path(name) / str(number), SCENARIO, "gpu")
            after = os.times()
            used_s += after.children_user + after.children_system - before.children_user - before.children_system
    return 100 * used_s / times / INTERVAL_S


def main() -> None:
    """Print the figures side by side."""
    nvml.library()
    cpu_percent, rss_mib, pss_mib = gpu_watch()
    peer_percent = one_start_a_reading()
    print(f"GPU watch, 4 simulated GPUs, a reading every {INTERVAL_S:g} s, over {SECONDS:g} s")
    print(f"{'':<34}{'CPU of one core':>16}{'RSS':>10}{'PSS':>10}")
    print(f"{'watch, parent and two children':<34}{cpu_percent:>15.2f}%{rss_mib:>6.0f} MiB{pss_mib:>6.0f} MiB")
    print(f"{'appliancectl gpu, each reading':<34}{peer_percent:>15.2f}%{'–':>10}{'–':>10}")
    print(f"ratio {peer_percent / max(cpu_percent, 1e-9):.1f}")
    print(f"goal, with the health agent: {GOAL_CPU_PERCENT:g}% and {GOAL_MIB:g} MB")


if __name__ == "__main__":
    main()
