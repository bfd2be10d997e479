"""Options of `fleetctl site add`, and the `spec` that they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from fleetctl.errors import UsageError

LabOption = Annotated[bool, typer.Option("--lab", help="A virtual site: take everything from the lab's record.")]
AddressOption = Annotated[str | None, typer.Option(help="IP address where fleetctl reaches the machine.")]
SshPortOption = Annotated[int, typer.Option(help="Port of SSH there.")]
HealthPortOption = Annotated[int, typer.Option(help="Port of the health endpoint there.")]
ClinicalAddressOption = Annotated[
    str | None, typer.Option(help="IP address where the EHR reaches the machine.", show_default="as --address")
]
ClinicalPortOption = Annotated[int, typer.Option(help="Port of the clinical endpoint there.")]
ProfileOption = Annotated[str | None, typer.Option(help="Hardware profile (fleetctl profile list).")]
FingerprintOption = Annotated[
    str | None,
    typer.Option(metavar="SHA256:…", help="Fingerprint of the SSH host key, as the machine's own console shows it."),
]
ManagementMacOption = Annotated[str | None, typer.Option(help="MAC address of the management interface.")]
ManagementSourceOption = Annotated[
    list[str] | None, typer.Option(metavar="CIDR", help="Network that may reach SSH and health; repeat for more.")
]
ClinicalMacOption = Annotated[str | None, typer.Option(help="MAC address of the clinical interface.")]
ClinicalSourceOption = Annotated[
    list[str] | None, typer.Option(metavar="CIDR", help="Network that may reach the clinical port; repeat for more.")
]
DataDiskOption = Annotated[
    list[str] | None, typer.Option(metavar="SERIAL", help="A disk of the state volume; repeat for each.")
]
EraseDiskOption = Annotated[
    list[str] | None,
    typer.Option(metavar="SERIAL", help="A data disk whose existing content may be destroyed; repeat for each."),
]
AllowOption = Annotated[
    list[str] | None,
    typer.Option(metavar="RULE", help="What may leave: name=ehr,protocol=tcp,address=10.0.0.5,port=443; repeat."),
]
TranscriptionOption = Annotated[str | None, typer.Option(help="Transcription model (catalogue name).")]
DraftingOption = Annotated[
    str | None, typer.Option(help="Drafting model (catalogue name).", show_default="none: the site drafts nothing")
]
LabelOption = Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Label for selectors; repeat.")]


def spec_from_options(
    *,
    profile: str | None,
    address: str | None,
    ssh_port: int,
    health_port: int,
    clinical_address: str | None,
    clinical_port: int,
    macs: Mapping[str, str | None],
    sources: Mapping[str, list[str] | None],
    data_disks: list[str] | None,
    erase_disks: list[str] | None,
    allow: list[str] | None,
    transcription: str | None,
    drafting: str | None,
) -> dict[str, Any]:
    """The `spec` of a site file. `UsageError` names every option that is missing, at once."""
    from fleetctl.actions.site_add import parse_allow

    needed = {
        "--profile": profile,
        "--address": address,
        "--management-mac": macs["management"],
        "--management-source": sources["management"],
        "--clinical-mac": macs["clinical"],
        "--clinical-source": sources["clinical"],
        "--data-disk": data_disks,
        "--transcription": transcription,
    }
    missing = [option for option, value in needed.items() if not value]
    if missing:
        raise UsageError(f"missing: {', '.join(missing)}", hint="or --lab for a virtual site of this machine")
    return {
        "profile": profile,
        "management": {"address": address, "ssh_port": ssh_port, "health_port": health_port},
        "clinical": {"address": clinical_address or address, "port": clinical_port},
        "networks": {
            role: {"interface_mac": macs[role], "sources": sources[role]} for role in ("management", "clinical")
        },
        "egress": {"allow": parse_allow(allow or [])},
        "storage": {"data_disks": data_disks, "erase_disks": erase_disks or []},
        "release": {"transcription": transcription} | ({"drafting": drafting} if drafting else {}),
    }
