"""Key sets, their rotation on disk, and the revocation list."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from appliance.gateway.auth import watched_file
from appliance.gateway.auth.keys import MAX_JWKS_BYTES, MAX_KEYS, parse_jwks
from appliance.gateway.auth.refusal import AccessError
from appliance.gateway.auth.verifier import TokenVerifier

Box = Callable[..., TokenVerifier]


def code(verifier: TokenVerifier, token: str) -> str:
    try:
        verifier.verify(token)
    except AccessError as refused:
        return refused.code
    return "taken"


def replace(path: Path, value: object) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(value if isinstance(value, str) else json.dumps(value))
    fresh.replace(path)


def test_keys_that_we_have_no_use_for_are_passed_over(provider: Any) -> None:
    secp384 = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True)
    others = [
        provider.jwk("rsa", use="enc", kid="e"), provider.jwk("rsa", alg="RSA-OAEP", kid="o"), secp384 | {"kid": "p"},
        provider.jwk("ec", key_ops=["encrypt"], kid="k"), {"kty": "NEW", "kid": "n"}, {"kty": "OKP", "crv": "X25519"},
    ]  # fmt: skip
    (key,) = parse_jwks({"keys": [*others, provider.jwk("ed")]})
    assert (key.key_id, key.algorithms) == ("ed", {"EdDSA"})
    with pytest.raises(ValueError, match="no key"):
        parse_jwks({"keys": others})


def test_key_sets_that_are_refused(provider: Any, keys: dict[str, Any]) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - what must be refused
    small = RSAAlgorithm.to_jwk(weak.public_key(), as_dict=True)
    private = ECAlgorithm.to_jwk(keys["ec"], as_dict=True)
    good = provider.jwk("ed")
    for given in (
        None, [], {}, {"keys": None}, {"keys": []}, {"keys": [1]}, {"keys": "abc"},
        {"keys": [small]}, {"keys": [private]}, {"keys": [good, {"kty": "oct", "k": "AAAA", "kid": "h"}]},
        {"keys": [good, private | {"use": "enc", "kid": "z"}]}, {"keys": [good, good]},
        {"keys": [good, provider.jwk("ec", kid=None)]}, {"keys": [good | {"kid": 5}]},
        {"keys": [good | {"x": "!"}]}, {"keys": [good | {"x": "AAAA"}]}, {"keys": [good] * (MAX_KEYS + 1)},
    ):  # fmt: skip
        with pytest.raises(ValueError) as refused:
            parse_jwks(given)
        assert private["d"] not in str(refused.value)


def test_keys_rotate_without_a_restart(box: Box, provider: Any, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    replace(path, provider.jwks("ed"))
    verifier = box({"jwks_file": path})
    assert code(verifier, provider.token("ed")) == "taken"
    assert code(verifier, provider.token("ed2")) == "token-key-unknown"
    replace(path, provider.jwks("ed2"))
    assert code(verifier, provider.token("ed2")) == "taken"
    assert code(verifier, provider.token("ed")) == "token-key-unknown"


def test_change_in_place_is_seen_although_size_and_time_are_the_same(box: Box, provider: Any, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    first, second = (json.dumps({"keys": [provider.jwk(name, kid="k")]}) for name in ("ed", "ed2"))
    assert len(first) == len(second)
    path.write_text(first)
    stamp = path.stat().st_mtime_ns
    verifier = box({"jwks_file": path})
    assert code(verifier, provider.token("ed", header={"kid": "k"})) == "taken"
    path.write_text(second)
    os.utime(path, ns=(stamp, stamp))
    assert code(verifier, provider.token("ed2", header={"kid": "k"})) == "taken"


def test_second_write_within_one_tick_of_the_clock_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    now = time.time_ns()
    frozen = SimpleNamespace(
        st_dev=1, st_ino=1, st_size=3, st_mtime_ns=now, st_ctime_ns=now, st_mode=path.stat().st_mode
    )  # fmt: skip
    monkeypatch.setattr(watched_file.os, "fstat", lambda _: frozen)
    watched = watched_file.WatchedFile(path, bytes, 100)
    assert watched.get() == b"one"
    path.write_bytes(b"two")
    assert watched.get() == b"two"


def test_unchanged_old_file_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []

    def parse(data: bytes) -> bytes:
        parsed.append(data)
        return data

    path = tmp_path / "file"
    path.write_bytes(b"one")
    monkeypatch.setattr(watched_file, "_YOUNG_NS", -(10**18))  # every file counts as old
    watched = watched_file.WatchedFile(path, parse, 100)
    assert [watched.get(), watched.get()] == [b"one", b"one"]
    assert len(parsed) == 1
    path.write_bytes(b"other")
    assert watched.get() == b"other"


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"keys": []}', "[" * 60_000, " " * (MAX_JWKS_BYTES + 1)])
def test_keys_that_cannot_be_read_let_nobody_in(box: Box, provider: Any, tmp_path: Path, broken: str) -> None:
    path = tmp_path / "jwks.json"
    replace(path, provider.jwks("ed"))
    verifier = box({"jwks_file": path})
    assert code(verifier, provider.token("ed")) == "taken"
    replace(path, broken)
    assert code(verifier, provider.token("ed")) == "keys-unavailable"
    replace(path, provider.jwks("ed"))
    assert code(verifier, provider.token("ed")) == "taken"
    path.unlink()
    assert code(verifier, provider.token("ed")) == "keys-unavailable"
    path.mkdir()
    assert code(verifier, provider.token("ed")) == "keys-unavailable"


def test_pipe_in_place_of_the_keys_does_not_hang(box: Box, provider: Any, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    os.mkfifo(path)
    assert code(box({"jwks_file": path}), provider.token("ed")) == "keys-unavailable"


def revoked(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"schema_version": "revocations/v1", "entries": list(entries)}


def test_revocation_of_token_session_and_subject(box: Box, provider: Any, tmp_path: Path) -> None:
    path = tmp_path / "revoked.json"
    replace(path, revoked())
    verifier = box(revocations_file=path)
    issuer = provider.claims()["iss"]
    for kind, value, other in (
        ("jti", "bad", {"jti": "good"}),
        ("sid", "s1", {"sid": "s2"}),
        ("subject", "clinician-1", {"sub": "clinician-2"}),
    ):
        token = provider.token(**({"jti": "bad"} if kind == "jti" else {}))
        replace(path, revoked())
        principal = verifier.verify(token)
        replace(path, revoked({"issuer": issuer, "kind": kind, "value": value}))
        assert code(verifier, token) == "token-revoked"
        with pytest.raises(AccessError):
            verifier.check(principal)
        assert code(verifier, provider.token(**other)) == "taken"
        replace(path, revoked({"issuer": "https://other.example", "kind": kind, "value": value}))
        assert code(verifier, token) == "taken"


def test_subject_may_come_back_with_tokens_issued_later(box: Box, provider: Any, clock: Any, tmp_path: Path) -> None:
    path = tmp_path / "revoked.json"
    entry = {"issuer": provider.claims()["iss"], "kind": "subject", "value": "clinician-1"}
    replace(path, revoked(entry | {"issued_before": "2026-03-04T18:00:00Z"}))
    verifier = box(revocations_file=path)
    assert code(verifier, provider.token()) == "token-revoked"
    clock.now += 1
    assert code(verifier, provider.token()) == "taken"
    # Two lines about one subject: the wider one counts.
    replace(path, revoked(entry, entry | {"issued_before": "2026-03-04T18:00:00Z"}))
    assert code(verifier, provider.token()) == "token-revoked"


@pytest.mark.parametrize("broken", ["", "[]", "{}", json.dumps(revoked({"kind": "jti", "value": "x"})), "[" * 60_000])
def test_list_that_cannot_be_read_lets_nobody_in(box: Box, provider: Any, tmp_path: Path, broken: str) -> None:
    path = tmp_path / "revoked.json"
    verifier = box(revocations_file=path)
    assert code(verifier, provider.token()) == "revocations-unavailable"
    replace(path, broken)
    assert code(verifier, provider.token()) == "revocations-unavailable"
    replace(path, revoked())
    assert code(verifier, provider.token()) == "taken"
