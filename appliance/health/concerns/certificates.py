"""The certificates: until when are they good?"""

from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography import x509

from appliance.contract.health import Certificate, CertificatesPart, Verdict, worst
from appliance.facts.reading import UnreadableError

# A renewal needs a run of `site provision` by a person: a month to plan it, a week that is an emergency.
DEGRADED_DAYS, CRITICAL_DAYS = 30, 7
_WANTED = "box.crt"


def parse(name: str, pem: str) -> Certificate:
    """Read one certificate. Raises UnreadableError."""
    try:
        found = x509.load_pem_x509_certificate(pem.encode())
        return Certificate(file=name, subject=found.subject.rfc4514_string()[:500], not_after=found.not_valid_after_utc)
    except ValueError as error:
        raise UnreadableError(f"{name} is no certificate ({type(error).__name__})") from None


def judge(found: Mapping[str, str], now: datetime | None = None) -> CertificatesPart:
    """Is no certificate expired or about to be?"""
    if _WANTED not in found:
        return CertificatesPart(
            verdict=Verdict.CRITICAL, reason=f"{_WANTED} is not there: the box cannot show who it is",
            next_action="fleetctl site provision",
        )  # fmt: skip
    certificates = [parse(name, pem) for name, pem in sorted(found.items())]
    at = now or datetime.now(UTC)
    left = {each.file: (each.not_after - at).total_seconds() / 86400 for each in certificates}

    def judged(days: float) -> Verdict:
        if days < CRITICAL_DAYS:
            return Verdict.CRITICAL
        return Verdict.DEGRADED if days < DEGRADED_DAYS else Verdict.OK

    verdict = worst([judged(days) for days in left.values()])
    words = [
        f"{name} is good for {days:.0f} days" if days > 0 else f"{name} expired {-days:.0f} days ago"
        for name, days in left.items()
    ]
    return CertificatesPart(
        verdict=verdict, reason=f"{', '.join(words)} (wanted: {DEGRADED_DAYS})",
        next_action="" if verdict is Verdict.OK else "fleetctl site provision renews them",
        certificates=tuple(certificates),
    )  # fmt: skip
