"""Access settings that must not be possible."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from appliance.gateway.auth.settings import AccessSettings, IssuerSettings


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "http://idp.example"}, {"issuer": "https://idp.example/#x"}, {"issuer": "idp"},
        {"issuer": "urn:appliance:client-certificate"}, {"issuer": "urn:appliance:local"}, {"local": True},
        {"algorithms": ["HS256"]}, {"algorithms": ["none"]}, {"algorithms": []}, {"roles": {}},
        {"roles": {"x": "ehr"}}, {"roles": {"x": "console"}}, {"roles": {"x": "root"}}, {"jwks": None},
        {"jwks_file": "/x", "jwks": {"keys": []}}, {"lab": True}, {"roles_claim": ""}, {"jwks_url": "https://x.example"},
    ],
)  # fmt: skip
def test_issuer_that_is_refused(issuer: Callable[..., IssuerSettings], changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        issuer(**changed)


def test_ehr_role_comes_from_no_issuer_at_all(issuer: Callable[..., IssuerSettings]) -> None:
    local = {"issuer": "urn:appliance:local", "local": True}
    assert issuer(**local, roles={"x": "console"})
    with pytest.raises(ValidationError):
        issuer(**local, roles={"x": "ehr"})


def test_nothing_is_given_twice(issuer: Callable[..., IssuerSettings]) -> None:
    client = {"name": "CN=a", "subject": "a"}
    for given in ({"issuers": [issuer(), issuer()]}, {"ehr_clients": [client, client]}):
        with pytest.raises(ValidationError):
            AccessSettings.model_validate(given)


@pytest.mark.parametrize(
    "given",
    [
        {"clock_skew_s": 301}, {"max_token_lifetime_s": 10**9}, {"sessions": {"idle_timeout_s": 0}},
        {"sessions": {"max_session_s": 10**9}}, {"policy": {"break_glass_s": 10**9}}, {"unknown": 1},
        {"ehr_clients": [{"name": "CN=a", "subject": "a b"}]}, {"ehr_clients": [{"name": "", "subject": "a"}]},
    ],
)  # fmt: skip
def test_bounds(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AccessSettings.model_validate(given)
