"""The engine image of a GPU site: engine_verified."""

from __future__ import annotations

from fleetctl.checks.context import CheckContext
from fleetctl.checks.result import CheckResult, critical, first_unreadable, ok, unknown
from fleetctl.facts.base import Unreadable


def engine_verified(context: CheckContext) -> CheckResult:
    """The engine runs from the approved image: our build, the kernel's dm-verity device and the box's word agree."""
    name, built = "engine_verified", context.wanted.engine
    verity, health = context.facts.verity, context.health
    wanted = "the root hash of the built engine image, in the kernel and in the health snapshot"
    if built is None:
        return unknown(name, wanted=wanted, because="the profile has GPUs and the release no engine image")
    missing = first_unreadable(built, verity, health)
    if missing or isinstance(built, Unreadable) or isinstance(verity, Unreadable) or isinstance(health, Unreadable):
        return unknown(name, wanted=wanted, because=missing or "")
    devices = [device for device in verity.devices if device.root_hash == built.root_hash]
    problems = [] if devices else ["the kernel runs no dm-verity device with that root hash"]
    problems += [f"the kernel met a wrong block on {device.name}" for device in devices if device.corrupted]
    problems += [f"{device.name} was opened without a signature" for device in devices if not device.signed]
    # A site without drafting has the image for CUDA's libraries; no service reports it there.
    reported = "not asked: the site does not draft"
    if context.site.spec.release.drafting is not None:
        loaded = next((each for each in health.models.loaded if each.task == "drafting"), None)
        reported = (loaded.engine_root_hash if loaded else None) or "none"
        if reported != built.root_hash:
            problems.append(f"health reports {reported[:12]}")
    seen = f"health: {reported[:12]}; kernel: {len(devices)} device(s)"
    if problems:
        return critical(
            name,
            seen=seen,
            wanted=f"{wanted} ({built.root_hash[:12]}…)",
            reason="; ".join(problems),
            next_action=f"fleetctl site provision {context.site.name} installs the approved image",
        )
    return ok(
        name,
        seen=seen,
        wanted=wanted,
        reason="our build, the kernel's table and the service agree; it was signed",
    )
