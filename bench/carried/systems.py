"""A box's system disk with a built operating system in its running slot, and the file that a release carries of it.

Laid out by systemd-repart as a box's first boot does it, so that what reads the slot is not what wrote it.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

from fleetctl.image.manifest import ImageManifest
from fleetctl.release.build_system import PackedSystem, pack_system

MIB = 1 << 20
# Discoverable Partitions Specification, x86-64.
KINDS = {
    "esp": "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
    "signature": "e7bb33fb-06cf-4e81-8273-e543b413e2e2",
    "verity": "77ff5f63-e7b6-4633-acf4-1565b864c0e6",
    "usr": "8484680c-9521-48c6-9c11-b0720656f69e",
}
# What hardware profiles lay out, as far as it matters here: a slot is larger than its system.
SIZES_MIB = {"esp": 64, "signature": 1, "verity": 32, "usr": 1536}


@dataclass(frozen=True)
class Built:
    """What `fleetctl image build` left in a folder."""

    packed: PackedSystem
    kernel: Path

    @classmethod
    def of(cls, folder: Path) -> Built:
        """Read and check it. Raises SystemExit."""
        found = sorted(path for path in folder.glob("edge-*.json"))
        if len(found) != 1:
            raise SystemExit(f"{folder}: the manifest of one built image was wanted, there are {len(found)}")
        built = ImageManifest.model_validate_json(found[0].read_bytes())
        packed = pack_system(folder, built)
        return cls(packed, packed.paths["kernel"])

    @property
    def root_hash(self) -> str:
        return self.packed.component.root_hash

    def whole(self, path: Path) -> Path:
        """The file of a release."""
        with path.open("wb") as file:
            file.writelines(self.packed.content())
        return path


def install(root: Path, built: Built) -> None:
    """Make a folder a box that runs it. Raises CalledProcessError."""
    halves = {"usr": built.root_hash[:32], "verity": built.root_hash[32:]}
    with tempfile.TemporaryDirectory(prefix="bench-definitions-") as folder:
        for number, name in enumerate(["esp", *("signature", "verity", "usr") * 2]):
            runs = 1 <= number <= 3
            words = [
                "[Partition]", f"Type={KINDS[name]}", f"Label={'edge' if runs else '_empty'}",
                f"SizeMinBytes={SIZES_MIB[name]}M", f"SizeMaxBytes={SIZES_MIB[name]}M",
            ]  # fmt: skip
            if runs:
                words.append(f"CopyBlocks={built.packed.paths[name]}")
                if name in halves:
                    words.append(f"UUID={uuid.UUID(halves[name])}")
            (Path(folder) / f"{number}.conf").write_text("\n".join(words) + "\n")
        disk = root / "dev/system-disk"
        disk.parent.mkdir(parents=True)
        subprocess.run(
            ["systemd-repart", "--empty=create", "--size=auto", "--dry-run=no", "--definitions", folder,
             disk], check=True, capture_output=True,
        )  # fmt: skip
    linux = root / "efi/EFI/Linux"
    linux.mkdir(parents=True)
    shutil.copy(built.kernel, linux / "edge_0001.efi")
    (root / "proc").mkdir()
    (root / "proc/cmdline").write_text(f"usrhash={built.root_hash}\n")
