"""Checks of encryption at rest: volumes_encrypted, root_encrypted, tpm_bound, no_plain_swap, recovery_key_tested."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from fleetctl.checks.context import CheckContext
from fleetctl.checks.result import CheckResult, critical, first_unreadable, ok, unknown
from fleetctl.facts.base import Unreadable
from fleetctl.facts.disks import BlockDevice, DiskFacts
from fleetctl.facts.luks import LuksFacts, LuksVolume
from fleetctl.facts.storage import VolumeRecord

STATE_MOUNT = "/var/lib/appliance"

# File systems that cannot be written.
_READ_ONLY = frozenset({"erofs", "squashfs"})
# The EFI system partition: the firmware must read it, and it holds only signed boot files. A vfat mounted anywhere else
# is a stick that data can leave on. Places: systemd-gpt-auto-generator(8), and Debian's own.
_ESP_PLACES = frozenset({"/efi", "/boot", "/boot/efi"})

# 7: Secure Boot policy. 15: the root volume's own key, so that another system on the same machine cannot ask for the
# state volume's. The root volume itself is opened before 15 is measured.
PCRS_OF_ROOT = frozenset({7})
PCRS_OF_STATE = frozenset({7, 15})
# 11: the kernel, initrd and command line that booted, by a policy that the image's builder signed.
SIGNED_PCRS = frozenset({11})

_PROVISION = "fleetctl site provision SITE; if it stays, the volume was not made by this tool: decide about its data"


def luks_below(mount: str, disks: DiskFacts, luks: LuksFacts) -> LuksVolume | None:
    """The LUKS volume that `mount` stands on.

    A device of kind `crypt` alone proves nothing: lsblk calls dm-verity so too. What counts is the header below.
    """
    layers = disks.layers_below(mount) or ()
    for lower, upper in pairwise(layers):
        if lower.signature == "crypto_LUKS" and upper.kind == "crypt":
            return luks.with_uuid(lower.uuid)
    return None


def _describe(layers: Sequence[BlockDevice] | None) -> str:
    if not layers:
        return "not mounted"
    return " → ".join(f"{layer.name} ({layer.signature or layer.kind})" for layer in layers)


def _is_plain(volume: LuksVolume | None) -> bool:
    # A LUKS2 header can name the cipher "cipher_null": a volume that only looks encrypted.
    return volume is None or not volume.cipher.startswith(("aes-", "serpent-", "twofish-")) or volume.key_bits < 256


def _holds_no_data(signature: str, mount: str) -> bool:
    return signature in _READ_ONLY or (signature == "vfat" and mount in _ESP_PLACES)


def volumes_encrypted(context: CheckContext) -> CheckResult:
    """The state volume is mounted from LUKS2, and so is every other writable file system on a disk."""
    name, wanted = "volumes_encrypted", f"{STATE_MOUNT} and all other writable file systems on LUKS2"
    disks, luks = context.facts.disks, context.facts.luks
    if isinstance(disks, Unreadable) or isinstance(luks, Unreadable):
        return unknown(name, wanted=wanted, because=first_unreadable(disks, luks) or "")
    mounts = sorted(
        {
            mount
            for device in disks.all()
            for mount in device.mountpoints
            if mount.startswith("/") and not _holds_no_data(device.signature, mount)
        }
        | {STATE_MOUNT}
    )
    plain = [mount for mount in mounts if _is_plain(luks_below(mount, disks, luks))]
    if plain:
        return critical(
            name,
            seen="; ".join(f"{mount}: {_describe(disks.layers_below(mount))}" for mount in plain),
            wanted=wanted,
            reason=f"no LUKS2 volume with a real cipher below {', '.join(plain)}",
            next_action=_PROVISION.replace("SITE", context.site.name),
        )
    return ok(
        name,
        seen=", ".join(mounts),
        wanted=wanted,
        reason=f"each of {len(mounts)} mounted file systems stands on a LUKS2 header with an AES-class cipher",
    )


def root_encrypted(context: CheckContext) -> CheckResult:
    """The root file system stands on LUKS2, and on the sealed volume once the box is sealed."""
    name, wanted = "root_encrypted", "/ on LUKS2, the volume that the seal names"
    disks, luks, seal = context.facts.disks, context.facts.luks, context.facts.seal
    if isinstance(disks, Unreadable) or isinstance(luks, Unreadable) or isinstance(seal, Unreadable):
        return unknown(name, wanted=wanted, because=first_unreadable(disks, luks, seal) or "")
    volume = luks_below("/", disks, luks)
    seen = _describe(disks.layers_below("/"))
    if volume is None or _is_plain(volume):
        return critical(
            name,
            seen=seen,
            wanted=wanted,
            reason="no LUKS2 volume with a real cipher below /",
            next_action="do not trust this machine: boot the fleet's own image on an empty system disk",
        )
    sealed = seal.seal.root_luks_uuid if seal.seal else None
    if sealed not in (None, volume.uuid):
        return critical(
            name,
            seen=seen,
            wanted=wanted,
            reason=f"/ stands on LUKS2 volume {volume.uuid}, sealed is {sealed}",
            next_action="do not trust this machine: find out who changed its system disk",
        )
    compared = "as sealed" if sealed else "no seal names it"
    return ok(
        name,
        seen=f"{seen}, {volume.cipher}",
        wanted=wanted,
        reason=f"/ stands on LUKS2 volume {volume.uuid}, {compared}",
    )


def tpm_bound(context: CheckContext) -> CheckResult:
    """Root and state volume each have a TPM2 slot, and every such slot asks for the wanted state.

    The tokens of the headers are compared. Which TPM opens them only a boot shows; tests boot with another one.
    """
    name = "tpm_bound"
    wanted = "TPM2 slots bound to PCR 7 on the root volume, to PCRs 7 and 15 on the state volume, and to signed PCR 11"
    disks, luks = context.facts.disks, context.facts.luks
    if isinstance(disks, Unreadable) or isinstance(luks, Unreadable):
        return unknown(name, wanted=wanted, because=first_unreadable(disks, luks) or "")
    problems, seen = [], []
    for mount, pcrs in (("/", PCRS_OF_ROOT), (STATE_MOUNT, PCRS_OF_STATE)):
        volume = luks_below(mount, disks, luks)
        if volume is None:
            problems.append(f"{mount} has no LUKS volume")
            continue
        seen.append(f"{mount}: {describe_bindings(volume)}")
        if not volume.tpm:
            problems.append(f"{mount} has no TPM2 slot")
        # Each slot opens the volume on its own, so the weakest one counts.
        weak = [binding for binding in volume.tpm if not pcrs <= set(binding.pcrs)]
        if weak:
            problems.append(f"{mount} has a TPM2 slot that is not bound to PCRs {_numbers(pcrs)}")
        if any(not set(binding.signed_pcrs) >= SIGNED_PCRS for binding in volume.tpm):
            problems.append(f"{mount} has a TPM2 slot without a signed policy for PCR {_numbers(SIGNED_PCRS)}")
    if problems:
        return critical(
            name,
            seen="; ".join(seen) or "none",
            wanted=wanted,
            reason="; ".join(problems),
            next_action=_PROVISION.replace("SITE", context.site.name),
        )
    return ok(
        name,
        seen="; ".join(seen),
        wanted=wanted,
        reason="compared the registers in both headers' TPM2 tokens; it does not show which TPM opens them",
    )


def describe_bindings(volume: LuksVolume) -> str:
    """The TPM bindings of a volume in words, `none` without one."""
    words = []
    for binding in volume.tpm:
        signed = f" + signed PCR {_numbers(binding.signed_pcrs)}" if binding.signed_pcrs else ""
        words.append(f"PCR {_numbers(binding.pcrs)}{signed}{' + PIN' if binding.with_pin else ''}")
    return ", ".join(words) or "none"


def _numbers(values: Sequence[int] | frozenset[int]) -> str:
    return "+".join(str(value) for value in sorted(values)) or "none"


def no_plain_swap(context: CheckContext) -> CheckResult:
    """Nothing that was in memory can be written to a disk as swap."""
    name, wanted = "no_plain_swap", "no swap area except in memory (zram)"
    memory = context.facts.memory
    if isinstance(memory, Unreadable):
        return unknown(name, wanted=wanted, because=memory)
    on_disk = [swap for swap in memory.swaps if not swap.startswith("/dev/zram")]
    if on_disk:
        return critical(
            name,
            seen=", ".join(on_disk),
            wanted=wanted,
            reason=f"/proc/swaps lists {', '.join(on_disk)}",
            next_action="swapoff -a on the machine's console, then find what switched it on: the image has none",
        )
    return ok(name, seen=", ".join(memory.swaps) or "none", wanted=wanted, reason="/proc/swaps lists no other area")


def recovery_key_tested(context: CheckContext) -> CheckResult:
    """Each encrypted volume has a recovery key that opened it, and whose encrypted copy lies in the fleet's escrow.

    The copy is the very one that the box made: an older file of the same volume opens nothing.
    """
    name = "recovery_key_tested"
    wanted = "for root and state volume: recovery slot, key opened the volume, the box's own copy in escrow"
    disks, luks, storage = context.facts.disks, context.facts.luks, context.facts.storage
    if isinstance(disks, Unreadable) or isinstance(luks, Unreadable) or isinstance(storage, Unreadable):
        return unknown(name, wanted=wanted, because=first_unreadable(disks, luks, storage) or "")
    problems = []
    mounts, in_escrow = ("/", STATE_MOUNT), 0
    for mount in mounts:
        volume = luks_below(mount, disks, luks)
        if volume is None:
            problems.append(f"{mount} has no LUKS volume")
            continue
        in_escrow += bool(context.escrowed.get(volume.uuid))
        problems += [
            f"{problem} ({mount})"
            for problem in _recovery_problems(volume, storage.volume(volume.uuid), context.escrowed.get(volume.uuid))
        ]
    seen = f"{in_escrow} of {len(mounts)} volumes in escrow"
    if problems:
        return critical(
            name,
            seen=seen,
            wanted=wanted,
            reason="; ".join(problems),
            next_action=f"restore lost or damaged escrow files from git; fleetctl site provision {context.site.name}",
        )
    return ok(
        name,
        seen=seen,
        wanted=wanted,
        reason="both volumes have a recovery slot, a recorded test, and the escrow file that the box says it made",
    )


def _recovery_problems(volume: LuksVolume, record: VolumeRecord | None, digest: str | None) -> list[str]:
    """`digest` is that of the escrow file: None without one, empty for a damaged one."""
    uuid, problems = volume.uuid, []
    if all(slot.opened_by != "recovery" for slot in volume.slots):
        problems.append(f"no recovery slot in {uuid}")
    if record is None or not record.recovery_tested:
        problems.append(f"the box has no record that a recovery key opened {uuid}")
    if record is not None and not record.confirmed_at:
        problems.append(f"the escrow of {uuid} was never confirmed to the box")
    if digest is None:
        problems.append(f"no escrow file for {uuid}")
    elif not digest:
        problems.append(f"the escrow file of {uuid} is damaged")
    elif record is not None and digest != record.ciphertext_sha256:
        problems.append(f"the escrow file of {uuid} holds another recovery key than the one that the box made")
    return problems
