"""The operator's side of mutual TLS: one context for a whole round, and the sessions that make the next one cheap."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fleetctl.errors import ConfigError, VerificationError


@dataclass(frozen=True)
class Identity:
    """The fleet's CA, and the certificate with the role `operator`."""

    ca_certificate: Path
    certificate: Path
    key: Path
    key_password: Callable[[], str]

    def context(self) -> ssl.SSLContext:
        """TLS 1.3 only. The key is decrypted in memory by OpenSSL. `VerificationError` for a wrong passphrase."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            context.load_verify_locations(self.ca_certificate)
            context.load_cert_chain(self.certificate, self.key, password=self.key_password)
        except ssl.SSLError as problem:
            if problem.reason == "KEY_VALUES_MISMATCH":
                raise ConfigError(
                    f"{self.key.name} does not belong to {self.certificate.name}",
                    hint="restore the key directory from its backup",
                ) from None
            raise VerificationError(
                f"the passphrase does not open {self.key.name}",
                hint="check the passphrase, and that the file is whole",
            ) from None
        return context

    def refuse_expired(self, now_s: float | None = None) -> None:
        """Say it once, instead of one refusal from each site."""
        from cryptography import x509

        ends_at = x509.load_pem_x509_certificate(self.certificate.read_bytes()).not_valid_after_utc
        if ends_at.timestamp() <= (time.time() if now_s is None else now_s):
            raise VerificationError(
                f"this operator's certificate {self.certificate} expired on {ends_at:%Y-%m-%d}",
                hint="no site takes it any more; sign operator.key's public key anew with the fleet's CA. "
                "SSH still works: fleetctl site verify NAME",
            )


class Sessions:
    """TLS sessions by site, in memory only. One that resumes skips certificates, so it ends with its certificate."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[ssl.SSLSession, float]] = {}

    def of(self, site: str) -> ssl.SSLSession | None:
        kept = self._kept.get(site)
        if kept is None:
            return None
        session, ends_s = kept
        if min(ends_s, session.time + session.timeout) > time.time():
            return session
        del self._kept[site]
        return None

    def keep(self, site: str, tls: ssl.SSLObject) -> None:
        """Keep what the server offered. A resumed session has no certificate of its own: the first one's end holds."""
        session = tls.session
        if session is None or not session.has_ticket:
            return
        earlier = self._kept.get(site)
        if tls.session_reused and earlier is not None:
            self._kept[site] = (session, earlier[1])
        elif certificate := tls.getpeercert():
            self._kept[site] = (session, float(ssl.cert_time_to_seconds(str(certificate["notAfter"]))))

    def forget(self, site: str) -> None:
        self._kept.pop(site, None)
