"""The operator's side of a run: certificates, escrow, health, and the claim on the site's lock."""

from __future__ import annotations

import fcntl
import getpass
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from appliance.contract.health import HealthSnapshot
from fleetctl import atomic
from fleetctl.actions.certificate import certificate_for
from fleetctl.actions.egress import take_baseline
from fleetctl.egress.canaries import find_canaries
from fleetctl.egress.isolation import IsolationRecord, read_isolation, record_isolation
from fleetctl.errors import FleetctlError, LockHeldError, UnreachableError
from fleetctl.facts.base import Unreadable
from fleetctl.facts.host import HostFacts
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.keysets import read_consent_overrides, read_deid_policy, read_key_set
from fleetctl.models.site import Site
from fleetctl.phases.base import LockClaim
from fleetctl.release.pinned_root import newest_root
from fleetctl.release.store import ReleaseStore
from fleetctl.remote.connection import Host
from fleetctl.remote.health_client import HealthClient
from fleetctl.remote.keypins import KeyKind, pin_key
from fleetctl.remote.playbook import RUN_TIMEOUT_S
from fleetctl.trust.ca import Authority
from fleetctl.trust.escrow_files import EscrowFiles
from fleetctl.trust.escrow_index import VolumeName
from fleetctl.trust.passphrase import Passphrase

# It is renewed before a playbook run when half of it is over, so that the other half covers the longest run.
LOCK_EXPIRES_S = 2 * RUN_TIMEOUT_S


@dataclass(frozen=True)
class FleetOperator:
    """The real operator's side; `phases.base.OperatorSide` is what phases see of it."""

    fleetdir: FleetDir
    site: Site
    passphrase: Passphrase

    def server_certificate(self, facts: HostFacts) -> str:
        if isinstance(facts.identity, Unreadable):
            raise UnreachableError(
                f"the box's certificate request cannot be read: {facts.identity.reason}",
                hint="systemctl status appliance-identity.service on the machine's console",
                host=self.site.name,
            )
        keys = self.fleetdir.keys
        return certificate_for(
            self.site, facts.identity, keys.certificate("ca.crt"), lambda: Authority.open(keys, self.passphrase)
        )

    def ca_certificate(self) -> str:
        return self.fleetdir.keys.text("ca.crt") + "\n"

    def store_escrow(self, luks_uuid: str, ciphertext: str, volume: VolumeName) -> None:
        self._escrow.store(luks_uuid, ciphertext, volume)

    def escrowed(self) -> dict[str, str]:
        return self._escrow.digests()

    def measure_reach(self, host: Host) -> int | None:
        canaries = find_canaries(self.fleetdir.state_dir, self.site.name)
        if canaries is None:
            return None
        return len(take_baseline(self.site.name, host, canaries, self.fleetdir.state_dir).reached)

    def record_isolation(self, ruleset_digest: str) -> None:
        record_isolation(self.fleetdir.state_dir, self.site, ruleset_digest)

    def isolation(self) -> IsolationRecord | Unreadable | None:
        try:
            return read_isolation(self.fleetdir.state_dir, self.site.name)
        except FleetctlError as error:
            return Unreadable("isolation", error.message)

    def identity_keys(self) -> dict[str, Any]:
        issuers = self.site.spec.identity.issuers
        return {each.issuer: read_key_set(self.fleetdir.path, each.jwks) for each in issuers}

    def consent_overrides(self) -> dict[str, Any] | None:
        named = self.site.spec.clinical_policy.consent_overrides
        return None if named is None else read_consent_overrides(self.fleetdir.path, named)

    def deid_policy(self) -> dict[str, Any] | None:
        named = self.site.spec.clinical_policy.deid_policy
        return None if named is None else read_deid_policy(self.fleetdir.path, named)

    def release_root(self) -> bytes | None:
        return newest_root(ReleaseStore(self.fleetdir))

    def pin_key(self, kind: KeyKind, key: str) -> bool:
        return pin_key(kind, kind.file(self.fleetdir), self.site.name, key)

    def health(self) -> HealthSnapshot | Unreadable:
        try:
            return HealthClient.of(self.fleetdir, self.passphrase).read(self.site)
        except FleetctlError as error:
            return Unreadable("health", error.message)

    @property
    def _escrow(self) -> EscrowFiles:
        return EscrowFiles(self.fleetdir.escrow_dir, self.site.name)


class RehearsingOperator(FleetOperator):
    """The operator's side of a dry run: it reads the same and keeps no record."""

    def store_escrow(self, luks_uuid: str, ciphertext: str, volume: VolumeName) -> None:
        """A dry run makes no key."""

    def measure_reach(self, host: Host) -> int | None:
        return None

    def record_isolation(self, ruleset_digest: str) -> None:
        """The rules were not loaded."""

    def consent_overrides(self) -> dict[str, Any] | None:
        named = self.site.spec.clinical_policy.consent_overrides
        return None if named is None else read_consent_overrides(self.fleetdir.path, named)

    def deid_policy(self) -> dict[str, Any] | None:
        named = self.site.spec.clinical_policy.deid_policy
        return None if named is None else read_deid_policy(self.fleetdir.path, named)

    def pin_key(self, kind: KeyKind, key: str) -> bool:
        """The box has made none."""
        return False


@contextmanager
def claimed(fleetdir: FleetDir, site: str, reason: str, *, force: bool = False) -> Iterator[LockClaim]:
    """Our claim on a site's lock, while no other fleetctl of this machine works on the site.

    The token is made once and kept: the next run after a killed one shows the same and takes its lock over. That two
    runs on one machine could then both hold it is what the file lock is for; the kernel drops it when we die.
    """
    folder = fleetdir.state_dir / "sites"
    folder.mkdir(exist_ok=True, mode=0o700)
    descriptor = os.open(folder / f"{site}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeldError(
                "another fleetctl on this machine is changing the site", hint="wait until it is done", host=site
            ) from None
        claim = LockClaim(
            _token(folder / f"{site}.token"), getpass.getuser(), socket.gethostname(), reason, LOCK_EXPIRES_S
        )
        yield replace(claim, force=force)
    finally:
        os.close(descriptor)


def _token(path: Path) -> str:
    if not path.exists():
        atomic.write_text(path, secrets.token_hex(16) + "\n", mode=0o600)
    return path.read_text(encoding="ascii").strip()
