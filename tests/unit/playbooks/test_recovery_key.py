"""Recovery keys: their form, how they are found in output, and that no error carries one."""

from __future__ import annotations

import pytest
from ansible.module_utils.fleet_box import CommandError
from ansible.module_utils.fleet_recovery_key import (
    bad_recipients,
    encrypt_argv,
    find_recovery_key,
    new_recovery_key,
    recovery_key_from,
)


def test_the_form_is_that_of_systemd() -> None:
    # Worked out by hand from systemd's recovery-key.c: high half first, "cbdefghijklnrtuv"[n].
    key = recovery_key_from(bytes(range(16)) + bytes([0xFF, 0x10, 0xAB, 0xCD]) * 4)
    assert key == "-".join(["cccbcdce", "cfcgchci", "cjckclcn", "crctcucv", *["vvbclnrt"] * 4])


def test_keys_are_different_and_have_256_bits() -> None:
    keys = {new_recovery_key() for _ in range(50)}
    assert len(keys) == 50
    assert {len(key.replace("-", "")) * 4 for key in keys} == {256}
    with pytest.raises(ValueError, match="32 bytes"):
        recovery_key_from(b"short")


def test_the_key_is_found_in_output_when_it_is_the_only_one() -> None:
    key, other = new_recovery_key(), new_recovery_key()
    assert find_recovery_key(f"text\n{key}\n") == key
    assert find_recovery_key(f"{key}\n{other}\n") is None
    assert find_recovery_key("nothing") is None


def test_an_error_never_carries_a_key() -> None:
    key = new_recovery_key()
    error = CommandError(["systemd-cryptenroll", "/dev/x"], "ended with 1", f"A secret recovery key: {key}\nfailed")
    assert key not in str(error)
    assert "[recovery key removed]" in str(error)
    assert "failed" in str(error)


def test_recipients_are_checked_before_a_key_exists() -> None:
    good = "age1" + "q" * 58
    assert bad_recipients([good, "age1short", "ssh-ed25519 AAAA", good + "\n"]) == [
        "age1short",
        "ssh-ed25519 AAAA",
        good + "\n",
    ]
    assert encrypt_argv([good, good])[-4:] == ["--recipient", good, "--recipient", good]
