"""A release to a medium and back into a fleet, against `cp`, `sync` and `sha256sum` of the same image.

Both sides copy the image, have it on the disk and compare its SHA-256. Ours verifies the signed repository besides.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Taken:
    """Seconds on the clock, and of processors, children included."""

    wall_s: float
    cpu_s: float


def cpu_s() -> float:
    """Seconds of processors so far."""
    used = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def measured(run: Callable[[], object]) -> Taken:
    started, used = time.monotonic(), cpu_s()
    run()
    return Taken(time.monotonic() - started, cpu_s() - used)


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
    pairs: list[tuple[Taken, Taken]] = []
    with tempfile.TemporaryDirectory(prefix="carry-") as name:
        folder = Path(name)
        store, root, image = sender(folder, options.size_mib)
        size_mb = image.stat().st_size / 1e6
        for number in range(options.runs):
            # In turns, so that a busy machine slows both.
            other = measured(lambda n=number: plain(image, folder / f"plain-{n}"))  # type: ignore[misc]
            shutil.rmtree(folder / f"plain-{number}")
            mine = measured(lambda n=number: ours(store, root, folder / f"ours-{n}"))  # type: ignore[misc]
            shutil.rmtree(folder / f"ours-{number}")
            pairs.append((mine, other))
    for words, taken in (("export and import", [a for a, _ in pairs]), ("cp, sync, sha256sum", [b for _, b in pairs])):
        wall, cpu = statistics.median(t.wall_s for t in taken), statistics.median(t.cpu_s for t in taken)
        print(f"{words}: {wall:.2f} s, {2 * size_mb / wall:.0f} MB/s, {cpu:.2f} s of processors")
    wall = statistics.median(mine.wall_s / other.wall_s for mine, other in pairs)
    cpu = statistics.median(mine.cpu_s / other.cpu_s for mine, other in pairs)
    print(f"ours against plain copies, median of {options.runs} pairs: time {wall:.2f}, processors {cpu:.2f}")


if __name__ == "__main__":
    main()
