"""Paths, bundles, keys and notes, against what the specifications themselves show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.audit.canonical import decode, encode
from appliance.audit.key import SigningKey
from appliance.audit.layout import decode_bundle, encode_bundle, tile_path
from appliance.audit.note import NoteError, VerifierKey, read_checkpoint, split_note
from appliance.contract.audit import Actor, AuditEntry

# The example of golang.org/x/mod/sumdb/note's documentation: a key and a note that another program made.
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_paths_as_the_specification_writes_them() -> None:
    assert str(tile_path(0, 1234067)) == "tile/0/x001/x234/067"
    assert str(tile_path(2, 0, 1)) == "tile/2/000.p/1"
    assert str(tile_path(None, 273, 112)) == "tile/entries/273.p/112"
    assert str(tile_path(None, 1000)) == "tile/entries/x001/000"


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_comes_back(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries)) == entries


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader_of_bundles(data: bytes) -> None:
    try:
        assert encode_bundle(decode_bundle(data)) == data
    except ValueError:
        return


def test_a_key_and_a_note_of_another_program() -> None:
    key = VerifierKey.parse(VKEY)
    assert str(key) == VKEY
    body, ((name, key_id, signature),) = split_note(NOTE)
    assert (name, key_id) == (key.name, key.key_id)
    key.verify(body, signature)
    with pytest.raises(NoteError, match="does not fit"):
        key.verify(body.replace("your", "our"), signature)


@pytest.mark.parametrize(
    "text",
    ["", "a+b", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", VKEY[:-4], "x+00000000+!!!!"],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.parse(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n7\n", "\n07\n"),
        ("\n7\n", "\n-7\n"),
        ("\n7\n", "\n7 \n"),
        ("example.org/log\n", "example.org/lag\n"),
        ("\n\n—", "\nextension\n\n—"),
        ("\n\n—", "\n—"),
        ("— ", "- "),
    ],
)
def test_a_changed_checkpoint_is_refused(old: str, new: str) -> None:
    key = SigningKey.make("example.org/log")
    note = key.sign(7, bytes(range(32))).note
    assert read_checkpoint(note, key.verifier).size == 7
    assert old in note
    with pytest.raises(NoteError):
        read_checkpoint(note.replace(old, new, 1), key.verifier)


def test_one_decision_has_one_form() -> None:
    at = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    one = AuditEntry(at=at, event="draft.begun", actor=Actor(subject="a", role="clinician"), numbers={"b": 1, "a": 2})
    other = one.model_copy(update={"at": at.astimezone(timezone(timedelta(hours=2))), "numbers": {"a": 2.0, "b": 1.0}})
    assert encode(one) == encode(other)
    assert decode(encode(one)) == one
    with pytest.raises(ValueError, match="event") as raised:
        decode(b'{"at":"2026-03-01T12:00:00Z","event":"secret words"}')
    assert "secret" not in str(raised.value)
