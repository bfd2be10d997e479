"""A release to a medium and back into a fleet, against `cp`, `sync` and `sha256sum` of the same image.

Both sides copy the image, have it on the disk and compare its SHA-256. Ours verifies the signed repository besides.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fleetctl.models.fleetdir import FleetDir  # noqa: E402
from fleetctl.release.carry_export import export  # noqa: E402
from fleetctl.release.carry_import import import_release  # noqa: E402
from fleetctl.release.repository_client import fingerprint  # noqa: E402
from fleetctl.release.store import ReleaseStore  # noqa: E402
from fleetctl.report.progress import Progress  # noqa: E402
from tests.fakes.releases import SignedRepository, manifest, model_image  # noqa: E402

NAME = "2026.11-1"
QUIET = Progress(Console(file=io.StringIO()))


class Fleet(FleetDir):
    """A fleet that keeps its state beside its files."""

    @property
    def state_dir(self) -> Path:
        folder = self.path / "state"
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def sender(folder: Path, size_mib: int) -> tuple[ReleaseStore, bytes, Path]:
    """A fleet with one published release of one image; its store, the pinned root, and the image."""
    store = ReleaseStore(Fleet(folder / "sender"))
    repository = SignedRepository(store.folder)
    (store.folder / "root.json").write_bytes(repository.root)
    store.images.mkdir(parents=True)
    work = folder / "work"
    work.mkdir()
    image = model_image(work, {"model.bin": os.urandom(size_mib << 20)})
    repository.publish("stable", manifest(NAME, 1, [image.component()]))
    shutil.move(image.path, store.image(image.root_hash))
    return store, repository.root, store.image(image.root_hash)


def seconds(run: Callable[[], object]) -> float:
    started = time.monotonic()
    run()
    return time.monotonic() - started


def plain(source: Path, target: Path) -> None:
    """Copy, make durable, read again and compare: two copies, as ours makes two."""
    target.mkdir()
    for origin, copy in ((source, target / "medium"), (target / "medium", target / "fleet")):
        subprocess.run(["cp", str(origin), str(copy)], check=True)
        subprocess.run(["sync", str(copy)], check=True)
        subprocess.run(["sha256sum", str(copy)], check=True, capture_output=True)


def ours(store: ReleaseStore, root: bytes, target: Path) -> None:
    target.mkdir()
    receiver = ReleaseStore(Fleet(target / "receiver"))
    receiver.folder.mkdir(parents=True)
    export(store, NAME, "stable", target, lambda: datetime.now(UTC), QUIET)
    import_release(
        receiver, target / NAME, lambda: datetime.now(UTC), QUIET, root_sha256=fingerprint(root)
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size-mib", type=int, default=256)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    taken: dict[str, list[float]] = {"ours": [], "plain": []}
    with tempfile.TemporaryDirectory(prefix="carry-") as name:
        folder = Path(name)
        store, root, image = sender(folder, options.size_mib)
        size_mb = image.stat().st_size / 1e6
        for number in range(options.runs):
            # In turns, so that a busy machine slows both.
            taken["plain"].append(seconds(lambda n=number: plain(image, folder / f"plain-{n}")))  # type: ignore[misc]
            shutil.rmtree(folder / f"plain-{number}")
            taken["ours"].append(seconds(lambda n=number: ours(store, root, folder / f"ours-{n}")))  # type: ignore[misc]
            shutil.rmtree(folder / f"ours-{number}")
    for kind, words in (("ours", "export and import"), ("plain", "cp, sync, sha256sum, twice")):
        median = statistics.median(taken[kind])
        print(
            f"{words}: {median:.2f} s, {2 * size_mb / median:.0f} MB/s ({min(taken[kind]):.2f}-{max(taken[kind]):.2f})"
        )
    ratio = statistics.median(mine / other for mine, other in zip(taken["ours"], taken["plain"], strict=True))
    print(f"time of ours against plain copies, median of {options.runs} pairs: {ratio:.2f}")


if __name__ == "__main__":
    main()
