"""The quick reader of YAML gives what the careful one gives, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as some

from fleetctl.errors import ConfigError
from fleetctl.models import yamlnodes, yamlquick
from fleetctl.models.fleetdir import FleetDir
from tests.fakes import site as fake

_PIECES = some.sampled_from(
    ["a", "b: ", "- ", "\n", "\n  ", ": ", "[", "]", "{", "}", ",", "'", '"', "#", "|", ">", "1", "0x1", "~", "no",
     "true", "1e3", "0123", "52:54:00", "---", "...", "\t", "?", "\\n", "é", "2026-01-01", "=", "<<", " "]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(some.lists(_PIECES, max_size=14).map("".join))
@example("a: 1\na: 2")
@example("a: [[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]")
@example("a: 123456789012345678901234567890")
@example("1: a")
@example("--- a\n--- b")
@example("")
def test_the_same_or_nothing(text: str) -> None:
    quick = yamlquick.parse(text)
    if quick is yamlquick.NOTHING:
        return
    careful = yamlnodes.parse(text).data
    assert quick == careful
    assert repr(quick) == repr(careful)


@pytest.mark.parametrize("text", ["a: &x 1", "a: *x", "a: !!str 1", "%YAML 1.2\n---\na: 1", "a: 1\na: 2", "- ["])
def test_what_could_be_dangerous_is_left_to_the_careful_reader(text: str) -> None:
    assert yamlquick.parse(text) is yamlquick.NOTHING


def test_a_site_file_is_read_the_quick_way(fleet_dir: FleetDir) -> None:
    path = fleet_dir.write_site(fake.SITE)
    assert yamlquick.parse(path.read_text()) == yaml.safe_load(path.read_text())
    assert fleet_dir.site("lab-1") == fake.SITE


def test_what_is_wrong_in_it_has_its_line(fleet_dir: FleetDir) -> None:
    path: Path = fleet_dir.write_site(fake.SITE)
    path.write_text(path.read_text().replace("ssh_port:", "ssh_prot:"))
    with pytest.raises(
        ConfigError, match=r"lab-1\.yaml:\d+: spec\.management\.ssh_prot: unknown key; did you mean ssh_port"
    ):
        fleet_dir.site("lab-1")
