"""The fleet's own certificates: how long they are still good, and new ones for the client keys that are there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from pydantic import BaseModel

from fleetctl import atomic
from fleetctl.errors import VerificationError
from fleetctl.trust import ca
from fleetctl.trust.keystore import CertificateName, KeyStore, PrivateName
from fleetctl.trust.passphrase import Passphrase

# Every box refuses an expired operator: a quarter of a year is time to renew without haste.
RENEW_BEFORE = timedelta(days=90)
_CLIENTS: dict[CertificateName, PrivateName] = {"operator.crt": "operator.key", "clinical.crt": "clinical.key"}
_NAMES: tuple[CertificateName, ...] = ("ca.crt", "secureboot.crt", *_CLIENTS)


class Validity(StrEnum):
    """What the dates of a certificate say now."""

    OK = "ok"
    DUE = "renew"
    EXPIRED = "expired"
    NOT_YET = "not valid yet"


class CertificateState(BaseModel):
    """One certificate of the key directory. `days_left` is negative once it has expired."""

    file: str
    subject: str
    sha256: str
    not_after: datetime
    days_left: int
    validity: Validity
    renewable: bool


def state(keys: KeyStore, name: CertificateName, now: datetime | None = None) -> CertificateState:
    """One certificate; needs no passphrase. Raises as `KeyStore.path`."""
    now = now or datetime.now(UTC)
    certificate = keys.certificate(name)
    left = certificate.not_valid_after_utc - now
    if now < certificate.not_valid_before_utc:
        validity = Validity.NOT_YET
    elif left <= timedelta(0):
        validity = Validity.EXPIRED
    else:
        validity = Validity.DUE if left < RENEW_BEFORE else Validity.OK
    return CertificateState(
        file=name, subject=certificate.subject.rfc4514_string(), sha256=certificate.fingerprint(SHA256()).hex(),
        not_after=certificate.not_valid_after_utc, days_left=left.days, validity=validity, renewable=name in _CLIENTS,
    )  # fmt: skip


def states(keys: KeyStore, now: datetime | None = None) -> list[CertificateState]:
    """Every certificate of the directory. See `state`."""
    return [state(keys, name, now) for name in _NAMES]


def next_action(bad: Sequence[CertificateState]) -> str:
    """What to do about certificates that are not good for long."""
    if any(one.validity is Validity.NOT_YET for one in bad):
        return "is this machine's clock right?"
    if any(one.renewable for one in bad):
        return "fleetctl keys renew"
    return "no command renews what every box trusts: make a new fleet, and provision the sites for it"


def renew(
    keys: KeyStore, fleet: str, passphrase: Passphrase, *, early: bool = False, now: datetime | None = None
) -> list[str]:
    """Issue anew the client certificates that are due, or all of them if `early`; returns the files that changed.

    The keys stay, so no box needs to be told. Each file is replaced at once or not at all. Raises `VerificationError`
    if the passphrase is wrong, or a key does not belong to its certificate.
    """
    due = [one.file for one in states(keys, now) if one.renewable and (early or one.validity is not Validity.OK)]
    if not due:
        return []
    authority = ca.Authority.open(keys, passphrase)
    changed: list[str] = []
    for name, private in _CLIENTS.items():
        if name not in due:
            continue
        key = keys.load_private(private, passphrase)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != keys.certificate(name).public_key():
            raise VerificationError(
                f"{private} does not belong to {name}", hint="restore the key directory from its backup"
            )
        made = ca.make_client(authority, fleet, name.removesuffix(".crt"), key.public_key())
        atomic.write_text(keys.path(name), ca.pem(made), mode=0o644)
        changed.append(name)
    return changed
