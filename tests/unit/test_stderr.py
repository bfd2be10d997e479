"""Stderr of `fleetctl` and `appliancectl` that is full, closed or read no further: it ends nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.unit.test_stdout import shell

LOST = ("2>&-", "2> /dev/full", "2> >(true)")

# Every way in which words reach stderr here; the last line is the work's own.
WORK = """
import sys, threading, time
import typer
from appliance.contract.stdout import written
def work():
    from fleetctl.report.progress import Progress
    def site():
        with Progress().step("a site"):
            for _ in range(20):
                print("a word", file=sys.stderr, flush=True)
                typer.echo("a word", err=True)
                Progress().line("a line")
        print("the site is done")
    thread = threading.Thread(target=site)
    thread.start()
    thread.join()
    print("worked")
    return 4
sys.exit(written(work, lambda words: None))
"""

# The files that are opened first, and what a library in C says meanwhile: here, and in a child.
FILES = """
import subprocess, sys
from appliance.contract.stdout import written
SAYS = "import os, sys; file = open(sys.argv[1], 'w'); more = open(sys.argv[1], 'w'); os.write(2, b'words')"
def work():
    exec(SAYS)
    subprocess.run([sys.executable, "-c", SAYS, sys.argv[2]], check=True)
    return 0
sys.exit(written(work, lambda words: None))
"""


@pytest.mark.parametrize("where", LOST)
@pytest.mark.parametrize("program", ["fleetctl", "appliance.ctl"])
def test_a_command_that_cannot_say_what_is_wrong_says_it_nowhere_else(program: str, where: str) -> None:
    done = shell(f"PROGRAM {program} nonsense {where}")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("where", LOST)
def test_work_goes_on_to_its_end_and_stdout_stays(where: str) -> None:
    done = shell(f"PROGRAM {where}", f"{sys.executable} -c '{WORK}'")
    assert (done.returncode, done.stdout) == (4, "the site is done\nworked\n")


@pytest.mark.parametrize("where", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_no_file_gets_the_number_of_a_closed_stream(where: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(FILES)
    done = shell(f"PROGRAM {tmp_path}/own {tmp_path}/child {where}", f"{sys.executable} {tmp_path}/program.py")
    assert done.returncode == 0
    assert [(tmp_path / name).read_text() for name in ("own", "child")] == ["", ""]
