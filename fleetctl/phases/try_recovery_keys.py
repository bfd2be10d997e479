"""TryRecoveryKeys: the recovery keys in escrow still open the volumes, and the box is told so."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from fleetctl.errors import UnreachableError, VerificationError
from fleetctl.facts.base import Unreadable
from fleetctl.facts.luks import LuksVolume
from fleetctl.phases.base import HostRun, PhaseResult

# argon2id with LUKS2's default cost takes two seconds on a server and a minute on an emulated machine.
TRY_TIMEOUT_S = 300.0


class TryRecoveryKeys:
    """Opens each escrowed volume for a test, without activating it; the key travels through stdin only.

    `ciphertext` reads an escrow file, `decrypt` opens it with the fleet's escrow identity.
    """

    title = "TryRecoveryKeys"
    after_failure = False

    def __init__(self, ciphertext: Callable[[str, str], str], decrypt: Callable[[str], str]) -> None:
        self._ciphertext = ciphertext
        self._decrypt = decrypt

    def run(self, run: HostRun) -> PhaseResult:
        luks = run.read_facts().luks
        if isinstance(luks, Unreadable):
            raise UnreachableError(f"volumes cannot be read: {luks.reason}", hint="run it again", host=run.site.name)
        escrowed = run.operator.escrowed()
        without = [volume for volume in luks.volumes if volume.uuid not in escrowed]
        if without or not luks.volumes:
            raise VerificationError(
                f"no escrow file for {', '.join(volume.uuid for volume in without) or 'any volume'}",
                hint=f"fleetctl site provision {run.site.name} escrows what the box still holds",
                host=run.site.name,
            )
        entries = []
        for volume in luks.volumes:
            ciphertext = self._ciphertext(run.site.name, volume.uuid)
            self._try(run, volume, self._decrypt(ciphertext))
            digest = hashlib.sha256(ciphertext.encode()).hexdigest()
            entries.append({"luks_uuid": volume.uuid, "ciphertext_sha256": digest, "tested": True})
        run.apply("escrow", bookkeeping=True, escrow=entries)
        return PhaseResult(detail=f"{len(entries)} volumes opened with their escrowed keys")

    def _try(self, run: HostRun, volume: LuksVolume, key: str) -> None:
        slots = [slot.number for slot in volume.slots if slot.opened_by == "recovery"]
        for slot in slots:
            done = run.host.run(try_command(volume.device, slot), timeout_s=TRY_TIMEOUT_S, stdin=key)
            if done.exit_code == 0:
                run.say("ok", task=f"recovery key of {volume.uuid}", detail=f"opened slot {slot} of {volume.device}")
                return
        raise VerificationError(
            f"the escrowed key opens none of the {len(slots)} recovery slots of {volume.device} ({volume.uuid})",
            hint="the data has no way back without the TPM: fleetctl disk status, then make a new recovery key",
            host=run.site.name,
        )


def try_command(device: str, slot: int) -> list[str]:
    """Open one slot for a test. Without the first switch cryptsetup would let the TPM's token answer for the key."""
    return [
        "cryptsetup",
        "open",
        "--disable-external-tokens",
        "--test-passphrase",
        "--key-slot",
        str(slot),
        "--key-file",
        "-",
        device,
    ]
