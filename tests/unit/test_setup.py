"""What the set-up scripts say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
QUIETLY = ROOT / "setup/quietly.sh"


def quietly(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(QUIETLY), "sh", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip


def test_a_set_up_that_goes_well_says_nothing() -> None:
    done = quietly("echo WARNING: a place is ignored >&2; echo installed")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_one_that_fails_says_all_in_its_order_and_keeps_its_code() -> None:
    done = quietly("echo first; echo second >&2; echo third; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "first\nsecond\nthird\n")


def test_every_installer_of_packages_is_run_so() -> None:
    """Also one that is added later: installers that print on their own are what filled the screen."""
    installs = []
    for file in (ROOT / "Makefile", *ROOT.glob("setup/*.sh")):
        text = file.read_text().replace("\\\n", " ")
        installs += [
            line for line in text.splitlines() if re.search(r"^[^#]*\bpip\b[^#]* install\b|\bpip install\b", line)
        ]
    commands = [line for line in installs if not line.lstrip().startswith(("#", "say ", "die "))]
    assert len(commands) >= 2
    assert [line for line in commands if "quietly.sh" not in line] == []
