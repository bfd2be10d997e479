"""The operator's side: certificates kept or renewed, escrow files, the claim on a lock."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from fleetctl.actions.certificate import certificate_for
from fleetctl.actions.operator_side import FleetOperator, claimed
from fleetctl.errors import LockHeldError, UnreachableError
from fleetctl.facts.base import Unreadable
from fleetctl.facts.identity import IdentityFacts
from fleetctl.models.fleetdir import FleetDir
from fleetctl.trust.ca import Authority
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from tests.fakes import site as fake


def _request() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "box")])
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
        .decode()
    )


@pytest.fixture(scope="module")
def authority(keystore: KeyStore, passphrase: Passphrase) -> Authority:
    return Authority.open(keystore, passphrase)


def test_a_good_certificate_is_kept_and_the_authority_stays_shut(authority: Authority) -> None:
    request = _request()
    first = certificate_for(fake.SITE, IdentityFacts(request, ""), authority.certificate, lambda: authority)

    def opened() -> Authority:
        raise AssertionError("the authority's key was opened")

    again = certificate_for(fake.SITE, IdentityFacts(request, first), authority.certificate, opened)
    assert again == first


def test_a_certificate_is_renewed_when_it_is_old_or_not_for_this_box(authority: Authority) -> None:
    request = _request()
    first = certificate_for(fake.SITE, IdentityFacts(request, ""), authority.certificate, lambda: authority)

    def renewed(identity: IdentityFacts, site: object = fake.SITE, days: int = 0) -> bool:
        now = datetime.now(UTC) + timedelta(days=days)
        return certificate_for(site, identity, authority.certificate, lambda: authority, now) != first  # type: ignore[arg-type]

    assert not renewed(IdentityFacts(request, first))
    assert not renewed(IdentityFacts(request, first), days=366)
    assert renewed(IdentityFacts(request, first), days=368)
    assert renewed(IdentityFacts(_request(), first))
    assert renewed(IdentityFacts(request, first.replace("A", "B", 3)))
    clinical = fake.SITE.spec.clinical.model_copy(update={"address": "10.9.9.9"})
    moved = fake.SITE.model_copy(update={"spec": fake.SITE.spec.model_copy(update={"clinical": clinical})})
    assert renewed(IdentityFacts(request, first), moved)


def test_a_request_that_cannot_be_read_is_said_so(fleet_dir: FleetDir, passphrase: Passphrase) -> None:
    facts = fake.sealed_facts(identity=Unreadable("identity", "no box.csr"))
    with pytest.raises(UnreachableError, match=r"no box\.csr"):
        FleetOperator(fleet_dir, fake.SITE, passphrase).server_certificate(facts)


def test_health_without_an_answer_is_unreadable_not_healthy(fleet_dir: FleetDir, passphrase: Passphrase) -> None:
    management = fake.SITE.spec.management.model_copy(update={"health_port": 1})
    site = fake.SITE.model_copy(update={"spec": fake.SITE.spec.model_copy(update={"management": management})})
    answer = FleetOperator(fleet_dir, site, passphrase).health()
    assert isinstance(answer, Unreadable)


def test_a_claim_keeps_its_token_and_excludes_others_of_this_machine(
    fleet_dir: FleetDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / "state"))
    with claimed(fleet_dir, "north", "provision") as first:
        with pytest.raises(LockHeldError, match="another fleetctl on this machine"), claimed(fleet_dir, "north", "x"):
            pass
        with claimed(fleet_dir, "south", "provision") as elsewhere:
            assert elsewhere.token != first.token
    with claimed(fleet_dir, "north", "provision", force=True) as second:
        assert (second.token, second.force, first.force) == (first.token, True, False)
    token = tmp_path / "state" / "north" / "sites" / "north.token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
