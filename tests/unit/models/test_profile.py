"""Hardware profiles: the built-in ones are right, and the schema is what the model says."""

from __future__ import annotations

import pytest

from fleetctl.errors import ConfigError
from fleetctl.models.fleetdir import load_profile
from fleetctl.models.load import parse
from fleetctl.models.profile import HardwareProfile, builtin_profile_paths
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
