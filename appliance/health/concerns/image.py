"""The operating system: is /usr the image that was sealed?"""

from typing import Any

from appliance.contract.health import ImagePart, Verdict
from appliance.health.concerns.part import NOT_SEALED, PROVISION


def judge(verity: dict[str, Any], seal: dict[str, Any] | None, version: str | None) -> ImagePart:
    """Is /usr the image that was sealed, and has the kernel found no wrong block in it?"""
    usr = verity.get("usr")
    if usr is None:
        return ImagePart(
            verdict=Verdict.CRITICAL, version=version, reason="no dm-verity device named usr is active",
            next_action="boot the signed image; isolate the machine until then",
        )  # fmt: skip
    found = {"version": version, "usr_root_hash": usr["root_hash"]}
    if usr["corrupted"]:
        return ImagePart(
            verdict=Verdict.CRITICAL, reason="the kernel has read a block of /usr that does not match its root hash",
            next_action="replace the system disk or write the image anew", **found,
        )  # fmt: skip
    if seal is None:
        return ImagePart(verdict=Verdict.DEGRADED, reason=NOT_SEALED, next_action=PROVISION, **found)
    if seal["usr_root_hash"] != usr["root_hash"]:
        return ImagePart(
            verdict=Verdict.CRITICAL, reason=f"/usr has {usr['root_hash']}, sealed is {seal['usr_root_hash']}",
            next_action="boot the approved image, or provision the site again", **found,
        )  # fmt: skip
    return ImagePart(verdict=Verdict.OK, reason="root hash of /usr equals the sealed one; no wrong block read", **found)
