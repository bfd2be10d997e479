"""Certificates, judged by openssl's verifier and by reading them back."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fleetctl.errors import ConfigError, VerificationError
from fleetctl.trust.ca import Authority, sign_server_csr
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase


@pytest.fixture(scope="module")
def authority(keystore: KeyStore, passphrase: Passphrase) -> Authority:
    return Authority.open(keystore, passphrase)


def request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, common_name: str = "whatever") -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    wish = x509.SubjectAlternativeName([x509.DNSName("other-site")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(wish, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1()])
def test_server_certificate_verifies(
    authority: Authority, keystore: KeyStore, tmp_path: Path, curve: ec.EllipticCurve
) -> None:
    text = sign_server_csr(
        request(ec.generate_private_key(curve)), "lab-1", ["127.0.0.1", "fd00::7", "127.0.0.1"], authority
    )
    (tmp_path / "server.crt").write_text(text)
    for wanted in (["-verify_hostname", "lab-1.fleet.internal"], ["-verify_ip", "fd00::7"]):
        argv = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", *wanted]
        argv += ["-CAfile", str(keystore.path("ca.crt")), str(tmp_path / "server.crt")]
        seen = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert seen.returncode == 0, seen.stderr


def test_names_come_from_the_site_not_from_the_request(authority: Authority) -> None:
    text = sign_server_csr(request(ec.generate_private_key(ec.SECP256R1()), "other-site"), "lab-1", [], authority)
    certificate = x509.load_pem_x509_certificate(text.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["lab-1", "lab-1.fleet.internal"]
    assert "other-site" not in certificate.subject.rfc4514_string()
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 398  # 397 and a day backdated


def test_forged_request_is_refused(authority: Authority) -> None:
    content = request(ec.generate_private_key(ec.SECP256R1()))
    parsed = x509.load_pem_x509_csr(content)
    der = bytearray(parsed.public_bytes(Encoding.DER))
    der[-1] ^= 1
    forged = x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM)
    with pytest.raises(VerificationError) as caught:
        sign_server_csr(forged, "lab-1", [], authority)
    assert caught.value.host == "lab-1"


def test_other_keys_and_garbage_are_refused(authority: Authority) -> None:
    weak = request(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    for content in (weak, request(ec.generate_private_key(ec.SECP521R1())), b"", b"-----BEGIN CERTIFICATE REQUEST"):
        with pytest.raises(VerificationError):
            sign_server_csr(content, "lab-1", [], authority)
    with pytest.raises(ConfigError):
        sign_server_csr(request(ec.generate_private_key(ec.SECP256R1())), "lab-1", ["name"], authority)


@pytest.mark.parametrize("role", ["operator", "clinical"])
def test_client_certificates(keystore: KeyStore, role: str) -> None:
    certificate = keystore.certificate(f"{role}.crt")  # type: ignore[arg-type]
    assert certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)[0].value == role
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate.verify_directly_issued_by(keystore.certificate("ca.crt"))
    assert certificate.not_valid_before_utc < datetime.datetime.now(datetime.UTC)


def test_secure_boot_is_apart_from_the_authority(keystore: KeyStore, passphrase: Passphrase) -> None:
    certificate = keystore.certificate("secureboot.crt")
    certificate.verify_directly_issued_by(certificate)
    key = keystore.load_private("secureboot.key", passphrase)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048
    assert key.public_key() == certificate.public_key()
    assert certificate.public_key() != keystore.certificate("ca.crt").public_key()


def test_authority_cannot_make_another(keystore: KeyStore) -> None:
    constraints = keystore.certificate("ca.crt").extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert constraints.critical


def test_key_of_another_authority_is_noticed(keystore: KeyStore, passphrase: Passphrase, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "ca.crt").write_bytes(keystore.path("ca.crt").read_bytes())
    (tmp_path / "ca.key").write_bytes(keystore.path("operator.key").read_bytes())
    (tmp_path / "ca.key").chmod(0o600)
    with pytest.raises(VerificationError, match="does not belong"):
        Authority.open(KeyStore(tmp_path), passphrase)
