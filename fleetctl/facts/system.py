"""SystemFacts: the operating-system image, the kernel, its command line and this boot's identity."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of


@dataclass(frozen=True)
class SystemFacts:
    """`image_id` and `image_version` are empty on a system that is no image; `usrhash` is empty when not on the
    kernel's command line."""

    os_id: str
    os_version: str
    image_id: str
    image_version: str
    kernel: str
    boot_id: str
    usrhash: str


def parse(outputs: Sequence[Output]) -> SystemFacts:
    release_text, kernel, boot_id, command_line = (stdout_of(output, "cat") for output in outputs)
    release = parse_os_release(release_text)
    if "ID" not in release:
        raise UnreadableError("os-release names no ID")
    hashes = [word.removeprefix("usrhash=") for word in command_line.split() if word.startswith("usrhash=")]
    return SystemFacts(
        os_id=release["ID"],
        os_version=release.get("VERSION_ID", ""),
        image_id=release.get("IMAGE_ID", ""),
        image_version=release.get("IMAGE_VERSION", ""),
        kernel=kernel.strip(),
        boot_id=boot_id.strip(),
        # The kernel's own rule: of a parameter given twice the last one counts.
        usrhash=hashes[-1].lower() if hashes else "",
    )


def parse_os_release(text: str) -> dict[str, str]:
    """os-release(5): shell-like assignments, one a line."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): "".join(shlex.split(value)) for key, value in pairs}


SYSTEM = Fact(
    "system",
    (
        command("cat", "/usr/lib/os-release"),
        command("cat", "/proc/sys/kernel/osrelease"),
        command("cat", "/proc/sys/kernel/random/boot_id"),
        command("cat", "/proc/cmdline"),
    ),
    parse,
)
