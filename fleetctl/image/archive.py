"""Unpacks Debian packages without installing them: what the engine's image takes from the archive, and its trial."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from fleetctl.errors import VerificationError
from fleetctl.image.command import run_logged
from fleetctl.image.mirrors import KEYRING, SUITE, Mirrors
from fleetctl.image.tools import remove_tree


def mmdebstrap_argv(packages: Sequence[str], target: Path, sources: Path, listing: Path, mirrors: Mirrors) -> list[str]:
    """Unpack the packages and what they depend on; `listing` gets the names of the package files."""
    options = [f'--aptopt={name} "{value}"' for name, value in mirrors.options]
    mode = "root" if os.geteuid() == 0 else "unshare"
    return [
        *("mmdebstrap", f"--mode={mode}", "--variant=extract", "--format=directory", f"--include={','.join(packages)}"),
        *('--aptopt=APT::Install-Recommends "false"', *options, "--dpkgopt=path-exclude=/usr/share/doc/*"),
        f'--extract-hook=ls "$1"/var/cache/apt/archives/ >{listing}',
        *(f"--keyring={KEYRING}", SUITE, str(target), str(sources)),
    ]


def unpack(
    packages: Sequence[str],
    target: Path,
    mirrors: Mirrors,
    components: Sequence[str],
    *,
    log_path: Path,
    on_line: Callable[[str], None],
) -> list[tuple[str, str]]:
    """Unpack into `target` and return name and version of every package in it. apt checks the archive's signatures."""
    remove_tree(target)
    sources, listing = target.with_suffix(".sources"), target.with_suffix(".packages")
    sources.write_text(mirrors.sources(components))
    argv = mmdebstrap_argv(packages, target, sources, listing, mirrors)
    run_logged(argv, title=f"unpacking {', '.join(packages)}", log_path=log_path, on_line=on_line)
    found = parse_listing(listing.read_text())
    missing = set(packages) - {name for name, _ in found}
    if missing:
        raise VerificationError(
            f"{', '.join(sorted(missing))} did not come out of the archive", hint=f"the whole output: {log_path}"
        )
    return found


def parse_listing(text: str) -> list[tuple[str, str]]:
    """Names and versions out of file names NAME_VERSION_ARCHITECTURE.deb; apt writes an epoch's colon as %3a."""
    names = (word.split("_") for word in sorted(text.split()) if word.endswith(".deb"))
    return [(parts[0], parts[1].replace("%3a", ":")) for parts in names if len(parts) == 3]
