"""Packs a folder as an image: read-only erofs under dm-verity, its root hash signed by the fleet's Secure Boot key.

The box's kernel has that key's certificate in its platform keyring, refuses an image signed by another, and refuses
to read a changed block while it is mounted.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from fleetctl.image.command import run_logged
from fleetctl.image.mkosi import SOURCE_DATE_EPOCH
from fleetctl.image.tools import ToolsTree

_SEED_NAMESPACE = uuid.UUID("6a0f2d53-0a54-4d1c-8f0e-7d5c7a0b9e11")
_BLOCKS = "VerityDataBlockSizeBytes=4096\nVerityHashBlockSizeBytes=4096\n"
COMPRESSED = "Compression=lz4hc\nCompressionLevel=6\n"


def partition_definitions(name: str, options: str = "") -> dict[str, str]:
    """systemd-repart definitions, file name → content, of a discoverable disk image with a signed root."""
    common = f"VerityMatchKey=root\n{_BLOCKS}"
    # A GPT label holds 36 characters.
    label = name[:28]
    return {
        "10-root.conf": f"[Partition]\nType=root\nLabel={label}\nFormat=erofs\n{options}CopyFiles=/:/\nVerity=data\n"
        f"{common}Minimize=best\n",
        "20-root-verity.conf": f"[Partition]\nType=root-verity\nLabel={label}-verity\nVerity=hash\n"
        f"{common}Minimize=best\n",
        "30-root-verity-sig.conf": f"[Partition]\nType=root-verity-sig\nLabel={label}-sig\nVerity=signature\n"
        "VerityMatchKey=root\n",
    }


def seed_of(content: str) -> uuid.UUID:
    """Where repart takes the file system's UUID from: the same content gives the same root hash in every fleet."""
    return uuid.uuid5(_SEED_NAMESPACE, content)


def repart_argv(tools: ToolsTree, work: Path, keys: Path, certificate: Path, seed: uuid.UUID) -> list[str]:
    """Make `work/image.raw` out of `work/files` by the definitions in `work/definitions`."""
    argv = [
        *("systemd-repart", "--empty=create", "--size=auto", "--offline=yes", "--dry-run=no", "--sector-size=512"),
        *("--definitions=/work/definitions", "--copy-source=/work/files", "--no-pager"),
        f"--seed={seed}",
        *("--private-key=/keys/secureboot.key", "--certificate=/secureboot.crt", "/work/image.raw"),
    ]
    # repart makes the file system beside the image first; the tools' own /var/tmp is memory.
    inside = ["env", f"SOURCE_DATE_EPOCH={SOURCE_DATE_EPOCH}", "TMPDIR=/work", *argv]
    return tools.run_argv(inside, binds={work: "/work"}, ro_binds={keys: "/keys", certificate: "/secureboot.crt"})


def pack(
    work: Path,
    name: str,
    seed: uuid.UUID,
    unlocked: Callable[[], AbstractContextManager[Path]],
    certificate: Path,
    tools: ToolsTree,
    *,
    log_path: Path,
    options: str = "",
) -> Path:
    """Return the image of `work/files`. `unlocked` opens the folder with `secureboot.key` while it signs."""
    definitions = work / "definitions"
    definitions.mkdir()
    for file, content in partition_definitions(name, options).items():
        (definitions / file).write_text(content)
    _settle(work / "files")
    with unlocked() as keys:
        argv = repart_argv(tools, work, keys, certificate, seed)
        run_logged(argv, title=f"systemd-repart for {name}", log_path=log_path)
    return work / "image.raw"


def _settle(root: Path) -> None:
    """Modes and times that do not depend on who built it and when; a program stays one."""
    for path in (*root.rglob("*"), root):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (SOURCE_DATE_EPOCH, SOURCE_DATE_EPOCH), follow_symlinks=False)
