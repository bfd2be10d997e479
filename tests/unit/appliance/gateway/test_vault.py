"""Keys: made once, bound to their place, never replaced beside a store that needs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.errors import UnknownStateError
from appliance.gateway.vault import KEY_BYTES, IntegrityError, Vault, master_key


def test_the_master_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys/master.key"
    key = master_key(path, may_make=True)
    assert len(key) == KEY_BYTES
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert master_key(path, may_make=True) == key


def test_a_half_made_key_is_replaced_and_never_used(tmp_path: Path) -> None:
    (tmp_path / "master.new").write_bytes(b"half")
    assert len(master_key(tmp_path / "master.key", may_make=True)) == KEY_BYTES


def test_a_missing_master_key_beside_a_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownStateError, match="is missing"):
        master_key(tmp_path / "master.key", may_make=False)
    assert not (tmp_path / "master.key").exists()


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_master_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(UnknownStateError):
        Vault(b"x" * length)


def test_another_master_key_unwraps_nothing() -> None:
    _, wrapped = Vault(b"a" * KEY_BYTES).new_key("e1")
    with pytest.raises(IntegrityError):
        Vault(b"b" * KEY_BYTES).unwrap("e1", wrapped)


def test_a_key_opens_only_what_it_sealed_at_its_place() -> None:
    vault = Vault(b"a" * KEY_BYTES)
    key, wrapped = vault.new_key("e1")
    other, _ = vault.new_key("e1")
    sealed = key.seal(b"text", "record/1")
    assert vault.unwrap("e1", wrapped).open(sealed, "record/1") == b"text"
    for opener, place, data in (
        (key, "record/2", sealed),
        (other, "record/1", sealed),
        (key, "record/1", sealed[:-1]),
        (key, "record/1", sealed[:5]),
        (key, "record/1", b""),
        (key, "record/1", bytes([sealed[0] ^ 1]) + sealed[1:]),
    ):
        with pytest.raises(IntegrityError):
            opener.open(data, place)
    with pytest.raises(IntegrityError):
        vault.unwrap("e2", wrapped)


def test_commitments_are_of_the_key_and_say_nothing() -> None:
    vault = Vault(b"a" * KEY_BYTES)
    (key, wrapped), (other, _) = vault.new_key("e1"), vault.new_key("e2")
    assert key.commit(b"text") == vault.unwrap("e1", wrapped).commit(b"text")
    assert key.commit(b"text") != other.commit(b"text")
    assert repr(key) == "EncounterKey()"
    assert key.seal(b"text", "p") != key.seal(b"text", "p")
