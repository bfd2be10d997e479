"""ConfigureStorage: the encrypted state volume, and recovery keys in escrow."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from fleetctl.errors import ChangeError
from fleetctl.phases.base import HostRun, PhaseResult, summary
from fleetctl.remote.tasks import PlayResult
from fleetctl.trust.escrow_index import VolumeName


class ConfigureStorage:
    """Makes the volume, takes the encrypted recovery keys into escrow, and only then tells the box that they are safe.

    A run that dies in between does it again: the box keeps the ciphertexts until they are confirmed.
    """

    title = "ConfigureStorage"
    after_failure = False

    def run(self, run: HostRun) -> PhaseResult:
        spec = run.site.spec.storage
        result = run.apply(
            "storage",
            storage={
                "level": run.profile.spec.storage.level,
                "data_disks": spec.data_disks,
                "erase_disks": spec.erase_disks,
            },
            recipients=list(run.recipients),
        )
        unconfirmed = _unconfirmed(result, run.site.name)
        for entry in unconfirmed:
            run.operator.store_escrow(entry["luks_uuid"], entry["ciphertext"], VolumeName(entry["volume"]))
        if not unconfirmed:
            return summary(result)
        confirmed = run.apply(
            "escrow",
            escrow=[
                {
                    "luks_uuid": entry["luks_uuid"],
                    # Of what we stored, not what the box said: it drops its own copy only for an equal one.
                    "ciphertext_sha256": hashlib.sha256(entry["ciphertext"].encode()).hexdigest(),
                    "tested": False,
                }
                for entry in unconfirmed
            ],
        )
        return summary(PlayResult(result.tasks + confirmed.tasks))


def _unconfirmed(result: PlayResult, host: str) -> list[Mapping[str, Any]]:
    """The recovery keys, encrypted, that the box still waits to see in escrow."""
    entries = result.fleet.get("storage", {}).get("awaiting_escrow", [])
    for entry in entries:
        if not str(entry.get("ciphertext", "")).startswith("-----BEGIN AGE ENCRYPTED FILE-----"):
            raise ChangeError(
                f"the box returned no age ciphertext for volume {entry.get('luks_uuid')}",
                hint="nothing is lost: run it again; the same words twice are a defect",
                host=host,
            )
        if entry.get("volume") not in {name.value for name in VolumeName}:
            raise ChangeError(
                f"the box calls {entry.get('luks_uuid')} {entry.get('volume')!r}, which is neither root nor state",
                hint="nothing is lost: run it again; the same words twice are a defect",
                host=host,
            )
    return list(entries)
