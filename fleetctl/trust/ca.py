"""The fleet's certificate authority: its own certificate, client certificates, and servers' signing requests."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fleetctl.errors import ConfigError, VerificationError
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase

# A box lives about ten years; the authority outlives it.
CA_DAYS = 15 * 365
# Firmware does not look at dates, but people and linters do.
SECURE_BOOT_DAYS = 20 * 365
CLIENT_DAYS = 3 * 365
# What public authorities were held to when this was written; long enough to renew once a year.
SERVER_DAYS = 397
# A box without a battery-backed clock can be behind at its first start.
BACKDATED = datetime.timedelta(hours=24)

_SHA256 = hashes.SHA256()


@dataclass(frozen=True)
class Authority:
    """The certificate authority, opened."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def open(cls, keys: KeyStore, passphrase: Passphrase) -> Authority:
        """Raises `VerificationError` if the passphrase is wrong or key and certificate do not belong together."""
        certificate = keys.certificate("ca.crt")
        key = keys.load_private("ca.key", passphrase)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise VerificationError(
                "ca.key does not belong to ca.crt", hint="restore the key directory from its backup"
            )
        return cls(certificate, key)


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


def make_authority(fleet: str, key: ec.EllipticCurvePrivateKey) -> Authority:
    """Self-signed, for signing end certificates only (path length 0)."""
    name = _name(f"{fleet} fleet CA", fleet)
    builder = (
        _dated(x509.CertificateBuilder().subject_name(name).issuer_name(name), CA_DAYS)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Authority(builder.sign(key, _SHA256), key)


def make_client(authority: Authority, fleet: str, role: str, public_key: ec.EllipticCurvePublicKey) -> x509.Certificate:
    """A client certificate; the box grants by the subject's OU, the role (`operator`, `clinical`, `monitoring`)."""
    builder = _issued(authority, _name(f"{fleet} {role}", fleet, role), public_key, CLIENT_DAYS)
    return builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False).sign(
        authority.key, _SHA256
    )


def make_secure_boot(fleet: str, key: rsa.RSAPrivateKey) -> x509.Certificate:
    """Self-signed certificate that firmware holds as PK, KEK and db. Apart from the TLS authority on purpose:
    whoever can issue certificates for sites cannot sign what boots."""
    name = _name(f"{fleet} Secure Boot", fleet)
    return (
        _dated(x509.CertificateBuilder().subject_name(name).issuer_name(name), SECURE_BOOT_DAYS)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, _SHA256)
    )


def sign_server_csr(csr_pem: str | bytes, site_name: str, addresses: list[str], authority: Authority) -> str:
    """A server certificate in PEM for the key of a box's signing request.

    Of the request only the key is taken: names and addresses come from the site's file, so that a box cannot ask for
    another's. Raises `VerificationError` if the request is not signed by its key or the key is not EC P-256/P-384.
    """
    hint = "look at appliance-identity.service on the box; its key may have to be made again"
    key = _requested_key(csr_pem, hint, site_name)
    try:
        ips = [x509.IPAddress(ipaddress.ip_address(address)) for address in dict.fromkeys(addresses)]
    except ValueError as error:
        raise ConfigError(str(error), hint="addresses of a site are IP addresses", host=site_name) from None
    names: list[x509.GeneralName] = [x509.DNSName(site_name), x509.DNSName(f"{site_name}.fleet.internal"), *ips]
    organization = authority.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value
    builder = (
        _issued(authority, _name(site_name, str(organization), "site"), key, SERVER_DAYS)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )
    return pem(builder.sign(authority.key, _SHA256))


def sign_reader_csr(csr_pem: str | bytes, fleet: str, authority: Authority) -> str:
    """A client certificate in PEM that may read metrics (OU=monitoring), for the key of a signing request.

    Of the request only the key is taken. Raises `VerificationError` as `sign_server_csr` does.
    """
    hint = (
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout KEY -out CSR -subj /CN=prometheus"
    )
    return pem(make_client(authority, fleet, "monitoring", _requested_key(csr_pem, hint)))


def _requested_key(csr_pem: str | bytes, hint: str, host: str | None = None) -> ec.EllipticCurvePublicKey:
    """The key of a signing request that its owner signed, of a curve that we take."""
    content = csr_pem.encode() if isinstance(csr_pem, str) else csr_pem
    try:
        request = x509.load_pem_x509_csr(content)
        valid = request.is_signature_valid
        key = request.public_key()
    except (ValueError, InvalidSignature, UnsupportedAlgorithm):
        raise VerificationError("the signing request cannot be read", hint=hint, host=host) from None
    if not valid:
        raise VerificationError("the signing request is not signed by its own key", hint=hint, host=host)
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1)):
        raise VerificationError("the key of the signing request is not EC P-256 or P-384", hint=hint, host=host)
    return key


def _name(common: str, organization: str, unit: str | None = None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)]
    if unit:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    # A common name holds 64 characters at most (RFC 5280, ub-common-name); the whole name stands in the SAN.
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _dated(builder: x509.CertificateBuilder, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _issued(
    authority: Authority, subject: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(authority.certificate.subject)
    issuer_key_id = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _dated(builder, days)
        .public_key(key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key_id), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
