"""`fleetctl status` over a simulated fleet on this machine, beside Ansible and clush that fetch the same file over SSH.

Both ends share the cores: the product's nginx with a TLS 1.3 handshake for each site, the product's agents over
simulated machines, and `fleetctl`. The agents keep a snapshot for a minute instead of two seconds: making one is the
box's work.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from polled.peers import FANOUT, FORKS, sshd  # noqa: E402

from tests.sim.fleet.directory import sim_site  # noqa: E402

GOAL_COLD_S, GOAL_WARM_S, GOAL_LARGE_S, GOAL_MIB, GOAL_RATIO = 4.0, 1.0, 15.0, 300, 40
LARGE = 5_000
DEADLINE_S = 2.0
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Run:
    """One process from its start to its end."""

    seconds: float
    cpu_s: float
    peak_mib: float
    code: int
    output: str


@contextmanager
def fleet(count: int, scenario: str = "") -> Iterator[dict[str, str]]:
    """A simulated fleet in a process of its own; what `fleetctl` needs in its environment."""
    with tempfile.TemporaryDirectory(prefix="bs-") as name:
        command = [sys.executable, "-m", "tests.sim.fleet", "--sites", str(count), "--fresh-s", "60", "--folder", name]
        if scenario:
            (Path(name).parent / f"{Path(name).name}.yaml").write_text(scenario)
            command += ["--scenario", f"{name}.yaml"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            found = {}
            for line in process.stdout:
                if match := re.match(r"export (\w+)='?(.*?)'?$", line):
                    found[match[1]] = match[2]
                if "FLEETCTL_FLEET" in found:
                    break
            else:
                raise SystemExit("the simulated fleet did not start")
            yield found
        finally:
            process.terminate()
            process.wait(120)
            Path(f"{name}.yaml").unlink(missing_ok=True)


def run(command: list[str], environment: dict[str, str]) -> Run:
    """Run to the end; time, memory and processor time are those of the process and of what it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
        return Run(seconds, cpu_s, used.ru_maxrss / 1024, process.returncode, out.read())


def status(environment: dict[str, str], *more: str) -> Run:
    """`fleetctl status` as a person starts it."""
    return run([str(BIN / "fleetctl"), "status", *more], environment)


def said(goal: float, seen: float) -> str:
    return "met" if seen <= goal else "NOT met"


def cold(count: int, rounds: int, goal_s: float, goal_mib: float | None = None) -> float:
    """The whole process, no connection kept; the median of the rounds."""
    with fleet(count) as environment:
        status(environment)  # files of the fleet and of Python are in the page cache afterwards, as on any second day
        runs = [status(environment) for _ in range(rounds)]
    seconds = statistics.median(each.seconds for each in runs)
    peak = max(each.peak_mib for each in runs)
    cpu = statistics.median(each.cpu_s for each in runs)
    print(f"{count} sites, cold, whole process: {seconds:.2f} s (from {min(r.seconds for r in runs):.2f}), "
          f"{cpu:.2f} s of it processor time, {peak:.0f} MiB, exit {runs[0].code}")  # fmt: skip
    memory = f"; {goal_mib:g} MB: {said(goal_mib, peak * 1.048576)}" if goal_mib is not None else ""
    print(f"  target {goal_s:g} s: {said(goal_s, seconds)}{memory}")
    if runs[0].code != 0:
        print(runs[0].output[-1000:])
    return seconds


def warm(count: int, rounds: int) -> None:
    """Refreshes of --watch, with kept TLS sessions."""
    command = [sys.executable, str(Path(__file__).parent / "polled/refresh.py"), str(rounds)]
    with fleet(count) as environment:
        done = subprocess.run(
            command, env={**os.environ, **environment}, cwd=environment["FLEETCTL_FLEET"], stdout=subprocess.PIPE,
            check=True,
        )  # fmt: skip
        took = json.loads(done.stdout)
    seconds = statistics.median(took[1:])
    print(f"{count} sites, warm refresh: {seconds:.2f} s (first {took[0]:.2f}, best {min(took[1:]):.2f})")
    print(f"  target {GOAL_WARM_S:g} s: {said(GOAL_WARM_S, seconds)}")


def dead(count: int) -> None:
    """A tenth of the sites gives no answer at all: the others must not wait for them."""
    scenario = "groups:\n  - {sites: 'site-???3', wire: offline}\n"
    with fleet(count, scenario) as environment:
        status(environment, "--deadline", str(DEADLINE_S))
        found = status(environment, "--deadline", str(DEADLINE_S))
    print(f"{count} sites, every tenth dead, deadline {DEADLINE_S:g} s: {found.seconds:.2f} s, exit {found.code}")


def peers(count: int, ours_s_a_site: float) -> None:
    """Ansible and clush fetch a file of a snapshot's size from as many addresses."""
    with tempfile.TemporaryDirectory(prefix="bp-") as name:
        addresses = [sim_site(Path(name), number).address for number in range(count)]
        with sshd(Path(name), addresses, b"x" * 6000 + b"\n") as found:
            programs = {f"ansible -m raw, {FORKS} forks": (found.ansible, BIN / "ansible"),
                        f"clush, {FANOUT} at once": (found.clush, shutil.which("clush"))}  # fmt: skip
            for title, (command, program) in programs.items():
                if program is None:
                    print(f"{title}: not installed (apt-get install clustershell), left out")
                    continue
                done = run(command(str(program)), {"ANSIBLE_FORCE_COLOR": "0", "HOME": name})
                if done.code != 0:
                    raise SystemExit(f"{title}: {done.output[-1000:]}")
                ratio = done.seconds / count / ours_s_a_site
                words = "met" if ratio >= GOAL_RATIO else "NOT met"
                each_ms = 1000 * done.seconds / count
                print(f"{count} sites, {title}: {done.seconds:.2f} s, {each_ms:.1f} ms a site")
                print(f"  ratio to ours {ratio:.0f} (target {GOAL_RATIO}): {words}")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=1000)
    parser.add_argument("--peer-sites", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", type=int, default=LARGE, help="0 leaves it out")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, shared by both ends; load average before: {os.getloadavg()[0]:.1f}")
    seconds = cold(options.sites, options.rounds, GOAL_COLD_S, GOAL_MIB)
    warm(options.sites, options.rounds)
    dead(options.sites)
    peers(options.peer_sites, seconds / options.sites)
    if options.large:
        cold(options.large, 1, GOAL_LARGE_S)
    print(f"load average after: {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
