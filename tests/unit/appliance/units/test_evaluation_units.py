"""The engines of an evaluation: the sandbox of those that serve, less urgent, asked by root alone."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fleetctl.resources import resource_dir

IMAGE = resource_dir("images") / "edge"
UNITS = IMAGE / "mkosi.extra/usr/lib/systemd/system"
GPU = IMAGE / "mkosi.profiles/gpu/mkosi.extra/usr/lib/systemd/system"
TASKS = ("transcription", "drafting")


def settings(path: Path) -> set[str]:
    return {line for line in path.read_text().splitlines() if line and not line.startswith("#")}


@pytest.mark.parametrize("task", TASKS)
def test_it_differs_from_the_serving_unit_in_what_it_is_for_alone(task: str) -> None:
    serving = settings(UNITS / f"appliance-{task}.service")
    evaluating = settings(UNITS / f"appliance-evaluate-{task}.service")
    differs = {line.partition("=")[0] for line in serving ^ evaluating}
    assert differs == {
        "Description", "ExecStart", "LoadCredential", "Restart", "RestartSec", "RuntimeMaxSec", "CPUWeight", "IOWeight",
        "Group", "RuntimeDirectory", "RuntimeDirectoryMode", "Environment", "MountImages",
    } | ({"ConditionPathExists"} if task == "drafting" else set())  # fmt: skip
    assert {
        f"MountImages=/run/appliance-evaluate/{task}.raw:/run/model", "MountImagePolicy=root=signed",
        "RuntimeDirectoryMode=0700", f"RuntimeDirectory=appliance-evaluate-{task}", "Restart=no", "CPUWeight=10",
    } <= evaluating  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_on_a_card_it_has_what_the_serving_one_has(task: str) -> None:
    one, other = (GPU / f"appliance-{infix}{task}.service.d/60-gpu.conf" for infix in ("", "evaluate-"))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("task", TASKS)
def test_exposure_is_that_of_services_with_patient_data(task: str) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", UNITS / f"appliance-evaluate-{task}.service"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    match = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert match, done.stdout[-500:] + done.stderr[-500:]
    assert float(match[1]) <= 2.0


def test_nobody_starts_them_but_an_evaluation() -> None:
    wanted = (UNITS / "appliance.target").read_text() + (GPU / "appliance.target.d/60-gpu.conf").read_text()
    assert "evaluate" not in wanted
    assert "[Install]" not in "".join(path.read_text() for path in UNITS.glob("appliance-evaluate-*"))
