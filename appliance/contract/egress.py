"""What is asked of the box to prove its isolation, and what it answers.

The operator names destinations that must not be reachable (targets) and ones that must be (controls). The box tries
them from the host and from inside each service's sandbox. It reports what it saw; whether a canary also saw something
is for the operator's side, which holds the nonces.
"""

from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from appliance.contract.model import ContractModel, Sha256Hex

Short = Annotated[str, Field(max_length=100)]
Nonce = Annotated[
    str, Field(pattern=r"^[0-9a-f]{32}$", description="Unique per attempt series; the canary records it.")
]


class Protocol(StrEnum):
    """How a probe tries to get out."""

    TCP = "tcp"
    UDP = "udp"
    DNS = "dns"
    ICMP = "icmp"


class ProbeTarget(ContractModel):
    """One destination. The address is numeric: a name would make the proof depend on a resolver."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
    protocol: Protocol
    family: Literal[4, 6]
    address: Annotated[str, Field(max_length=45)]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    nonce: Nonce

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if ip_address(self.address).version != self.family:
            raise ValueError(f"{self.id}: {self.address} is not an IPv{self.family} address")
        if (self.port is None) != (self.protocol is Protocol.ICMP):
            raise ValueError(f"{self.id}: a port is needed for tcp, udp and dns, and there is none for icmp")
        return self


class ProbeSpec(ContractModel):
    """What to try."""

    schema_version: Literal["egress-spec/v1"] = "egress-spec/v1"
    targets: Annotated[tuple[ProbeTarget, ...], Field(min_length=1, max_length=32)]
    controls: Annotated[tuple[ProbeTarget, ...], Field(max_length=16)] = ()
    timeout_s: Annotated[float, Field(gt=0, le=30, description="Patience of one attempt.")] = 4.0

    @model_validator(mode="after")
    def _unique(self) -> Self:
        ids = [target.id for target in (*self.targets, *self.controls)]
        if len(ids) != len(set(ids)):
            raise ValueError("target and control ids must be unique")
        return self


class Outcome(StrEnum):
    """What became of an attempt. `error` means that nothing was learned; it never counts as isolation."""

    BLOCKED = "blocked"
    REACHED = "reached"
    ERROR = "error"


class Variant(StrEnum):
    """Where an attempt was made."""

    HOST = "host"
    SERVICE = "service"  # the unit's own sandbox, line by line
    NAMESPACE = "namespace"  # only the unit's network namespace: shows that it blocks without the sandbox's help


class Attempt(ContractModel):
    """One try of one target."""

    origin: Annotated[Short, Field(description='"host" or the unit.')]
    variant: Variant
    target_id: Short
    role: Literal["target", "control"]
    outcome: Outcome
    layer: Annotated[
        Short,
        Field(
            description="Where it ended: socket (the sandbox refused one), route (no way out of the namespace), filter "
            "(refused on this host), neighbour, timeout (nothing came back: evidence only beside the canary's "
            "silence), reply, refused, unreachable (something answered), probe (it could not be tried)."
        ),
    ]
    errno: Annotated[Short, Field(description="Symbolic name, such as ENETUNREACH.")] | None = None
    detail: Annotated[str, Field(max_length=300)] = ""
    seconds: Annotated[float, Field(ge=0)]


class CounterReading(ContractModel):
    """A named nftables counter."""

    packets: Annotated[int, Field(ge=0)]
    bytes: Annotated[int, Field(ge=0)]


class InspectedService(ContractModel):
    """One unit from whose sandbox probes ran."""

    unit: Short
    main_pid: Annotated[int, Field(ge=0)]
    private_network: Annotated[bool, Field(description="Its network namespace is not the host's.")] | None
    network_namespace: Annotated[Short, Field(description="As the kernel names it, net:[inode].")] | None
    joined: Annotated[bool, Field(description="Every probe of this unit ran in that very namespace.")]


class EgressReport(ContractModel):
    """What the box saw. `complete` is false when anything that was asked could not be tried."""

    schema_version: Literal["egress-report/v1"] = "egress-report/v1"
    kind: Literal["prove", "baseline"]
    box: Short
    boot_id: Short
    started_at: datetime
    finished_at: datetime
    ruleset_digest: Sha256Hex | None
    counters_before: dict[str, CounterReading]
    counters_after: dict[str, CounterReading]
    host_network_namespace: Short
    services: tuple[InspectedService, ...]
    attempts: tuple[Attempt, ...]
    complete: bool
    problems: Annotated[tuple[Annotated[str, Field(max_length=300)], ...], Field(max_length=64)] = ()
