"""The mkosi call that builds the OS image, and the stages that it reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ImageProfile = Literal["lab", "gpu"]
PROFILES: tuple[ImageProfile, ...] = ("lab", "gpu")

# 2026-01-01, as in images/edge/mkosi.conf: file times in images do not depend on when they were built.
SOURCE_DATE_EPOCH = 1767225600

# What the kernel of each profile's machines needs from the archive beyond main: NVIDIA's driver is non-free.
COMPONENTS: dict[ImageProfile, tuple[str, ...]] = {
    "lab": ("main",),
    "gpu": ("main", "contrib", "non-free", "non-free-firmware"),
}


@dataclass(frozen=True)
class MkosiRun:
    """Folders and names of one run. `work` holds mkosi's caches, its workspace and the unfinished output."""

    recipe: Path
    profile: ImageProfile
    version: str
    work: Path
    tools: Path
    extra_trees: Sequence[Path]
    certificate: Path
    keys: Path
    refresh: bool = False

    @property
    def name(self) -> str:
        return f"edge-{self.profile}"

    @property
    def output(self) -> Path:
        return self.work / "out"

    @property
    def sandbox(self) -> Path:
        """Tree laid over the tools' /etc: apt's sources and options."""
        return self.work / "sandbox"

    def folders(self) -> dict[str, Path]:
        """mkosi's own folders, option → path."""
        return {
            "cache-directory": self.work / "cache",
            # Shared by the profiles: most of their packages are the same.
            "package-cache-directory": self.work.parent / "packages",
            "workspace-directory": self.work / "workspace",
            "output-directory": self.output,
        }

    def arguments(self) -> list[str]:
        """mkosi's arguments. Keys enter as paths only."""
        options = {
            "directory": self.recipe,
            "profile": self.profile,
            "image-version": self.version,
            "output": self.name,
            "tools-tree": self.tools,
            "sandbox-tree": self.sandbox,
            **self.folders(),
            "secure-boot-key": self.keys / "secureboot.key",
            "secure-boot-certificate": self.certificate,
            "verity-key": self.keys / "secureboot.key",
            "verity-certificate": self.certificate,
            "sign-expected-pcr-key": self.keys / "pcr.key",
            # mkosi wants one beside the key; for a key in a file ukify takes the public half from the key itself.
            "sign-expected-pcr-certificate": self.certificate,
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        arguments += [f"--extra-tree={tree}" for tree in self.extra_trees]
        if self.profile == "gpu":
            # Its finalize script signs the driver's modules. Mounted for the time of the build, not copied.
            arguments.append(f"--build-sources={self.keys}:keys")
        # Once: replace the output. Twice: also the cached trees, so that newer packages come in.
        return [*arguments, "-ff" if self.refresh else "-f", "build"]


def stage(line: str) -> str | None:
    """The stage that a line of mkosi's output announces, shortened, or None."""
    mark, _, text = line.partition("‣")
    if mark.strip() or not text:
        return None
    return text.strip().rstrip("…").split(" /")[0]
