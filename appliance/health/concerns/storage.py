"""The state volume: mounted, encrypted, the sealed one, whole?"""

from typing import Any

from appliance.contract.health import StoragePart, Verdict
from appliance.health.concerns.part import NOT_SEALED, PROVISION


def judge(volume: dict[str, Any], bare_swaps: list[str], seal: dict[str, Any] | None) -> StoragePart:
    """Is the state volume mounted, encrypted, the sealed one, and on a whole array; is no swap in clear?"""
    found: dict[str, Any] = {
        "mounted": volume["mounted"], "encrypted": volume.get("encrypted"), "luks_uuid": volume.get("luks_uuid"),
        "array_level": volume.get("array_level"), "members_wanted": volume.get("members_wanted"),
        "members_active": volume.get("members_active"), "unencrypted_swap": bool(bare_swaps),
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
    return StoragePart(
        verdict=Verdict.OK, reason=f"mounted from the sealed LUKS2 volume; {array}; no bare swap", **found
    )
