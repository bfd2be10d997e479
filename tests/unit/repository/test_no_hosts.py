"""No file of ours names a package registry or a place of the machine it was written on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

# Put together here, so that this file does not name them either.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("security", "ubuntu", "com"),
        ("registry", "npmjs", "org"),
        ("huggingface", "co"),
    )
]
# Folders of a developer's machine; an operator's are named by ~ or a variable.
PLACES = ["/" + name + "/" for name in ("work/main", "work/shared", "root/.pyenv", "tmp/w", "opt/wheels", "opt/pypi")]
FORBIDDEN = re.compile(
    "|".join([*map(re.escape, REGISTRIES), *(rf"(?<![\w./}}-]){re.escape(place)}" for place in PLACES)])
)


LOCKS = ("requirements/dev.lock", "requirements/operator.lock", "images/appliance.lock", "images/vllm.lock")


def tracked() -> list[Path]:
    """Files that git knows or would add."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_no_registry_and_no_place_of_this_machine() -> None:
    files = tracked()
    assert len(files) > 50
    found = []
    for path in files:
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            if match := FORBIDDEN.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match[0]}")
    assert found == []


@pytest.mark.parametrize("line", ["https://" + REGISTRIES[0] + "/simple", "cd " + PLACES[0] + "x", PLACES[2] + "x"])
def test_the_rule_finds_what_it_forbids(line: str) -> None:
    assert FORBIDDEN.search(line)


def test_ordinary_paths_are_allowed() -> None:
    for line in ("var/lib/root/x", "${dir}/work/x", "/run/x", "./work/"):
        assert not FORBIDDEN.search(line)


def test_locks_are_pinned_with_hashes_and_without_addresses() -> None:
    for name in LOCKS:
        text = (ROOT / name).read_text()
        requirements = [line for line in text.splitlines() if line and not line[0].isspace()]
        assert requirements
        assert all("==" in line for line in requirements)
        assert text.count("--hash=sha256:") >= len(requirements)
        assert "://" not in text


def test_what_is_tested_is_what_is_installed() -> None:
    def pins(name: str) -> set[str]:
        lines = (ROOT / name).read_text().splitlines()
        return {line.split(" \\")[0] for line in lines if "==" in line and not line[0].isspace()}

    dev = {pin.split(" ;")[0] for pin in pins(LOCKS[0])}
    for name in LOCKS[1:3]:
        assert {pin.split(" ;")[0] for pin in pins(name)} <= dev


def test_one_version_for_every_python() -> None:
    # The box runs another Python than many developers; a fork in the lock once gave it an untested major version.
    for name in LOCKS[:3]:
        names = [
            line.split("==")[0] for line in (ROOT / name).read_text().splitlines() if "==" in line and line[0] != " "
        ]
        assert len(names) == len(set(names)), name
