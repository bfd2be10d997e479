"""Table of a site's encrypted volumes and arrays."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fleetctl.actions.disk import DiskStatus
from fleetctl.errors import printable


def disk_table(status: DiskStatus) -> RenderableType:
    table = Table("device", "mounted", "cipher", "slots", "TPM binding", "escrow", "recovery key tested")
    for volume in status.volumes:
        slots = "\n".join(
            f"{slot.number} {slot.opened_by}: {slot.kdf}"
            + (f" {slot.kdf_memory_mib} MiB" if slot.kdf_memory_mib else "")
            for slot in volume.slots
        )
        tested = f"made: {volume.key_tested_at or 'never'}\nescrowed copy: {volume.escrow_tested_at or 'never'}"
        table.add_row(
            printable(f"{volume.device}\n{volume.luks_uuid}"),
            printable("\n".join(volume.mounted) or "not mounted"),
            printable(f"{volume.cipher}\n{volume.key_bits} bits"),
            printable(slots),
            printable(volume.tpm_binding),
            "yes" if volume.in_escrow else "no",
            printable(tested),
        )
    arrays = "\n".join(f"array: {array}" for array in status.arrays) or "array: none"
    return Group(table, Text(printable(arrays)))
