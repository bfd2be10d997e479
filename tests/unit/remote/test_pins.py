"""Pinned host keys: reading, writing once, refusing another key in the same place."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetctl.errors import ConfigError, VerificationError
from fleetctl.remote.pins import fingerprint, read_pin, write_pin

# OpenSSH's own answer for this key: ssh-keygen -lf.
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
PRINT = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI"


def test_the_fingerprint_is_the_one_that_openssh_prints() -> None:
    assert fingerprint(KEY) == PRINT
    assert fingerprint(f"{KEY} a comment") == PRINT


def test_a_pin_is_written_once_beside_those_of_other_sites(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    assert write_pin(path, "north", KEY)
    assert not write_pin(path, "north", f"{KEY} root@box")
    assert write_pin(path, "south", OTHER)
    assert path.read_text() == f"north {KEY}\nsouth {OTHER}\n"
    assert read_pin(path, "north") == KEY
    assert read_pin(path, "nort") is None


def test_another_key_in_the_same_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    write_pin(path, "north", KEY)
    with pytest.raises(VerificationError, match="host key mismatch") as caught:
        write_pin(path, "north", OTHER)
    assert PRINT in caught.value.message
    assert path.read_text() == f"north {KEY}\n"


def test_a_file_that_a_person_left_without_a_last_newline_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"# ours\nsouth {OTHER}")
    write_pin(path, "north", KEY)
    assert path.read_text() == f"# ours\nsouth {OTHER}\nnorth {KEY}\n"


@pytest.mark.parametrize(
    "text",
    [
        f"north {KEY}\nnorth {OTHER}\n",
        "north ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==\n",
        "north ssh-ed25519 not-base64!\n",
        "north ssh-ed25519 AAAA\n",
        "north\n",
    ],
)
def test_an_ambiguous_or_odd_pin_is_an_error_and_no_pin(tmp_path: Path, text: str) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(text)
    with pytest.raises(ConfigError):
        read_pin(path, "north")
