"""The bill of materials of a release: CycloneDX 1.6 with a component for each model (ML-BOM), reproducible bytes.

It says what is in it, under which licence, from where, and what the evaluations gave; the digests that decide stand in
the manifest. Everything comes out of the manifest and the files in the images, so the same release has the same BOM.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from cyclonedx.spdx import is_expression, is_supported_id
from pydantic import ValidationError

from appliance.contract.release import (
    AdapterComponent,
    CodePackComponent,
    EvaluationResult,
    ModelComponent,
    Pinned,
    ReleaseManifest,
)
from fleetctl.image.manifest import ModelFile

MAX_BOM_BYTES = 1 << 20
_NAMESPACE = uuid.UUID("3f0a7a0e-6f0b-4a3e-9a53-0d1f4b8a2c77")
_TASKS = {"transcription": "automatic-speech-recognition", "drafting": "text-generation"}

Files = Mapping[str, Sequence[ModelFile]]
"""Root hash of a model's image → the files in it."""


def bill_of_materials(manifest: ReleaseManifest, files: Files) -> bytes:
    """Return the BOM as JSON. `manifest.bom_sha256` is not looked at: it is the digest of what this returns."""
    content = json.dumps(document(manifest, files), sort_keys=True, indent=1, ensure_ascii=True)
    return content.encode() + b"\n"


def document(manifest: ReleaseManifest, files: Files) -> dict[str, Any]:
    """The BOM as data."""
    said = manifest.model_copy(update={"bom_sha256": "0" * 64}).content()
    components = [
        *(_system(root_hash, manifest.appliance_version) for root_hash in manifest.usr_root_hashes),
        *(_model(model, files.get(model.root_hash, ()), manifest.evaluations) for model in manifest.models),
        *(_adapter(adapter) for adapter in manifest.adapters),
        *(_pinned("prompt", each) for each in manifest.prompts),
        *(_pinned("code-table", each) for each in manifest.code_tables),
        *(_code_pack(each) for each in manifest.code_packs),
    ]
    if manifest.engine_root_hash is not None:
        components.append(_engine(manifest.engine, manifest.engine_root_hash))
    bases = {model.root_hash: _reference(model) for model in manifest.models}
    dependencies = [{"ref": "release", "dependsOn": [each["bom-ref"] for each in components]}]
    dependencies += [
        {"ref": f"adapter:{adapter.digest}", "dependsOn": [bases[adapter.base_root_hash]]}
        for adapter in manifest.adapters
    ]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, said.decode())}",
        "metadata": {
            "timestamp": manifest.created_at.isoformat(),
            "tools": {"components": [{"type": "application", "name": "fleetctl"}]},
            "component": {
                "type": "application",
                "bom-ref": "release",
                "name": manifest.name,
                "version": str(manifest.sequence),
            },
        },
        "components": components,
        "dependencies": dependencies,
    }


def licences(text: str) -> list[dict[str, Any]]:
    """A licence as CycloneDX has it: an SPDX identifier, an SPDX expression, or a name.

    The catalogue joins the licence of a model with those of its supplements, `MIT; PUBLISHER/MODEL: Apache-2.0`; of
    what, is a property of each.
    """
    parts = [part.strip() for part in text.split(";") if part.strip()]
    if len(parts) == 1 and not is_supported_id(parts[0]) and is_expression(parts[0]):
        return [{"expression": parts[0]}]
    return [{"license": _licence(part)} for part in parts]


def _licence(text: str) -> dict[str, Any]:
    of, colon, name = text.rpartition(": ")
    if colon and is_supported_id(name):
        return {"id": name, "properties": [_property("of", of)]}
    return {"id": text} if is_supported_id(text) else {"name": text}


def files_of(content: bytes) -> dict[str, list[ModelFile]]:
    """Read back, from a BOM of ours, the files in each model's image. What is not readable is left out: it is only
    said again in the next BOM.
    """
    try:
        components = json.loads(content)["components"]
        return {
            root_hash: [
                ModelFile(path=each["name"], sha256=each["hashes"][0]["content"]) for each in component["components"]
            ]
            for component in components
            if component["type"] == "machine-learning-model" and "components" in component
            for root_hash in [_value(component, "root_hash")]
        }
    except (ValueError, KeyError, TypeError, IndexError, ValidationError):
        return {}


def _reference(model: ModelComponent) -> str:
    return f"model:{model.root_hash}"


def _model(
    model: ModelComponent, files: Sequence[ModelFile], evaluations: Sequence[EvaluationResult]
) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": _reference(model),
        "name": model.name,
        "supplier": {"name": model.origin},
        "hashes": [_hash(model.sha256)],
        "licenses": licences(model.licence),
        "properties": [
            _property("root_hash", model.root_hash),
            _property("size_bytes", str(model.size_bytes)),
            _property("form", model.form),
        ],
        "modelCard": _card(model, evaluations),
    }
    if files:
        component["components"] = [
            {
                "type": "file",
                "bom-ref": f"{_reference(model)}/{file.path}",
                "name": file.path,
                "hashes": [_hash(file.sha256)],
            }
            for file in sorted(files, key=lambda file: file.path)
        ]
    return component


def _card(model: ModelComponent, evaluations: Sequence[EvaluationResult]) -> dict[str, Any]:
    """Every evaluation stands with every model: a set is run on the whole release."""
    card: dict[str, Any] = {
        "modelParameters": {"task": _TASKS[model.task]},
        "properties": [_property("task", model.task)],
    }
    metrics = [
        {
            "type": measure,
            "value": repr(value),
            "slice": f"evaluation set {each.evaluation_set}, SHA-256 {each.set_sha256}, {each.at.isoformat()}",
        }
        for each in evaluations
        for measure, value in sorted(each.measures.items())
    ]
    return card | {"quantitativeAnalysis": {"performanceMetrics": metrics}} if metrics else card


def _code_pack(pack: CodePackComponent) -> dict[str, Any]:
    return {
        "type": "data",
        "bom-ref": f"code-pack:{pack.sha256}",
        "name": pack.name,
        "version": pack.version,
        "hashes": [_hash(pack.sha256)],
        "licenses": [{"license": {"name": pack.licence}}],
        "properties": [
            _property("size_bytes", str(pack.size_bytes)),
            _property("effective_from", pack.effective_from.isoformat()),
        ],
    }


def _adapter(adapter: AdapterComponent) -> dict[str, Any]:
    return {
        "type": "data",
        "bom-ref": f"adapter:{adapter.digest}",
        "name": adapter.name,
        "hashes": [_hash(adapter.sha256)],
        "licenses": licences(adapter.licence),
        "data": [{"type": "other", "name": adapter.name, "description": "LoRA adapter of the drafting model"}],
        "properties": [
            _property("size_bytes", str(adapter.size_bytes)),
            _property("base_root_hash", adapter.base_root_hash),
            _property("root_hash", adapter.root_hash),
            _property("digest", adapter.digest),
            _property("form", adapter.form),
            _property("rank", str(adapter.rank)),
            _property("kinds", " ".join(adapter.kinds)),
            _property("origin", adapter.origin),
        ],
    }


def _pinned(kind: str, pinned: Pinned) -> dict[str, Any]:
    return {
        "type": "data",
        "bom-ref": f"{kind}:{pinned.name}",
        "name": pinned.name,
        "version": pinned.version,
        "hashes": [_hash(pinned.sha256)],
        "data": [{"type": "configuration", "name": pinned.name, "description": kind}],
    }


def _system(root_hash: str, version: str) -> dict[str, Any]:
    # Not under hashes: the root of a Merkle tree is no SHA-256 of a file.
    return {
        "type": "operating-system",
        "bom-ref": f"os:{root_hash}",
        "name": "edge-image",
        "version": version,
        "properties": [_property("usr_root_hash", root_hash)],
    }


def _engine(name: str, root_hash: str) -> dict[str, Any]:
    return {
        "type": "application",
        "bom-ref": f"engine:{root_hash}",
        "name": name,
        "properties": [_property("root_hash", root_hash)],
    }


def _hash(sha256: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": sha256}


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"fleetctl:{name}", "value": value}


def _value(component: Mapping[str, Any], name: str) -> str:
    return next(str(each["value"]) for each in component["properties"] if each["name"] == f"fleetctl:{name}")
