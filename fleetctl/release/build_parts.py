"""The parts of a release as the image cache has them: models, OS images with the prompts in them, the engine.

Prompts are code and templates of the appliance, so they lie in the OS image. They are pinned from the box's code of
this installation, which is read and never imported, and only when the OS image was made from the very same code.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn, cast

from appliance.contract.bundles import BUNDLES, form_of
from appliance.contract.release import AdapterComponent, EvaluationResult, ModelComponent, Pinned, SystemComponent
from appliance.contract.seal import ModelTask
from fleetctl.errors import ConfigError, RefusedError, UsageError
from fleetctl.image.cache import ImageCache
from fleetctl.image.catalogue import read_catalogue
from fleetctl.image.digest import file_sha256, tree_digest
from fleetctl.image.engine import ENGINE
from fleetctl.image.jobs import model_job
from fleetctl.image.manifest import (
    AdapterManifest,
    EngineManifest,
    ImageManifest,
    ModelFile,
    ModelManifest,
    read_manifest,
)
from fleetctl.image.mkosi import PROFILES, ImageProfile
from fleetctl.models.fleetdir import FleetDir
from fleetctl.nearest import nearest, nearest_or_all
from fleetctl.release.build_system import PackedSystem, pack_system
from fleetctl.release.code_packs import built_in_tables
from fleetctl.trust.passphrase import Passphrase

Engine = Literal["llama.cpp", "vllm"]
# What an engine runs on; see phases/service_settings.py: sites with GPUs draft with vLLM, the others with llama.cpp.
OS_OF: dict[Engine, ImageProfile] = {"llama.cpp": "lab", "vllm": "gpu"}
_MIB = 1 << 20


@dataclass(frozen=True)
class PackedModel:
    """A model of the image cache as a release names it, its image, and the files in it."""

    component: ModelComponent
    path: Path
    files: tuple[ModelFile, ...]


@dataclass(frozen=True)
class PackedAdapter:
    """An adapter of the image cache as a release names it, its image, and the files in it."""

    component: AdapterComponent
    path: Path
    files: tuple[ModelFile, ...]


@dataclass(frozen=True)
class OsPart:
    """What comes with OS images: they are replaced together. `carried`: the release brings the image to the boxes;
    `packed`: its files, where they are not in the store yet."""

    usr_root_hashes: tuple[str, ...]
    version: str
    prompts: tuple[Pinned, ...]
    code_tables: tuple[Pinned, ...] = ()
    packed: PackedSystem | None = None
    carried: SystemComponent | None = None


@dataclass(frozen=True)
class Cached:
    """The image cache of a fleet. `make` builds a catalogue model that is missing; without it that is refused."""

    fleet: FleetDir
    cache: ImageCache
    package: Path
    make: Callable[[str], ModelManifest] | None = None

    def model(self, task: ModelTask, name: str) -> PackedModel:
        """The packed model. Raises RefusedError for one that is missing, outdated or incomplete."""
        folder = self.cache.models(self.fleet.fleet.name)
        path = folder / f"{name}.raw"
        packed = read_manifest(folder / f"{name}.json", ModelManifest)
        if packed is not None and packed.own_for is not None:
            _check_task(name, packed.own_for, task)
            if not path.is_file() or path.stat().st_size != packed.size_bytes:
                self._refuse(f"{path} is not the image that was packed", f"release import-model … --name {name}")
        else:
            packed = self._of_catalogue(task, name)
        return PackedModel(_component(task, packed), path, tuple(packed.files))

    def adapter(self, name: str) -> PackedAdapter:
        """The packed adapter. Raises RefusedError for one that is missing."""
        folder = self.cache.adapters(self.fleet.fleet.name)
        path, packed = folder / f"{name}.raw", read_manifest(folder / f"{name}.json", AdapterManifest)
        if packed is None and (near := nearest(name, sorted(each.stem for each in folder.glob("*.json")), "")):
            raise RefusedError(f"there is no adapter {name} in {folder}", hint=near)
        if packed is None or not path.is_file() or path.stat().st_size != packed.size_bytes:
            self._refuse(
                f"{path} is missing or not the image that was packed", f"release import-adapter … --name {name}"
            )
        component = AdapterComponent(
            name=packed.name, digest=packed.digest, kinds=tuple(packed.kinds), root_hash=packed.root_hash,
            sha256=packed.sha256, size_bytes=packed.size_bytes, form=packed.form, rank=packed.rank,
            base_root_hash=packed.base_root_hash, licence=packed.licence, origin=packed.origin,
            memory_mib=-(-packed.size_bytes // _MIB),
        )  # fmt: skip
        return PackedAdapter(component, path, tuple(packed.files))

    def _of_catalogue(self, task: ModelTask, name: str) -> ModelManifest:
        catalogue = read_catalogue()
        if name not in catalogue.spec.models:
            known = [each for each, entry in sorted(catalogue.spec.models.items()) if entry.task == task]
            raise UsageError(
                f"there is no {task} model {name}: it was not imported, and the catalogue has none",
                hint=nearest_or_all(name, [*self._imported(task), *known], "models"),
            )
        _check_task(name, catalogue.entry(name).task, task)
        packed = model_job(self.fleet, name, None, self.cache, _no_passphrase).current()
        if packed is not None:
            return packed
        if self.make is None:
            self._refuse(
                f"{self.cache.models(self.fleet.fleet.name) / name}.raw is missing or not up to date",
                f"image model {name}",
            )
        return self.make(name)

    def _imported(self, task: ModelTask) -> list[str]:
        """The names of models that were imported for a task."""
        found = self.cache.models(self.fleet.fleet.name).glob("*.json")
        packed = {path.stem: read_manifest(path, ModelManifest) for path in sorted(found)}
        return [name for name, each in packed.items() if each is not None and each.own_for == task]

    def system(self, profiles: Sequence[ImageProfile], *, carried: bool = False) -> OsPart:
        """OS images, all of one version and of the code that this installation has. `carried`: one, and its files."""
        if carried and len(profiles) != 1:
            raise UsageError(
                f"a release brings one OS image; {len(profiles)} were chosen", hint="--os lab or --os gpu, once"
            )
        code = tree_digest(self.package)
        hashes, versions, built = [], set(), None
        for profile in profiles:
            path = self.cache.images(self.fleet.fleet.name) / f"edge-{profile}.json"
            built = read_manifest(path, ImageManifest)
            command = f"image build --profile {profile}"
            if built is None:
                self._refuse(f"no finished OS image: {path}", command)
            if (found := built.inputs.get("appliance")) != code:
                self._refuse(
                    f"{path}: made from other code of the appliance ({str(found)[:12]}…; here: {code[:12]}…), so its"
                    " prompts are not known",
                    f"{command}, or build the release with the fleetctl that built the image",
                )
            hashes.append(built.usr_root_hash)
            versions.add(built.version)
        if len(versions) != 1:
            raise RefusedError(
                f"OS images of versions {', '.join(sorted(versions))}; wanted: one version",
                hint="fleetctl image build --profile …",
            )
        packed = None
        if carried and built is not None:
            packed = pack_system(self.cache.images(self.fleet.fleet.name), built)
        return OsPart(
            tuple(hashes), versions.pop(), prompts(self.package), built_in_tables(self.package),
            packed, packed.component if packed else None,
        )  # fmt: skip

    def built_systems(self) -> list[ImageProfile]:
        """The OS profiles that an image was built of."""
        folder = self.cache.images(self.fleet.fleet.name)
        return [each for each in PROFILES if read_manifest(folder / f"edge-{each}.json", ImageManifest)]

    def engine_root_hash(self) -> str:
        """The engine image of GPU sites."""
        path = self.cache.engines(self.fleet.fleet.name) / f"{ENGINE}.json"
        packed = read_manifest(path, EngineManifest)
        if packed is None:
            self._refuse(f"no finished engine image: {path}", "image engine")
        return packed.root_hash

    def _refuse(self, seen: str, command: str) -> NoReturn:
        raise RefusedError(seen, hint=f"fleetctl {command}")


def prompts(package: Path) -> tuple[Pinned, ...]:
    """The drafting templates and the drafting code of the box's package, each by digest."""
    drafting = package / "drafting"
    found = []
    try:
        for path in sorted((drafting / "kinds").glob("*.json")):
            version = str(json.loads(path.read_bytes())["version"])
            found.append(Pinned(name=path.stem, version=version, sha256=file_sha256(path)))
        version = _constant(drafting / "prompt.py", "PROMPT_VERSION").rpartition("/")[2]
        found.append(Pinned(name="drafting-code", version=version, sha256=tree_digest(drafting)))
    except (OSError, ValueError, KeyError, TypeError) as problem:
        words = f"{drafting}: {type(problem).__name__}: {str(problem)[:200]}"
        raise ConfigError(f"the prompts cannot be read: {words}", hint="install fleetctl again") from None
    return tuple(found)


def evaluations(path: Path) -> tuple[EvaluationResult, ...]:
    """Results of evaluation sets: one, or a list. Raises ConfigError."""
    wanted = "an EvaluationResult (evaluation_set, set_sha256, at, measures), or a list of them"
    try:
        with path.open("rb") as file:
            content = file.read(_MIB + 1)
        if len(content) > _MIB:
            raise ValueError(f"more than {_MIB:,} bytes")
        data = json.loads(content)
        results = tuple(
            EvaluationResult.model_validate_json(json.dumps(each))
            for each in (data if isinstance(data, list) else [data])
        )
        if not results or not all(math.isfinite(value) for each in results for value in each.measures.values()):
            raise ValueError("no result, or a measure that is no finite number")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", hint=f"wanted: {wanted}") from None
    except (ValueError, RecursionError) as problem:
        words = " ".join(str(problem).split())[:300]
        raise ConfigError(f"{path}: {words}", hint=f"wanted: {wanted}") from None
    return results


def _component(task: ModelTask, packed: ModelManifest) -> ModelComponent:
    names = [file.path for file in packed.files]
    form = form_of(task, names)
    missing = list(BUNDLES[task]) if form is None else BUNDLES[task][form].lacking(names)
    if form is None or missing:
        raise RefusedError(
            f"{packed.name} for {task}: its image lacks {', '.join(missing)}; it has {', '.join(names)[:200]}",
            hint="add the file to the catalogue's entry, or import the complete folder",
        )
    for field, value in (("licence", packed.licence), ("origin", packed.origin)):
        if not value.strip():
            raise RefusedError(
                f"{packed.name}: its {field} is empty; wanted: what it is used under, and from where",
                hint="fill it in: in the catalogue, or with release import-model",
            )
    return ModelComponent(
        task=task,
        name=packed.name,
        root_hash=packed.root_hash,
        sha256=packed.sha256,
        size_bytes=packed.size_bytes,
        form=form,
        licence=packed.licence,
        origin=packed.origin,
        # The weights once, as they are stored: the image holds them uncompressed and little else.
        memory_mib=-(-packed.size_bytes // _MIB),
    )


def _check_task(name: str, of: ModelTask, task: ModelTask) -> None:
    if of != task:
        raise UsageError(f"{name} is a model for {of}, not for {task}", hint=f"--{of} {name}")


def _constant(module: Path, name: str) -> str:
    """The text of a module's constant, without running the module."""
    for node in ast.parse(module.read_bytes()).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(each, ast.Name) and each.id == name for each in node.targets
        ):
            return cast("str", ast.literal_eval(node.value))
    raise ValueError(f"{module.name} has no {name}")


def _no_passphrase() -> Passphrase:
    # Reading what is built never opens a key.
    raise AssertionError("reading the state of an image asked for a passphrase")
