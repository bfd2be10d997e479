"""IdentityFacts: the box's certificate request and the certificate that it serves with. Both are public."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of

TLS_DIRECTORY = "/etc/appliance/tls/"
REQUEST = "box.csr"
CERTIFICATE = "box.crt"


@dataclass(frozen=True)
class IdentityFacts:
    """PEM texts; `certificate` is empty as long as the fleet's CA has signed none for this box."""

    request: str
    certificate: str


def parse(outputs: Sequence[Output]) -> IdentityFacts:
    listing, request, certificate = outputs
    names = stdout_of(listing, f"ls {TLS_DIRECTORY}").split()
    if REQUEST not in names:
        raise UnreadableError(f"{TLS_DIRECTORY} holds no {REQUEST}: the box makes it at its first boot")
    return IdentityFacts(
        request=stdout_of(request, f"cat {REQUEST}"),
        certificate=stdout_of(certificate, f"cat {CERTIFICATE}") if CERTIFICATE in names else "",
    )


IDENTITY = Fact(
    "identity",
    (
        command("ls", TLS_DIRECTORY),
        command("cat", TLS_DIRECTORY + REQUEST),
        command("cat", TLS_DIRECTORY + CERTIFICATE),
    ),
    parse,
)
