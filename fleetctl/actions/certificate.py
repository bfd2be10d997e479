"""The box's server certificate: the present one as long as it is good, otherwise a new one for the box's own key."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from fleetctl.facts.identity import IdentityFacts
from fleetctl.models.site import Site
from fleetctl.trust.ca import Authority, sign_server_csr

# A certificate holds 397 days; the last month is for renewing it without haste.
RENEW_BEFORE = timedelta(days=30)


def certificate_for(
    site: Site,
    identity: IdentityFacts,
    authority: x509.Certificate,
    open_authority: Callable[[], Authority],
    now: datetime | None = None,
) -> str:
    """PEM. The authority's key is opened only for a new certificate, so that a second run changes nothing."""
    addresses = [site.spec.management.address, site.spec.clinical.address]
    if is_good(identity, site.name, addresses, authority, now or datetime.now(UTC)):
        return identity.certificate
    return sign_server_csr(identity.request, site.name, addresses, open_authority())


def is_good(
    identity: IdentityFacts, name: str, addresses: list[str], authority: x509.Certificate, now: datetime
) -> bool:
    """Whether the box's certificate is by this authority, for the box's key and these names, with time left."""
    try:
        certificate = x509.load_pem_x509_certificate(identity.certificate.encode())
        request = x509.load_pem_x509_csr(identity.request.encode())
        certificate.verify_directly_issued_by(authority)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return (
        certificate.public_key() == request.public_key()
        and certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEW_BEFORE
        and name in names.get_values_for_type(x509.DNSName)
        and {ipaddress.ip_address(address) for address in addresses} == set(names.get_values_for_type(x509.IPAddress))
    )
