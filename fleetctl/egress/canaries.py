"""The canaries of a virtual site as destinations of a proof, and what they heard."""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from appliance.contract.egress import ProbeSpec, ProbeTarget, Protocol
from fleetctl.lab.canary_client import CanaryClient
from fleetctl.lab.record import GUEST_VIEW_IPV4, GUEST_VIEW_IPV6, LabRecord
from fleetctl.lab.store import LabStore

# Where a canary that the guest sees at its network's host address really listens.
_LISTENS_AT = {4: "127.0.0.1", 6: "::1"}
_LIVENESS_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Canaries:
    """The canary process of one virtual site. `identity` stays the same as long as the site's ports do."""

    record: LabRecord
    client: CanaryClient

    @property
    def identity(self) -> str:
        return f"{self.record.name}/{self.record.uuid}"

    def spec(self) -> ProbeSpec:
        """Every destination once, with a fresh nonce: the canaries, ICMP to the host, and the allowed paths."""
        targets = [
            ProbeTarget(
                id=canary.id,
                protocol=Protocol(canary.protocol),
                family=canary.family,
                address=canary.address,
                port=canary.port,
                nonce=_nonce(),
            )
            for canary in self.record.canaries()
        ]
        targets += [
            ProbeTarget(id="icmp4", protocol=Protocol.ICMP, family=4, address=GUEST_VIEW_IPV4, nonce=_nonce()),
            ProbeTarget(id="icmp6", protocol=Protocol.ICMP, family=6, address=GUEST_VIEW_IPV6, nonce=_nonce()),
        ]
        controls = tuple(
            ProbeTarget(
                id=canary.id,
                protocol=Protocol(canary.protocol),
                family=canary.family,
                address=canary.address,
                port=canary.port,
                nonce=_nonce(),
            )
            for canary in self.record.controls()
        )
        return ProbeSpec(targets=tuple(targets), controls=controls)

    def heard(self, spec: ProbeSpec) -> dict[str, tuple[str, ...]]:
        """Target or control id → the listeners that received its nonce. Raises UnreachableError if it is dead."""
        known = {target.nonce: target.id for target in (*spec.targets, *spec.controls) if target.port is not None}
        heard: dict[str, list[str]] = {name: [] for name in known.values()}
        for event in self.client.heard(list(known)):
            if event.nonce in known:
                heard[known[event.nonce]].append(f"{event.listener}{event.family}")
        return {name: tuple(dict.fromkeys(listeners)) for name, listeners in heard.items()}

    def alive(self, spec: ProbeSpec) -> dict[str, bool]:
        """Whether each listener hears a nonce that this side sends to it now."""
        sent = {target.id: _nonce() for target in spec.targets if target.port is not None}
        for target in spec.targets:
            if target.port is not None:
                _send(target, sent[target.id])
        arrived = {event.nonce for event in self.client.heard(list(sent.values()))}
        return {name: nonce in arrived for name, nonce in sent.items()}


def find_canaries(state_dir: Path, site: str) -> Canaries | None:
    """The canaries of `site`, None when it is not a virtual site: nobody would hear a probe there."""
    store = LabStore(state_dir)
    record = store.find(site)
    return Canaries(record, CanaryClient(store.runtime_dir(site))) if record else None


def dns_query(nonce: str) -> bytes:
    """A DNS question (RFC 1035, section 4.1) for the A record of `<nonce>.canary.invalid`."""
    labels = (nonce.encode(), b"canary", b"invalid")
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    header = secrets.token_bytes(2) + b"\x01\x00" + b"\x00\x01" + b"\x00\x00" * 3
    return header + name + b"\x00\x01" + b"\x00\x01"


def _nonce() -> str:
    return secrets.token_hex(16)


def _send(target: ProbeTarget, nonce: str) -> None:
    """Send `nonce` and wait for the answer; a failure shows in what the canary heard, so it is not reported here."""
    family = socket.AF_INET if target.family == 4 else socket.AF_INET6
    kind = socket.SOCK_STREAM if target.protocol is Protocol.TCP else socket.SOCK_DGRAM
    payload = dns_query(nonce) if target.protocol is Protocol.DNS else f"{nonce}\n".encode()
    try:
        with socket.socket(family, kind) as probe:
            probe.settimeout(_LIVENESS_TIMEOUT_S)
            probe.connect((_LISTENS_AT[target.family], target.port))
            probe.sendall(payload)
            probe.recv(512)
    except OSError:
        return
