"""The box's own issuer, and systems with a client certificate."""

import stat
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import RefusedError, UnknownStateError, UsageError
from appliance.gateway.auth.client_certificate import ehr_principal
from appliance.gateway.auth.local_issuer import LocalIssuer, issuer_settings
from appliance.gateway.auth.principal import Role
from appliance.gateway.auth.refusal import AccessError
from appliance.gateway.auth.settings import AccessSettings
from appliance.gateway.auth.verifier import TokenVerifier


def test_key_is_made_once_and_only_ours(tmp_path: Path) -> None:
    path = tmp_path / "local.key"
    first = LocalIssuer.open(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert LocalIssuer.open(path).jwks() == first.jwks()
    assert [file.name for file in tmp_path.iterdir()] == ["local.key"]
    assert "d" not in first.jwks()["keys"][0]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "local.key"
    LocalIssuer.open(path)
    path.chmod(mode)
    with pytest.raises(RefusedError):
        LocalIssuer.open(path)


def test_key_behind_a_link_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    real, link, other = tmp_path / "real.key", tmp_path / "link.key", tmp_path / "other.key"
    LocalIssuer.open(real)
    link.symlink_to(real)
    other.touch(0o600)
    for path in (link, other, tmp_path / "absent" / "key"):
        with pytest.raises(UnknownStateError):
            LocalIssuer.open(path)


def counting(local: LocalIssuer, folder: Path, *, lab: bool = False) -> AccessSettings:
    """Settings in which this issuer counts."""
    local.export(folder / "jwks.json")
    return AccessSettings(issuers=(issuer_settings(folder / "jwks.json", lab=lab),))


def test_token_counts_only_where_the_issuer_is_configured(tmp_path: Path) -> None:
    local = LocalIssuer.open(tmp_path / "key")
    token = local.mint("tester", {Role.CLINICIAN})
    with pytest.raises(AccessError) as refused:
        TokenVerifier(AccessSettings()).verify(token)
    assert refused.value.code == "token-issuer"
    stranger = LocalIssuer.open(tmp_path / "other-key")
    verifier = TokenVerifier(counting(local, tmp_path))
    with pytest.raises(AccessError) as refused:
        verifier.verify(stranger.mint("tester", {Role.CLINICIAN}))
    assert refused.value.code == "token-key-unknown"
    assert verifier.verify(token).subject == "tester"


def test_outside_of_a_lab_every_local_token_carries_console(tmp_path: Path) -> None:
    local = LocalIssuer.open(tmp_path / "key")
    token = local.mint("tester", {Role.CLINICIAN}, mfa=True, npi="1234567893", licence_states=["CA"], session="a")
    box = TokenVerifier(counting(local, tmp_path)).verify(token)
    lab = TokenVerifier(counting(local, tmp_path, lab=True)).verify(token)
    assert box.roles == {Role.CLINICIAN, Role.CONSOLE}
    assert lab.roles == {Role.CLINICIAN}
    assert (lab.mfa, lab.npi, lab.licence_states, lab.session_id) == (True, "1234567893", {"CA"}, "sid:a")


def test_gateway_gets_the_public_half_from_a_file(tmp_path: Path, clock: Any) -> None:
    local = LocalIssuer.open(tmp_path / "key", clock=clock)
    path = tmp_path / "jwks.json"
    local.export(path)
    local.export(path)
    assert stat.S_IMODE(path.stat().st_mode) & 0o044
    verifier = TokenVerifier(AccessSettings(issuers=(issuer_settings(path, lab=False),)), clock=clock)
    assert verifier.verify(local.mint_console("root", Role.AUDITOR)).roles == {Role.AUDITOR, Role.CONSOLE}
    assert verifier.verify(local.mint_console("root", None)).roles == {Role.CONSOLE}
    token = local.mint_console("root", None, 60)
    clock.now += 90
    with pytest.raises(AccessError) as refused:
        verifier.verify(token)
    assert refused.value.code == "token-expired"


def test_console_token_is_short(tmp_path: Path) -> None:
    local = LocalIssuer.open(tmp_path / "key")
    for lifetime in (301, 0, -1):
        with pytest.raises(UsageError):
            local.mint_console("root", Role.CLINICIAN, lifetime)
    for roles in ((), (Role.EHR,)):
        with pytest.raises(UsageError):
            local.mint("someone", roles)


HEADERS = {
    "X-Client-Verify": "SUCCESS", "X-Client-Role": "clinical", "X-Client-Name": "CN=ehr,O=Practice",
    "X-Client-Serial": "0a1b",
}  # fmt: skip
SETTINGS = AccessSettings.model_validate(
    {
        "ehr_clients": [
            {"name": "CN=ehr,O=Practice", "subject": "ehr-main"},
            {"name": "CN=old", "subject": "ehr-old", "serials": ["0A1B"]},
        ]
    }
)


def test_ehr_is_known_by_its_certificate() -> None:
    found = ehr_principal(HEADERS, SETTINGS)
    assert found is not None
    assert (found.subject, found.roles, found.session_id) == ("ehr-main", {Role.EHR}, "")
    assert ehr_principal({key.lower(): value for key, value in HEADERS.items()}, SETTINGS) == found
    TokenVerifier(SETTINGS).check(found)


@pytest.mark.parametrize(
    "changed",
    [
        {"X-Client-Verify": "NONE"}, {"X-Client-Verify": "FAILED:expired"}, {"X-Client-Verify": "success"},
        {"X-Client-Role": "operator"}, {"X-Client-Role": "none"}, {"X-Client-Role": ""}, {"X-Client-Name": "CN=ehr"},
        {"X-Client-Name": "cn=ehr,o=practice"}, {"X-Client-Name": "CN=ehr,O=Practice "}, {"X-Client-Name": ""},
        {"X-Client-Name": "CN=old", "X-Client-Serial": "FF"}, {"x-client-role": "clinical"},
    ],
)  # fmt: skip
def test_other_certificates_are_nobody(changed: dict[str, str]) -> None:
    assert ehr_principal(HEADERS | changed, SETTINGS) is None


def test_missing_header_is_nobody() -> None:
    for name in HEADERS:
        assert ehr_principal({key: value for key, value in HEADERS.items() if key != name}, SETTINGS) is None
    assert ehr_principal({}, SETTINGS) is None
    assert ehr_principal(HEADERS, AccessSettings()) is None


def test_pinned_serial() -> None:
    for serial in ("0A1B", "0a1b", "0a:1b"):
        found = ehr_principal(HEADERS | {"X-Client-Name": "CN=old", "X-Client-Serial": serial}, SETTINGS)
        assert found is not None
        assert found.subject == "ehr-old"
