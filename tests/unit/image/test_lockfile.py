"""The lock is read for the box, whatever Python reads it, and nothing unpinned passes."""

from __future__ import annotations

import pytest

from fleetctl.errors import ConfigError
from fleetctl.image.lockfile import BOX_PLATFORMS, Pin, parse_lock
from fleetctl.resources import resource_dir

LOCK = """\
# a comment
av==18.1.0 ; python_full_version < '3.12' \\
    --hash=sha256:aa
av==19.0.2 ; python_full_version >= '3.12' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:dd
"""


def test_markers_are_evaluated_for_the_box() -> None:
    assert parse_lock(LOCK, origin="lock") == [Pin("av", "19.0.2", ("bb", "cc"))]


def test_pin_as_a_line_for_pip() -> None:
    assert Pin("av", "1", ("bb", "cc")).line() == "av==1 --hash=sha256:bb --hash=sha256:cc"


@pytest.mark.parametrize("entry", ["av==1", "av>=1 --hash=sha256:aa", "av --hash=sha256:aa", "=== --hash=sha256:aa"])
def test_unpinned_or_broken_entry_is_refused(entry: str) -> None:
    with pytest.raises(ConfigError, match="lock: "):
        parse_lock(entry, origin="lock")


def test_the_lock_of_this_project_pins_every_package_once() -> None:
    lock = resource_dir("images") / "appliance.lock"
    names = [pin.name for pin in parse_lock(lock.read_text(), origin=str(lock))]
    assert {"faster-whisper", "starlette", "pydantic"} <= set(names)
    assert len(names) == len(set(names))


def test_wheels_for_an_older_and_for_the_newest_glibc_fit() -> None:
    assert {"manylinux2014_x86_64", "manylinux_2_28_x86_64", "manylinux_2_41_x86_64"} <= set(BOX_PLATFORMS)
    assert "manylinux_2_42_x86_64" not in BOX_PLATFORMS
