"""The state volume: mounted, encrypted, the sealed one, bound to this machine, whole, on drives that last?"""

from typing import Any

from appliance.contract.health import (
    ArrayMember,
    DriveWear,
    LuksSlot,
    LuksVolume,
    StoragePart,
    TpmBinding,
    Verdict,
    worst,
)
from appliance.health.concerns.part import NOT_SEALED, PROVISION

Judged = tuple[Verdict, str, str]


# As the operator's drives_healthy judges (fleetctl/checks/drives.py): a drive that has used four fifths of its
# endurance is replaced while there is time to order one.
WORN_PERCENT = 80
# What the state volume's key is bound to (docs/design/decisions.md): Secure Boot's state and the root volume's key by
# value, the image by a signed policy.
STATE_PCRS, SIGNED_PCRS = frozenset((7, 15)), frozenset((11,))


def judge(
    volume: dict[str, Any],
    bare_swaps: list[str],
    seal: dict[str, Any] | None,
    luks: dict[str, Any],
    drives: list[dict[str, Any]],
) -> StoragePart:
    """Is the state volume mounted, encrypted, the sealed one, and on a whole array; is no swap in clear?

    Then its keys and the drives: what no reader could read is unknown, and a virtual disk has no wear to read.
    """
    headers = [_header(name, each) for name, each in sorted(luks.items())]
    wear = [DriveWear.model_validate(each) for each in drives]
    found: dict[str, Any] = {
        "mounted": volume["mounted"], "encrypted": volume.get("encrypted"), "luks_uuid": volume.get("luks_uuid"),
        "array_level": volume.get("array_level"), "members_wanted": volume.get("members_wanted"),
        "members_active": volume.get("members_active"), "unencrypted_swap": bool(bare_swaps),
        "luks": tuple(headers), "drives": tuple(wear),
        "members": tuple(ArrayMember.model_validate(each) for each in volume.get("members") or ()),
    }  # fmt: skip

    def critical(reason: str, action: str) -> StoragePart:
        return StoragePart(verdict=Verdict.CRITICAL, reason=reason[:500], next_action=action, **found)

    if not volume["mounted"]:
        return critical("the state volume is not mounted", "open it with the recovery key, or provision the site")
    if not volume["encrypted"]:
        return critical(f"{volume['mount']} is not on LUKS2", "stop the services; provision the site anew")
    if bare_swaps:
        return critical(f"swap without encryption: {', '.join(bare_swaps)}", "swapoff -a, and remove it from the boot")
    if volume["read_only"]:
        return critical(f"{volume['mount']} is read-only", "read the kernel log; the file system may be damaged")
    if seal is not None and seal["state_volume"]["luks_uuid"] != volume["luks_uuid"]:
        return critical(
            f"LUKS volume {volume['luks_uuid']} is mounted, sealed is {seal['state_volume']['luks_uuid']}",
            "find out who changed the disks",
        )
    wanted, active = volume["members_wanted"], volume["members_active"]
    if wanted is None:  # every hardware profile demands RAID
        return critical("no array below the state volume", "find out who changed the disks; provision the site anew")
    if active < wanted:
        return StoragePart(
            verdict=Verdict.DEGRADED, reason=f"{active} of {wanted} members of {volume['array_level']} are active",
            next_action="replace the failed disk", **found,
        )  # fmt: skip
    if seal is None:
        return StoragePart(verdict=Verdict.DEGRADED, reason=NOT_SEALED, next_action=PROVISION, **found)
    array = f"{active} of {wanted} members of the {volume['array_level']} array"
    judged = [*_keys(headers, volume), *_members(found["members"]), *(each for drive in wear for each in _drive(drive))]
    if judged:
        return StoragePart(
            verdict=worst([each[0] for each in judged]), reason="; ".join(each[1] for each in judged)[:500],
            next_action="; ".join(dict.fromkeys(each[2] for each in judged))[:500], **found,
        )  # fmt: skip
    virtual = sum(drive.kind == "virtual" for drive in wear)
    lasting = f"{len(wear) - virtual} drives without a warning" + (f", {virtual} virtual" if virtual else "")
    return StoragePart(
        verdict=Verdict.OK, **found,
        reason=f"mounted from the sealed LUKS2 volume, bound to the TPM; {array}; {lasting}; no bare swap",
    )  # fmt: skip


def _header(name: str, found: dict[str, Any]) -> LuksVolume:
    return LuksVolume(
        volume=name,
        uuid=found["uuid"],
        slots=tuple(LuksSlot.model_validate(each) for each in found["slots"]),
        tpm=tuple(TpmBinding.model_validate(each) for each in found["tpm"]),
    )


def _keys(headers: list[LuksVolume], volume: dict[str, Any]) -> list[Judged]:
    """A volume without a recovery slot is lost with its TPM; one with a slot that nobody accounts for is not closed."""
    if all(header.uuid != volume["luks_uuid"] for header in headers):
        return [(Verdict.UNKNOWN, "the LUKS header of the state volume was not read", "look on the box")]
    judged: list[Judged] = []
    for header in headers:
        kinds = [slot.kind for slot in header.slots]
        if strange := sorted(set(kinds) - {"tpm2", "recovery"}):
            words = f"volume {header.volume} can be opened by {', '.join(strange)}"
            judged.append((Verdict.CRITICAL, words, "find out who added the key; then cryptsetup luksKillSlot"))
        if "recovery" not in kinds:
            words = f"volume {header.volume} has no recovery key"
            judged.append((Verdict.DEGRADED, words, "provision the site again: fleetctl site provision"))
        if "tpm2" not in kinds or not header.tpm:
            words = f"volume {header.volume} is not bound to the TPM: it will not open at the next start"
            judged.append((Verdict.DEGRADED, words, "provision the site again: fleetctl site provision"))
        elif header.uuid == volume["luks_uuid"] and not any(
            set(each.pcrs) >= STATE_PCRS and set(each.signed_pcrs) >= SIGNED_PCRS for each in header.tpm
        ):
            seen = "; ".join(f"PCR {list(each.pcrs)}, signed {list(each.signed_pcrs)}" for each in header.tpm)
            words = f"the state volume is bound to {seen}; wanted PCR 7 and 15, signed 11"
            judged.append((Verdict.CRITICAL, words, "find out who changed the keys; provision the site again"))
    return judged


def _members(members: tuple[ArrayMember, ...]) -> list[Judged]:
    judged = []
    for member in members:
        if member.errors or "faulty" in member.state or "in_sync" not in member.state:
            words = f"{member.device} of the array is {member.state or 'nothing'}, {member.errors} corrected errors"
            judged.append((Verdict.DEGRADED, words, "replace the disk if it stays"))
    return judged


def _drive(drive: DriveWear) -> list[Judged]:
    """NVM Express base specification 2.0, figure 207: a warning bit is the drive's own word that it fails."""
    name = drive.device
    if drive.kind == "virtual":
        return []
    if drive.kind == "unread":
        return [(Verdict.UNKNOWN, f"{name}: {drive.reason or 'its wear cannot be read'}", "look on the box")]
    replace = "replace the drive"
    judged: list[Judged] = []
    if drive.critical_warning is None or drive.used_percent is None:
        judged.append((Verdict.UNKNOWN, f"{name} does not tell its wear", "look on the box"))
    if drive.critical_warning:
        judged.append((Verdict.CRITICAL, f"{name} warns (critical_warning {drive.critical_warning:#04x})", replace))
    if (drive.spare_percent or 0) < (drive.spare_threshold_percent or 0):
        judged.append((Verdict.CRITICAL, f"{name} has {drive.spare_percent} % of its spare blocks left", replace))
    if (drive.used_percent or 0) >= WORN_PERCENT:
        judged.append((Verdict.DEGRADED, f"{name} has used {drive.used_percent} % of its endurance", "order a drive"))
    if drive.media_errors:
        judged.append((Verdict.DEGRADED, f"{name} counts {drive.media_errors} media errors", "order a drive"))
    return judged
