"""Profiles that extend another: what is joined, what is replaced, and where a problem is said to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetctl.errors import ConfigError
from fleetctl.models.inherit import MAX_BASES, load_inherited
from fleetctl.models.profile import NOT_INHERITED, HardwareProfile, builtin_profile_paths


def _variant(folder: Path, spec: str, *, name: str = "mine", base: str = "hospital-r760xa") -> Path:
    path = folder / f"{name}.yaml"
    head = f"apiVersion: fleetctl/v1\nkind: HardwareProfile\nmetadata:\n  name: {name}\nextends: {base}\n"
    path.write_text(head + spec)
    return path


def _load(path: Path, *others: Path) -> HardwareProfile:
    paths = builtin_profile_paths() | {file.stem: file for file in others}
    return load_inherited(path, HardwareProfile, paths, NOT_INHERITED)


def test_mappings_are_joined_and_lists_replaced(tmp_path: Path) -> None:
    mine = _load(
        _variant(tmp_path, "spec:\n  cpu: {min_cores: 48, instruction_sets: [avx2]}\n  hsm: {required: false}\n")
    )
    base = _load(builtin_profile_paths()["hospital-r760xa"])
    assert mine.spec.cpu.min_cores == 48
    assert mine.spec.cpu.instruction_sets == ["avx2"]
    assert mine.spec.cpu.reference == base.spec.cpu.reference
    assert not mine.spec.hsm.required
    assert mine.spec.gpus == base.spec.gpus
    assert (mine.name, mine.metadata.labels) == ("mine", {})


def test_what_describes_the_bases_machine_is_not_taken(tmp_path: Path) -> None:
    mine = _load(_variant(tmp_path, "spec: {description: Other}\n", base="clinic-sys-221h-tnr"))
    assert (mine.spec.price, mine.spec.capacity, mine.spec.chassis, mine.spec.parts, mine.spec.notes) == (
        None,
        None,
        None,
        [],
        [],
    )


def test_a_problem_is_said_where_it_stands(tmp_path: Path) -> None:
    wrong = _variant(tmp_path, "spec:\n  cpu:\n    min_cors: 4\n", name="wrong")
    with pytest.raises(ConfigError, match=r"wrong\.yaml:8: spec\.cpu\.min_cors: unknown key; did you mean min_cores\?"):
        _load(wrong)
    above = _variant(tmp_path, "spec:\n  description: Fine by itself\n", name="above", base="wrong")
    with pytest.raises(ConfigError, match=r"wrong\.yaml:8: spec\.cpu\.min_cors"):
        _load(above, wrong)


def test_what_only_the_base_says_can_still_be_missing_here(tmp_path: Path) -> None:
    """A list that replaces the base's takes nothing of it, so its items must be whole."""
    short = _variant(tmp_path, "spec:\n  gpus:\n    - {reference: NVIDIA L40S, count: 2}\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml:8: spec\.gpus\[0\]\.min_memory_mib: missing"):
        _load(short)


def test_an_unknown_base_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mine\.yaml:5: extends: there is no hospital-r760") as caught:
        _load(_variant(tmp_path, "spec: {}\n", base="hospital-r760"))
    assert caught.value.hint == "did you mean hospital-r760xa?"


def test_a_circle_and_a_tower_are_refused(tmp_path: Path) -> None:
    left = _variant(tmp_path, "spec: {}\n", name="left", base="right")
    right = _variant(tmp_path, "spec: {}\n", name="right", base="left")
    with pytest.raises(ConfigError, match="left extends itself in the end"):
        _load(left, left, right)
    tower = [
        _variant(tmp_path, "spec: {}\n", name=f"floor-{n}", base=f"floor-{n + 1}" if n <= MAX_BASES else "lab-vm")
        for n in range(MAX_BASES + 2)
    ]
    with pytest.raises(ConfigError, match=f"more than {MAX_BASES} bases"):
        _load(tower[0], *tower)


@pytest.mark.parametrize(
    "text", ["- a list\n", "extends: lab-vm\n", "extends: lab-vm\nspec: 3\n", "extends: [lab-vm]\n"]
)
def test_what_is_no_profile_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"odd\.yaml:"):
        _load(path)
