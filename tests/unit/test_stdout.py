"""Stdout of `fleetctl` and `appliancectl` that is full, closed or read no further.

Said by the words and codes of the shell, never as a defect.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Each writes in a way of its own: Typer, a stream, JSON, a table of rich, and lines laid out for a terminal.
COMMANDS = (
    *(f"fleetctl {words}" for words in ("--help", "version", "version -o json", "profile list", "doctor")),
    *(f"appliance.ctl {words}" for words in ("--help", "version", "codes list -o json", "health snapshot --now")),
)

WORK = """
import sys
from appliance.contract.stdout import tell, written
def work():
    for step in range(3):
        tell(lambda: print("a step", flush=True))
    print("worked", file=sys.stderr)
    return {code}
sys.exit(written(work, lambda words: print(words, file=sys.stderr)))
"""

LOOP = """
import sys
from fleetctl import __main__ as entry
def rounds():
    while True:
        try:
            print("a round")
        except Exception:
            pass  # as a command that watches takes the fault of one round
entry.run = rounds
entry.main()
"""


def shell(line: str, program: str = f"{sys.executable} -m") -> subprocess.CompletedProcess[str]:
    line = line.replace("PROGRAM", program)
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=dict(os.environ), check=False)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_closed_pipe_is_quiet_and_141(words: str) -> None:
    done = shell(f"PROGRAM {words} | true; echo ${{PIPESTATUS[0]}}")
    assert (done.stdout, done.stderr) == ("141\n", "")


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize(
    ("where", "said"), [("> /dev/full", "No space left on device"), (">&-", "Bad file descriptor")]
)
def test_what_cannot_be_written_is_said(words: str, where: str, said: str) -> None:
    done = shell(f"PROGRAM {words} {where}")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2].startswith(f"error: stdout: {said}; ")
    assert done.stderr.count("stdout") == 1
    assert "defect" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_that_watches_ends_when_nobody_reads() -> None:
    done = shell("PROGRAM | head -1; echo ${PIPESTATUS[0]}", f"{sys.executable} -c '{LOOP}'")
    assert (done.stdout, done.stderr) == ("a round\n141\n", "")


def test_what_is_written_keeps_its_encoding() -> None:
    program = f"PYTHONIOENCODING=latin-1 {sys.executable} -c '{LOOP}'"
    done = subprocess.run(
        ["bash", "-c", program.replace('print("a round")', 'print("£", flush=True)') + " | head -c 2 | od -An -tx1"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["a3", "0a"]


@pytest.mark.parametrize(("code", "told"), [(0, 141), (4, 4)])
def test_work_goes_on_when_nobody_listens(code: int, told: int) -> None:
    done = shell("PROGRAM | true; echo ${PIPESTATUS[0]}", f"{sys.executable} -c '{WORK.format(code=code)}'")
    assert (done.stdout, done.stderr) == (f"{told}\n", "worked\n")


def test_work_goes_on_when_the_disk_is_full() -> None:
    done = shell("PROGRAM > /dev/full", f"{sys.executable} -c '{WORK.format(code=0)}'")
    assert done.returncode == 1
    assert done.stderr.startswith("worked\nerror: stdout: No space left on device; ")
