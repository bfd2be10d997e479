"""The weights: are those in use the sealed ones?"""

from typing import Any

from appliance.contract.health import ModelPart, TranscriptionHealth, Verdict
from appliance.health.concerns.part import NOT_SEALED, PROVISION


def judge(answer: TranscriptionHealth, verity: dict[str, Any], seal: dict[str, Any] | None) -> ModelPart:
    """Are the weights in use the sealed ones? The service's answer and the kernel's table must agree."""
    found: dict[str, Any] = {"name": answer.model, "root_hash": answer.root_hash}
    if answer.root_hash is None:
        return ModelPart(
            verdict=Verdict.CRITICAL, reason=f"the weights are not verified: {answer.root_hash_source}"[:500],
            next_action="install the signed model image", **found,
        )  # fmt: skip
    device = next((device for device in verity.values() if device["root_hash"] == answer.root_hash), None)
    if device is None:
        return ModelPart(
            verdict=Verdict.CRITICAL, reason="the service names a root hash that no dm-verity device has",
            next_action="isolate the machine and inspect it", **found,
        )  # fmt: skip
    if device["corrupted"]:
        return ModelPart(
            verdict=Verdict.CRITICAL, reason="the kernel has read a block of the weights that does not match",
            next_action="install the model image again and check the disks", **found,
        )  # fmt: skip
    if seal is None:
        return ModelPart(verdict=Verdict.DEGRADED, reason=NOT_SEALED, next_action=PROVISION, **found)
    if seal["model"]["root_hash"] != answer.root_hash:
        return ModelPart(
            verdict=Verdict.CRITICAL, reason=f"{answer.root_hash} is mounted, sealed is {seal['model']['root_hash']}",
            next_action="install the approved model image", **found,
        )  # fmt: skip
    return ModelPart(verdict=Verdict.OK, reason="root hash of the mounted weights equals the sealed one", **found)
