"""`appliancectl release` as it is called on a box. Pure: argument lists, in the one place that knows its options."""

from __future__ import annotations

from datetime import datetime

from appliance.contract.clinical_gate import ClinicalPolicy
from appliance.contract.release_status import WantedImage

_RELEASE = ("appliancectl", "release")
_JSON = ("-o", "json")


def status() -> list[str]:
    """Ask for the status."""
    return [*_RELEASE, "status", *_JSON]


def receive_prepare(wanted: WantedImage | None) -> list[str]:
    """Make ready for what will be sent: for an image, or for the repository alone."""
    argv = [*_RELEASE, "receive-prepare", *_JSON]
    if wanted is not None:
        argv += ["--root-hash", wanted.root_hash, "--size-bytes", str(wanted.size_bytes)]
        if wanted.basis is not None:
            argv += ["--basis", wanted.basis]
    return argv


def offer(release: str, channel: str) -> list[str]:
    """Ask what is missing of a release, or why it is refused."""
    return [*_RELEASE, "offer", release, "--channel", channel, *_JSON]


def stage(operation: str, release: str, channel: str) -> list[str]:
    """Verify everything and make it the staged set."""
    return [*_RELEASE, "stage", release, "--channel", channel, "--operation", operation, *_JSON]


def evaluate(
    operation: str, release: str, set_path: str, policy: ClinicalPolicy, timeout_s: int, drain_timeout_s: int | None
) -> list[str]:
    """Run an evaluation set that was sent before. The policy is no secret, and short. None: beside what serves."""
    argv = [*_RELEASE, "evaluate", release, "--operation", operation, "--set", set_path]
    argv += ["--policy", policy.content().decode(), "--timeout", str(timeout_s)]
    if drain_timeout_s is not None:
        argv += ["--instead", "--drain-timeout", str(drain_timeout_s)]
    return [*argv, *_JSON]


def activate(operation: str, release: str, drain_timeout_s: int, not_after: datetime | None) -> list[str]:
    """Drain, switch, probe and commit."""
    argv = [*_RELEASE, "activate", release, "--operation", operation, "--drain-timeout", str(drain_timeout_s), *_JSON]
    if not_after is not None:
        argv += ["--not-after", not_after.isoformat()]
    return argv


def rollback(operation: str, reason: str) -> list[str]:
    """Return to the last good set."""
    return [*_RELEASE, "rollback", "--operation", operation, f"--reason={reason}", *_JSON]


def clear(operation: str, release: str) -> list[str]:
    """Take a release off the deny-list."""
    return [*_RELEASE, "clear", release, "--operation", operation, *_JSON]
