"""Bearer tokens: what is taken, and what is refused with which code."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.gateway.auth.principal import Role
from appliance.gateway.auth.refusal import REFUSALS, AccessError
from appliance.gateway.auth.settings import AccessSettings
from appliance.gateway.auth.verifier import TokenVerifier, bearer_token

Box = Callable[..., TokenVerifier]


def refusal(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(AccessError) as refused:
        verifier.verify(token)
    error = refused.value
    assert (error.status, error.detail, error.hint) == REFUSALS[error.code]
    assert str(error) == error.detail
    return error.code


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_principal_holds_what_the_token_says(box: Box, provider: Any, clock: Any) -> None:
    token = provider.token(name="C. One", npi="1234567893", licence_states=["CA", "NV"])
    found = box().verify(token)
    assert (found.subject, found.issuer, found.roles) == ("clinician-1", provider.claims()["iss"], {Role.CLINICIAN})
    assert (found.name, found.npi, found.licence_states, found.mfa) == ("C. One", "1234567893", {"CA", "NV"}, True)
    assert (found.session_id, found.token_id) == ("sid:s1", "t1")
    assert found.expires_at is not None
    assert found.expires_at.timestamp() == clock.now + 600
    assert found.authenticated_at == found.issued_at
    assert found.member_id == "https://idp.example/realms/practice#clinician-1"


@pytest.mark.parametrize(("key", "algorithm"), [("rsa", "RS256"), ("rsa", "PS256"), ("ec", "ES256"), ("ed", "EdDSA")])
def test_each_allowed_algorithm(box: Box, provider: Any, key: str, algorithm: str) -> None:
    assert box().verify(provider.token(key, algorithm)).subject == "clinician-1"
    others = sorted({"RS256", "PS256", "ES256", "EdDSA"} - {algorithm})
    assert refusal(box({"algorithms": others}), provider.token(key, algorithm)) == "token-algorithm"


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS512"])
def test_other_algorithms_are_refused(box: Box, provider: Any, algorithm: str) -> None:
    assert refusal(box(), provider.token("rsa", algorithm)) == "token-algorithm"


@pytest.mark.parametrize("name", ["none", "None", "NONE", "HS256", "", None, 5, ["RS256"]])
def test_unsigned_and_symmetric_tokens_are_refused(box: Box, provider: Any, name: object) -> None:
    for signature in ("", "AAAA"):
        token = f"{part({'alg': name, 'kid': 'rsa'})}.{part(provider.claims())}.{signature}"
        assert refusal(box(), token) == "token-algorithm"


def test_public_key_is_no_hmac_secret(box: Box, provider: Any) -> None:
    """The classic confusion: the public key, used as the secret of HS256."""
    secret = json.dumps(provider.jwk("rsa")).encode()
    signed = f"{part({'alg': 'HS256', 'kid': 'rsa'})}.{part(provider.claims())}"
    mac = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), hashlib.sha256)).rstrip(b"=").decode()
    assert refusal(box(), f"{signed}.{mac}") == "token-algorithm"


def test_the_key_decides_the_algorithm(box: Box, provider: Any) -> None:
    assert refusal(box(), provider.token("rsa", "RS256", {"kid": "ec"})) == "token-algorithm"
    assert refusal(box(), provider.token("ed", "EdDSA", {"kid": "rsa"})) == "token-algorithm"
    only_pss = {"keys": [provider.jwk("rsa", alg="PS256")]}
    assert refusal(box({"jwks": only_pss}), provider.token("rsa", "RS256")) == "token-algorithm"
    assert box({"jwks": only_pss}).verify(provider.token("rsa", "PS256"))


def test_several_keys_need_a_kid(box: Box, provider: Any) -> None:
    assert refusal(box(), provider.token("ed", header={"kid": None})) == "token-key-unknown"
    assert refusal(box(), provider.token("ed", header={"kid": "other"})) == "token-key-unknown"
    assert refusal(box(), provider.token("ed2")) == "token-key-unknown"
    alone = box({"jwks": provider.jwks("ed")})
    assert alone.verify(provider.token("ed", header={"kid": None}))
    assert refusal(alone, provider.token("ed", header={"kid": "other"})) == "token-key-unknown"


def test_a_key_in_the_token_counts_for_nothing(box: Box, provider: Any) -> None:
    header = {"kid": "ed", "jwk": provider.jwk("ed2"), "jku": "https://attacker.example/keys"}
    assert refusal(box(), provider.sign(provider.claims(), "ed2", "EdDSA", header)) == "token-signature"


def test_changed_tokens_are_refused(box: Box, provider: Any) -> None:
    header, _, signature = provider.token("ed").split(".")
    forged = part(provider.claims(groups=["doctors", "billing"]))
    assert refusal(box(), f"{header}.{forged}.{signature}") == "token-signature"
    assert refusal(box(), f"{header}.{forged}.") == "token-signature"
    assert refusal(box(), f"{header}.{forged}.{'A' * 86}") == "token-signature"


def test_another_issuers_key_does_not_sign_for_this_one(provider: Any, issuer: Any, clock: Any) -> None:
    other = issuer(issuer="https://other.example", jwks=provider.jwks("ed2"))
    verifier = TokenVerifier(AccessSettings(issuers=(issuer(), other)), clock=clock)
    assert verifier.verify(provider.token("ed2", iss="https://other.example"))
    assert refusal(verifier, provider.token("ed2")) == "token-key-unknown"
    assert refusal(verifier, provider.token("ed2", header={"kid": "ed"})) == "token-signature"


@pytest.mark.parametrize("name", ["exp", "iat", "nbf", "aud", "sub"])
def test_claims_that_must_be_there(box: Box, provider: Any, name: str) -> None:
    assert refusal(box(), provider.token(**{name: None})) == "token-incomplete"


def test_nbf_may_be_waived(box: Box, provider: Any, clock: Any) -> None:
    verifier = box({"require_nbf": False})
    assert verifier.verify(provider.token(nbf=None))
    assert refusal(verifier, provider.token(nbf=clock.now + 31)) == "token-not-yet-valid"


def test_a_session_or_token_name_must_be_there(box: Box, provider: Any) -> None:
    assert refusal(box(), provider.token(sid=None, jti=None)) == "token-incomplete"
    assert box().verify(provider.token(sid=None)).session_id.startswith("jti:t")


@pytest.mark.parametrize("said", [None, "https://other.example", "", 5, ["https://idp.example/realms/practice"]])
def test_unknown_issuers(box: Box, provider: Any, said: object) -> None:
    assert refusal(box(), provider.token(iss=said)) == "token-issuer"


@pytest.mark.parametrize("audience", ["other", ["other"], ["appliance2"], []])
def test_tokens_for_others(box: Box, provider: Any, audience: object) -> None:
    assert refusal(box(), provider.token(aud=audience)) in {"token-audience", "token-incomplete"}
    assert box().verify(provider.token(aud=["other", "appliance"]))


def test_times_allow_thirty_seconds_of_skew(box: Box, provider: Any, clock: Any) -> None:
    start, token = clock.now, provider.token()
    for moved, code in ((-30, None), (-31, "token-not-yet-valid"), (629, None), (630, "token-expired")):
        clock.now = start + moved
        if code is None:
            assert box().verify(token)
        else:
            assert refusal(box(), token) == code


@pytest.mark.parametrize("name", ["iat", "nbf", "auth_time"])
def test_times_of_the_future(box: Box, provider: Any, clock: Any, name: str) -> None:
    assert refusal(box(), provider.token(**{name: clock.now + 31})) == "token-not-yet-valid"


def test_token_that_lives_too_long(box: Box, provider: Any, clock: Any) -> None:
    assert box().verify(provider.token(exp=clock.now + 3600))
    assert refusal(box(), provider.token(exp=clock.now + 3601)) == "token-lifetime"
    assert refusal(box(), provider.token(iat=clock.now + 10, exp=clock.now + 10)) == "token-lifetime"


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": "2099-01-01"}, {"exp": True}, {"iat": -1}, {"exp": 1e300}, {"iat": [1]}, {"nbf": {}},
        {"sub": 5}, {"sub": ""}, {"sub": "x" * 256}, {"sub": "a\nb"}, {"sub": "a\ud800"}, {"name": "a\u202eb"},
        {"sid": 7}, {"jti": ""}, {"name": "x" * 256},
        {"npi": "1234567890"}, {"npi": "12345"}, {"npi": 1234567893}, {"licence_states": ["California"]},
        {"licence_states": 5}, {"groups": {"doctors": True}}, {"groups": [1]}, {"groups": ["doctors"] * 301},
        {"amr": 5}, {"aud": {"appliance": 1}},
    ],
)  # fmt: skip
def test_claims_of_another_form(box: Box, provider: Any, changed: dict[str, Any]) -> None:
    assert refusal(box(), provider.token(**changed)) == "token-claim"


def test_not_a_number_is_no_time(box: Box, provider: Any) -> None:
    for value in (float("nan"), float("inf")):
        assert refusal(box(), provider.token(exp=value)) == "token-claim"


@pytest.mark.parametrize("groups", [None, [], ["staff"], ["Doctors"], ["clinician"], ["console"], ["ehr"], "doctor"])
def test_without_a_mapped_role_nobody_gets_in(box: Box, provider: Any, groups: object) -> None:
    assert refusal(box(), provider.token(groups=groups)) == "no-role"
    assert REFUSALS["no-role"][0] == 403


@pytest.mark.parametrize(
    ("path", "claims"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["billing", "doctors"]}}),
        (["realm_access", "roles"], {"realm_access": {"roles": ["billing", "doctors"]}}),
        ("https://practice.example/roles", {"https://practice.example/roles": ["billing", "doctors"]}),
    ],
)
def test_roles_lie_where_the_provider_puts_them(box: Box, provider: Any, path: Any, claims: dict[str, Any]) -> None:
    found = box({"roles_claim": path}).verify(provider.token(groups=None, **claims))
    assert found.roles == {Role.CODER, Role.CLINICIAN}
    assert refusal(box({"roles_claim": path}), provider.token(groups=["doctors"])) == "no-role"


@pytest.mark.parametrize(
    ("changed", "claims", "mfa"),
    [
        ({}, {"amr": ["pwd"]}, False),
        ({}, {"amr": ["pwd", "otp"]}, False),
        ({}, {"amr": None}, False),
        ({}, {"amr": "mfa"}, True),
        ({}, {"amr": ["mfa"]}, True),
        ({}, {"amr": None, "acr": "2"}, False),
        ({"mfa_acr": ["2"]}, {"amr": None, "acr": "2"}, True),
        ({"mfa_acr": ["2"]}, {"amr": None}, False),
        ({"mfa_amr": []}, {"amr": ["mfa"]}, False),
    ],
)
def test_more_than_one_factor_is_what_the_issuer_says(
    box: Box, provider: Any, changed: dict[str, Any], claims: dict[str, Any], mfa: bool
) -> None:
    assert box(changed).verify(provider.token(**claims)).mfa is mfa


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "a b.c.d",
        "é.b.c",
        "e30.e30.",
        "bnVsbA.e30.AA",
        "W10.e30.AA",
        "e30.W10.AA",
        "A.A.A",
    ],
)
def test_what_is_no_token(box: Box, token: str) -> None:
    assert refusal(box(), token) in {"token-malformed", "token-issuer"}


def test_nested_json_is_refused_and_does_not_crash(box: Box) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 2500).rstrip(b"=").decode()
    assert refusal(box(), f"{part({'alg': 'EdDSA'})}.{deep}.AA") == "token-malformed"


def test_a_claim_given_twice_is_refused(box: Box, provider: Any) -> None:
    text = json.dumps(provider.claims()).replace('"sub":', '"sub": "admin", "sub":').encode()
    token = jwt.PyJWS().encode(text, provider.keys["ed"], algorithm="EdDSA", headers={"kid": "ed"})
    assert refusal(box(), token) == "token-malformed"


def test_tokens_are_bounded(box: Box, provider: Any) -> None:
    assert refusal(box(), provider.token(padding="x" * 6200)) == "token-too-large"
    assert refusal(box(), "a" * 10_000_000) == "token-too-large"


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_sent_is_taken_or_refused(box: Box, provider: Any, data: st.DataObject) -> None:
    """Any text, a real token with a piece changed, and any signed claims: never another error than AccessError."""
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=8,
    )
    claims = provider.claims(jti="t")
    match data.draw(st.sampled_from(["text", "changed", "claims", "header"])):
        case "text":
            token = data.draw(st.text(max_size=80) | st.text("abcABC019-_.=", max_size=80))
        case "changed":
            real = provider.token("ed", jti="t")
            at = data.draw(st.integers(0, len(real)))
            token = real[:at] + data.draw(st.text("abAB01-_.", max_size=3)) + real[at + data.draw(st.integers(0, 3)) :]
        case "claims":
            name = data.draw(st.sampled_from([*sorted(claims), "npi", "name", "acr", "licence_states"]))
            token = provider.sign(claims | {name: data.draw(json_values)}, "ed", "EdDSA", {"kid": "ed"})
        case _:
            name = data.draw(st.sampled_from(["alg", "kid", "typ", "x"]))
            header = {"alg": "EdDSA", "kid": "ed"} | {name: data.draw(json_values)}
            token = f"{part(header)}.{part(claims)}.AAAA"
    with suppress(AccessError):
        assert box().verify(token).roles == {Role.CLINICIAN}


@pytest.mark.parametrize(
    "header", [{"typ": "logout+jwt"}, {"typ": 5}, {"crit": ["b64"], "b64": True}, {"crit": ["exp"]}, {"kid": 5}]
)
def test_headers_that_ask_for_something_else(box: Box, provider: Any, header: dict[str, Any]) -> None:
    real = {"alg": "EdDSA", "kid": "ed"} | header
    signed = f"{part(real)}.{part(provider.claims())}"
    signature = base64.urlsafe_b64encode(provider.keys["ed"].sign(signed.encode())).rstrip(b"=").decode()
    assert refusal(box(), f"{signed}.{signature}") == "token-malformed"


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_types_of_access_tokens(box: Box, provider: Any, kind: str) -> None:
    assert box().verify(provider.token(header={"typ": kind}))


def test_refusal_repeats_nothing_of_the_token(box: Box, provider: Any) -> None:
    token = provider.token(sub="secret-subject\n", name="Jane Roe")
    with pytest.raises(AccessError) as refused:
        box().verify(token)
    error: BaseException | None = refused.value
    assert error is not None
    assert error.__cause__ is None
    text = repr(error) + str(error) + repr(vars(error))
    assert "secret" not in text
    assert "Jane" not in text
    assert token[:20] not in text


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "abc", "Bearerabc"])
def test_header_without_a_bearer_token(header: str | None) -> None:
    with pytest.raises(AccessError) as refused:
        bearer_token(header)
    assert refused.value.code == "token-missing"


def test_header_with_a_bearer_token() -> None:
    assert bearer_token("Bearer a.b.c") == bearer_token("bearer  a.b.c ") == "a.b.c"


def test_box_without_issuers_lets_nobody_in(clock: Any, provider: Any) -> None:
    assert refusal(TokenVerifier(AccessSettings(), clock=clock), provider.token()) == "token-issuer"
