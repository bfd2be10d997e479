"""The one place that touches the machine: durable files, secrets in memory, and check mode that cannot write."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.fleet_box import SECRET_PATH, Box, CommandError, ReadOnlyBox, WriteInCheckMode


def test_a_secret_is_readable_by_the_command_and_not_in_its_arguments() -> None:
    script = 'cat "$1"; tr "\\0" " " < /proc/self/cmdline >&2'
    done = Box().run(["sh", "-c", script, "sh", SECRET_PATH], secret=b"the-secret")
    assert done.stdout == "the-secret"
    assert "the-secret" not in done.stderr


def test_a_failure_says_which_command_and_its_own_words() -> None:
    with pytest.raises(CommandError, match=r"`sh -c echo no disk >&2; exit 3` ended with 3: no disk"):
        Box().run(["sh", "-c", "echo no disk >&2; exit 3"])
    with pytest.raises(CommandError, match="is not installed in the image"):
        Box().run(["no-such-program"])
    with pytest.raises(CommandError, match="did not end within 0 s"):
        Box().run(["sleep", "5"], timeout_s=0)


def test_a_file_is_replaced_whole_with_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "file"
    Box().write(str(target), b"one", mode=0o640)
    Box().write(str(target), b"two", mode=0o600)
    assert target.read_bytes() == b"two"
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(target.parent.iterdir()) == [target]


def test_a_missing_file_is_none_and_an_unreadable_one_is_an_error(tmp_path: Path) -> None:
    assert Box().read(str(tmp_path / "none")) is None
    with pytest.raises(IsADirectoryError):
        Box().read(str(tmp_path))


@pytest.mark.parametrize(
    "argv",
    [
        ["mkfs.ext4", "/dev/x"],
        ["wipefs", "--all", "/dev/x"],
        ["cryptsetup", "luksFormat", "/dev/x"],
        ["nft", "-f", "-"],
        ["mdadm", "--create", "/dev/md/state"],
        ["systemctl", "enable", "x"],
        ["unshare", "--net", "sh", "-c", "rm -r /"],
    ],
)
def test_check_mode_runs_no_changing_command(argv: list[str]) -> None:
    with pytest.raises(WriteInCheckMode):
        ReadOnlyBox().run(argv)


def test_check_mode_writes_and_removes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    with pytest.raises(WriteInCheckMode):
        ReadOnlyBox().write(str(file), b"new")
    with pytest.raises(WriteInCheckMode):
        ReadOnlyBox().remove(str(file))
    assert file.read_bytes() == b"old"
