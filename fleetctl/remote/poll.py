"""Reads a site's health over HTTPS with mutual TLS: the road that can only read."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from appliance.contract.health import HealthSnapshot
from fleetctl.errors import UnreachableError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.trust.passphrase import Passphrase

HEALTH_PATH = "/v1/health"

# A snapshot is a few KiB; its model bounds every field. More than this is not one.
SNAPSHOT_LIMIT_BYTES = 256 * 1024
# A TLS handshake with an emulated machine takes one to two seconds, five when it is busy.
TIMEOUT_S = 20.0
# The box makes a snapshot for each question or keeps it for some seconds, so age is a matter of clocks and of somebody
# who repeats an old answer. clock_right tells of a smaller difference; these leave it room.
STALE_S = 300.0
AHEAD_S = 120.0


@dataclass(frozen=True)
class HealthClient:
    """The operator's side of mutual TLS: the fleet's CA, and the certificate with the role `operator`."""

    ca_certificate: Path
    certificate: Path
    key: Path
    key_password: Callable[[], str]
    timeout_s: float = TIMEOUT_S
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @classmethod
    def of(cls, fleetdir: FleetDir, passphrase: Passphrase) -> HealthClient:
        """With the fleet's keys; the private key is decrypted in memory by OpenSSL and never written."""
        path = fleetdir.keys.path
        return cls(path("ca.crt"), path("operator.crt"), path("operator.key"), passphrase.reveal)

    def read(self, site: Site) -> HealthSnapshot:
        """The snapshot. `UnreachableError` without an answer, `VerificationError` when it is not the site's."""
        name, management = site.name, site.spec.management
        where = f"{management.address}:{management.health_port}"
        try:
            with (
                socket.create_connection((management.address, management.health_port), self.timeout_s) as plain,
                # The certificate names the site, so the name is checked and the address is only a way there.
                self._context().wrap_socket(plain, server_hostname=name) as secured,
            ):
                status, body = _get(secured, name)
        except ssl.SSLCertVerificationError as problem:
            raise VerificationError(
                f"{where} shows a certificate that is not this site's: {problem.verify_message}",
                hint=f"fleetctl site provision {name} renews it; if it stays, another machine answers there",
                host=name,
            ) from problem
        except (OSError, http.client.HTTPException) as problem:
            raise UnreachableError(
                f"no health from {where}: {problem or type(problem).__name__}",
                hint=f"fleetctl site verify {name}; before it is provisioned a site serves no health",
                host=name,
            ) from problem
        if status != http.client.OK:
            raise UnreachableError(
                f"{where} answered {status} to {HEALTH_PATH}", hint=f"fleetctl site verify {name}", host=name
            )
        snapshot = _snapshot(body, where, name)
        self._refuse_other_times(snapshot, where, name)
        return snapshot

    def _refuse_other_times(self, snapshot: HealthSnapshot, where: str, name: str) -> None:
        """Raise `UnreachableError` when the snapshot is not of now: then the present state is unknown."""
        age_s = (self.now() - snapshot.taken_at).total_seconds()
        if age_s > STALE_S:
            words = f"sent a snapshot that is {age_s:.0f} s old"
        elif age_s < -AHEAD_S:
            words = f"sent a snapshot that is {-age_s:.0f} s ahead of this machine's clock"
        else:
            return
        raise UnreachableError(
            f"{where} {words}",
            hint="compare both clocks; if they are right, restart appliance-health.service",
            host=name,
        )

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(self.ca_certificate)
        context.load_cert_chain(self.certificate, self.key, password=self.key_password)
        return context


def _get(secured: ssl.SSLSocket, host: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host)
    connection.sock = secured
    connection.request("GET", HEALTH_PATH, headers={"Host": host, "Accept": "application/json"})
    response = connection.getresponse()
    body = response.read(SNAPSHOT_LIMIT_BYTES + 1)
    return response.status, body


def _snapshot(body: bytes, where: str, name: str) -> HealthSnapshot:
    hint = "is the box's version newer than this fleetctl?"
    if len(body) > SNAPSHOT_LIMIT_BYTES:
        raise VerificationError(f"{where} sent more than {SNAPSHOT_LIMIT_BYTES} bytes of health", hint=hint, host=name)
    try:
        snapshot = HealthSnapshot.model_validate_json(body)
    except ValidationError as problem:
        first = problem.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise VerificationError(
            f"{where} sent no health snapshot: {field}: {first['msg']}", hint=hint, host=name
        ) from problem
    if snapshot.taken_at.tzinfo is None:
        raise VerificationError(f"{where} sent no health snapshot: taken_at: no time zone", hint=hint, host=name)
    if snapshot.site not in (None, name):
        raise VerificationError(
            f"{where} is sealed as site {snapshot.site}", hint="correct spec.management in the site file", host=name
        )
    return snapshot
