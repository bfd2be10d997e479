"""The tools tree: a small Debian 13 with mkosi and what it calls; the build machine's own versions play no part.

Debian 12 has no mkosi that builds this image, and Ubuntu's differs; the tree is the same everywhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleetctl.errors import ChangeError
from fleetctl.image.command import run_logged
from fleetctl.image.digest import combined
from fleetctl.image.mirrors import KEYRING, SUITE, Mirrors

PACKAGES = (
    "apt",
    "ca-certificates",
    "cpio",
    "cryptsetup-bin",
    "debian-archive-keyring",
    "dosfstools",
    "dpkg",
    "e2fsprogs",
    "erofs-utils",
    "fdisk",
    "kmod",
    "mkosi",
    "mtools",
    "openssl",
    "python3-cryptography",
    "python3-pefile",
    "sbsigntool",
    "systemd",
    "systemd-boot-efi",
    "systemd-boot-tools",
    "systemd-repart",
    "systemd-ukify",
    "tar",
    "udev",
    "uidmap",
    "xz-utils",
    "zstd",
)
_DPKG_EXCLUDE = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
_PYTHON_PATH = "usr/lib/python3/dist-packages"


@dataclass(frozen=True)
class ToolsTree:
    """A finished tools tree. `digest` names the recipe that it was made from."""

    path: Path
    digest: str

    def mkosi_argv(self, arguments: Sequence[str]) -> list[str]:
        """mkosi itself runs on this machine's Python; everything that it calls comes from the tree."""
        return [sys.executable, "-m", "mkosi", *arguments]

    def mkosi_env(self, build: Path) -> dict[str, str]:
        """The environment for `mkosi_argv`: only mkosi is importable from the tree, not its compiled neighbours."""
        folder = build / "mkosi-path"
        folder.mkdir(parents=True, exist_ok=True)
        link = folder / "mkosi"
        if not (link.is_symlink() and link.readlink() == self.path / _PYTHON_PATH / "mkosi"):
            link.unlink(missing_ok=True)
            link.symlink_to(self.path / _PYTHON_PATH / "mkosi")
        # PYTHONDONTWRITEBYTECODE: the tree stays as it was made.
        return {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}

    def run_argv(
        self, argv: Sequence[str], *, binds: Mapping[Path, str], ro_binds: Mapping[Path, str] | None = None
    ) -> list[str]:
        """`argv` inside the tree: its /usr, no network, and the named folders of this machine."""
        command = ["bwrap", "--die-with-parent", "--unshare-net", "--unshare-pid", "--unshare-ipc", "--clearenv"]
        command += ["--setenv", "PATH", "/usr/bin:/usr/sbin", "--setenv", "LC_ALL", "C.UTF-8"]
        command += ["--ro-bind", str(self.path / "usr"), "/usr", "--ro-bind", str(self.path / "etc"), "/etc"]
        for name in ("bin", "sbin", "lib", "lib64"):
            command += ["--symlink", f"usr/{name}", f"/{name}"]
        command += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/var/tmp"]  # noqa: S108
        for source, target in (ro_binds or {}).items():
            command += ["--ro-bind", str(source), target]
        for source, target in binds.items():
            command += ["--bind", str(source), target]
        return [*command, *argv]


def recipe_digest() -> str:
    """What decides whether an existing tree can be used."""
    return combined({"suite": SUITE, "packages": " ".join(PACKAGES), "exclude": " ".join(_DPKG_EXCLUDE)})[:16]


def mmdebstrap_argv(target: Path, sources: Path, mirrors: Mirrors) -> list[str]:
    """Make the tree in `target`. `sources` is a deb822 file."""
    options = [f'--aptopt={name} "{value}"' for name, value in mirrors.options]
    excludes = [f"--dpkgopt=path-exclude={pattern}" for pattern in _DPKG_EXCLUDE]
    mode = "root" if os.geteuid() == 0 else "unshare"
    return [
        *("mmdebstrap", f"--mode={mode}", "--variant=apt", "--format=directory", f"--include={','.join(PACKAGES)}"),
        *('--aptopt=APT::Install-Recommends "false"', *options, *excludes),
        *(f"--keyring={KEYRING}", SUITE, str(target), str(sources)),
    ]


def ensure_tools(build: Path, mirrors: Mirrors, *, log_path: Path, on_line: Callable[[str], None]) -> ToolsTree:
    """The tools tree of this recipe; made if it is not there (about a minute), older ones removed."""
    digest = recipe_digest()
    tree = ToolsTree(build / f"tools-{digest}", digest)
    if tree.path.is_dir():
        return tree
    build.mkdir(parents=True, exist_ok=True)
    work = build / "tools-new"
    remove_tree(work)
    sources = build / "tools.sources"
    sources.write_text(mirrors.sources())
    title = "making the tools tree"
    run_logged(mmdebstrap_argv(work, sources, mirrors), title=title, log_path=log_path, on_line=on_line)
    work.rename(tree.path)
    for other in build.glob("tools-*"):
        if other != tree.path:
            remove_tree(other)
    return tree


def remove_tree(path: Path) -> None:
    """Remove a tree of ours, and before that what a killed mmdebstrap left mounted in it."""
    if not path.exists():
        return
    below = f"{path.resolve()}/"
    mounts = [line.split(" ")[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in reversed([mount for mount in mounts if mount.startswith(below)]):
        if subprocess.run(["umount", mount], capture_output=True, check=False).returncode != 0:
            raise ChangeError(
                f"{mount} is still mounted by an earlier build", hint=f"umount {mount}, then run this again"
            )
    shutil.rmtree(path)
