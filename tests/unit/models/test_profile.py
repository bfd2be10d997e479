"""Hardware profiles: the built-in ones are right, and the schema is what the model says."""

from __future__ import annotations

import pytest

from fleetctl.errors import ConfigError
from fleetctl.models.fleetdir import load_profile
from fleetctl.models.load import parse
from fleetctl.models.profile import NOT_INHERITED, HardwareProfile, builtin_profile_paths
from fleetctl.models.schema import profile_schema
from fleetctl.resources import resource_dir


def test_every_builtin_profile_loads_under_its_name() -> None:
    paths = builtin_profile_paths()
    assert "lab-vm" in paths
    for name in paths:
        assert load_profile(name, paths).name == name


def test_schema_is_the_generated_one() -> None:
    assert (resource_dir("hardware") / "schema.json").read_text() == profile_schema(), "run: make docs"


def test_raid10_needs_four_disks() -> None:
    text = builtin_profile_paths()["lab-vm"].read_text().replace("level: raid1", "level: raid10")
    with pytest.raises(ConfigError, match=r"raid10 needs min_disks of at least 4"):
        parse(text, HardwareProfile, "p.yaml")


def test_the_two_chassis_of_a_class_require_the_same() -> None:
    paths = builtin_profile_paths()
    for one, other in (("hospital-r760xa", "hospital-dl380-gen11"), ("clinic-sys-221h-tnr", "clinic-t360")):
        first, second = (
            load_profile(name, paths).spec.model_dump(exclude=NOT_INHERITED | {"description"}) for name in (one, other)
        )
        assert first == second


def test_figures_of_the_specification() -> None:
    paths = builtin_profile_paths()
    hospital, clinic = (load_profile(name, paths).spec for name in ("hospital-r760xa", "clinic-t360"))
    assert (hospital.cpu.min_cores, hospital.memory.min_installed_gib, hospital.gpus[0].count) == (64, 512, 4)
    assert (clinic.cpu.min_cores, clinic.memory.min_installed_gib, clinic.gpus[0].count) == (24, 256, 2)
    assert hospital.memory.encryption.required
    assert hospital.hsm.required
    assert (hospital.storage.level, hospital.storage.encryption) == ("raid10", "hardware")
    assert clinic.storage.encryption == "software"
    assert clinic.gpus[0].ecc == "on"
    assert clinic.price is not None
    assert (clinic.price.min_usd, clinic.price.max_usd) == (45000, 65000)
    assert hospital.price is None
    assert (hospital.capacity, clinic.capacity) != (None, None)
    # The parts add up to the requirement.
    memory_gb = sum(part.quantity * 32 for part in hospital.parts if "RDIMM 32 GB" in part.part)
    assert memory_gb == hospital.memory.min_installed_gib


def test_memory_that_no_module_could_hold_is_refused() -> None:
    text = (
        builtin_profile_paths()["hospital-r760xa"]
        .read_text()
        .replace("min_installed_gib: 512", "min_installed_gib: 64")
    )
    with pytest.raises(ConfigError, match="min_mib 503316 is more than min_installed_gib 64 holds"):
        parse(text, HardwareProfile, "p.yaml")
