"""A token that comes again is not computed again, and counts no longer than a new one would."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jwt import PyJWS

from appliance.gateway.auth import signatures, watched_file
from appliance.gateway.auth.refusal import AccessError
from appliance.gateway.auth.verifier import TokenVerifier

Box = Callable[..., TokenVerifier]


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens whose signature was computed."""
    found: list[str] = []
    decode = PyJWS.decode

    def counted(self: Any, token: Any, *given: Any, **more: Any) -> Any:
        found.append(token)
        return decode(self, token, *given, **more)

    monkeypatch.setattr(PyJWS, "decode", counted)
    monkeypatch.setattr(watched_file, "_YOUNG_NS", -(10**18))  # every file counts as old: it is parsed once
    return found


def code(verifier: TokenVerifier, token: str) -> str:
    try:
        verifier.verify(token)
    except AccessError as error:
        return error.code
    return "taken"


def test_a_signature_is_computed_once(box: Box, provider: Any, computed: list[str]) -> None:
    verifier, token = box(), provider.token()
    assert verifier.verify(token) == verifier.verify(token)
    assert computed == [token]
    # Another signature over the same claims is another token.
    assert code(verifier, token[:-8] + "AAAAAAAA") == "token-signature"
    assert code(verifier, provider.token()) == "taken"
    assert len(computed) == 3


def test_a_refused_token_is_not_remembered(box: Box, provider: Any, clock: Any, computed: list[str]) -> None:
    verifier, late = box(), provider.token(iat=int(clock.now) + 100, exp=int(clock.now) + 700)
    assert [code(verifier, late), code(verifier, late)] == ["token-not-yet-valid"] * 2
    assert len(computed) == 2
    clock.now += 100
    assert code(verifier, late) == "taken"


def test_it_ends_with_its_time_whatever_is_remembered(box: Box, provider: Any, clock: Any, computed: list[str]) -> None:
    verifier, token = box(), provider.token()
    assert code(verifier, token) == "taken"
    clock.now += 600 + 29.9
    assert code(verifier, token) == "taken"
    clock.now += 0.2
    assert code(verifier, token) == "token-expired"
    assert len(computed) == 1
    assert len(verifier._signatures) == 0
    clock.now -= 10_000  # and a clock that was put back takes nothing that is not valid yet
    assert code(verifier, token) == "token-not-yet-valid"


def test_revocation_and_logoff_hold_at_once(box: Box, provider: Any, tmp_path: Path, computed: list[str]) -> None:
    path = tmp_path / "revoked.json"
    nothing: dict[str, Any] = {"schema_version": "revocations/v1", "entries": []}
    path.write_text(json.dumps(nothing))
    verifier, token = box(revocations_file=path), provider.token()
    assert [code(verifier, token), code(verifier, token)] == ["taken", "taken"]
    entry = {"issuer": provider.claims()["iss"], "kind": "sid", "value": "s1"}
    path.write_text(json.dumps(nothing | {"entries": [entry]}))
    assert code(verifier, token) == "token-revoked"
    path.write_text(json.dumps(nothing))
    assert code(verifier, token) == "taken"
    path.unlink()
    assert code(verifier, token) == "revocations-unavailable"
    path.write_text(json.dumps(nothing))
    verifier.log_off(verifier.verify(token))
    assert code(verifier, token) == "session-expired"


def test_idle_time_counts_from_the_last_request(box: Box, provider: Any, clock: Any, computed: list[str]) -> None:
    verifier, token = box(sessions={"idle_timeout_s": 60}), provider.token()
    for _ in range(3):
        clock.now += 50
        assert code(verifier, token) == "taken"
    clock.now += 61
    assert code(verifier, token) == "session-expired"
    assert len(computed) == 1


def test_a_key_that_is_gone_takes_its_tokens_along(
    box: Box, provider: Any, tmp_path: Path, computed: list[str]
) -> None:  # fmt: skip
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(provider.jwks("ed", "ec")))
    verifier, token = box({"jwks_file": path}), provider.token("ed")
    assert [code(verifier, token), code(verifier, token)] == ["taken", "taken"]
    assert len(computed) == 1
    path.write_text(json.dumps(provider.jwks("ec")))
    assert code(verifier, token) == "token-key-unknown"
    # Another key under the same name: what the old one signed does not count.
    path.write_text(json.dumps({"keys": [provider.jwk("ed2", kid="ed"), provider.jwk("ec")]}))
    assert code(verifier, token) == "token-signature"
    path.unlink()
    assert code(verifier, token) == "keys-unavailable"


def test_the_longest_unused_leaves(
    box: Box, provider: Any, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signatures, "MAX_TOKENS", 2)
    verifier = box()
    first, second, third = (provider.token() for _ in range(3))
    for token in (first, second, first, third):
        verifier.verify(token)
    assert len(verifier._signatures) == 2
    assert computed == [first, second, third]
    verifier.verify(first)
    assert len(computed) == 3
    verifier.verify(second)
    assert len(computed) == 4


def test_neither_token_nor_other_claims_are_kept(box: Box, provider: Any, computed: list[str]) -> None:
    verifier, token = box(), provider.token(secret="kept nowhere")
    verifier.verify(token)
    kept = repr(vars(verifier._signatures))
    assert token not in kept
    assert "kept nowhere" not in kept
