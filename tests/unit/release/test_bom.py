"""The bill of materials is CycloneDX 1.6 by its own schema, and the same for the same release."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from appliance.contract.release import (
    AdapterComponent,
    EvaluationResult,
    ModelComponent,
    Pinned,
    ReleaseManifest,
)
from fleetctl.image.manifest import ModelFile
from fleetctl.release.bom import bill_of_materials, document, files_of, licences

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
SPEECH = ModelComponent(
    task="transcription", name="whisper-tiny.en", root_hash="a1" * 32, sha256="a2" * 32, size_bytes=100,
    form="ctranslate2", licence="MIT; iic/campplus: Apache-2.0", origin="Systran/faster-whisper-tiny.en@0d3d19a3",
    memory_mib=1,
)  # fmt: skip
WRITER = ModelComponent(
    task="drafting", name="clinic-notes", root_hash="b1" * 32, sha256="b2" * 32, size_bytes=200, form="safetensors",
    licence="Clinic's own terms", origin="trained by the clinic", memory_mib=1,
)  # fmt: skip
MANIFEST = ReleaseManifest(
    name="2026.11-1",
    sequence=7,
    created_at=NOW,
    usr_root_hashes=("c1" * 32, "c2" * 32),
    appliance_version="0.1.0",
    models=(SPEECH, WRITER),
    adapters=(
        AdapterComponent(
            name="cardiology",
            digest="d1" * 32,
            kinds=("referral_letter",),
            root_hash="d2" * 32,
            sha256="d3" * 32,
            size_bytes=3,
            form="safetensors",
            rank=16,
            base_root_hash="b1" * 32,
            licence="MIT",
            origin="the clinic",
            memory_mib=1,
        ),
    ),
    prompts=(Pinned(name="visit_note", version="1", sha256="e1" * 32),),
    code_tables=(Pinned(name="icd-10-cm", version="2027", sha256="e2" * 32),),
    engine="vllm",
    engine_root_hash="f1" * 32,
    evaluations=(
        EvaluationResult(
            evaluation_set="north-2026", set_sha256="ab" * 32, at=NOW, measures={"word_error_rate": 0.08, "drafts": 12}
        ),
    ),
    bom_sha256="00" * 32,
)
FILES = {"a1" * 32: [ModelFile(path="model.bin", sha256="99" * 32), ModelFile(path="config.json", sha256="98" * 32)]}


def problems(content: bytes) -> list[str]:
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(content.decode(), all_errors=True)
    return [str(each) for each in found or []]


@pytest.fixture
def bom() -> dict[str, Any]:
    return json.loads(bill_of_materials(MANIFEST, FILES))


def part(bom: dict[str, Any], reference: str) -> dict[str, Any]:
    return next(each for each in bom["components"] if each["bom-ref"] == reference)


@pytest.mark.parametrize(
    "manifest",
    [
        MANIFEST,
        MANIFEST.model_copy(update={"adapters": (), "prompts": (), "evaluations": (), "engine_root_hash": None}),
        MANIFEST.model_copy(update={"models": (SPEECH,), "adapters": (), "code_tables": ()}),
    ],
)
def test_it_is_cyclonedx_by_the_strict_schema(manifest: ReleaseManifest) -> None:
    assert problems(bill_of_materials(manifest, FILES)) == []
    assert problems(bill_of_materials(manifest, {})) == []


def test_the_schema_would_tell() -> None:
    broken = document(MANIFEST, FILES)
    broken["components"][2]["modelCard"]["nonsense"] = 1
    assert problems(json.dumps(broken).encode())


def test_the_same_release_has_the_same_bytes() -> None:
    first = bill_of_materials(MANIFEST, FILES)
    assert bill_of_materials(MANIFEST.model_copy(update={"bom_sha256": "77" * 32}), FILES) == first
    assert bill_of_materials(MANIFEST, {key: files[::-1] for key, files in FILES.items()}) == first
    assert bill_of_materials(MANIFEST.model_copy(update={"sequence": 8}), FILES) != first
    assert first.isascii()


def test_a_model_says_licence_origin_and_digests(bom: dict[str, Any]) -> None:
    speech = part(bom, f"model:{SPEECH.root_hash}")
    assert speech["type"] == "machine-learning-model"
    assert speech["hashes"] == [{"alg": "SHA-256", "content": SPEECH.sha256}]
    assert speech["supplier"] == {"name": SPEECH.origin}
    assert [each["name"] for each in speech["components"]] == ["config.json", "model.bin"]
    assert speech["licenses"][0] == {"license": {"id": "MIT"}}
    assert speech["licenses"][1]["license"]["id"] == "Apache-2.0"
    assert part(bom, f"model:{WRITER.root_hash}")["licenses"] == [{"license": {"name": "Clinic's own terms"}}]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Apache-2.0", [{"license": {"id": "Apache-2.0"}}]),
        ("MIT OR Apache-2.0", [{"expression": "MIT OR Apache-2.0"}]),
        ("Llama 3.1 Community License", [{"license": {"name": "Llama 3.1 Community License"}}]),
    ],
)
def test_licences(text: str, wanted: list[dict[str, Any]]) -> None:
    assert licences(text) == wanted


def test_evaluations_stand_in_the_model_card(bom: dict[str, Any]) -> None:
    for model in (SPEECH, WRITER):
        metrics = part(bom, f"model:{model.root_hash}")["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
        assert {each["type"]: each["value"] for each in metrics} == {"word_error_rate": "0.08", "drafts": "12.0"}
        assert all("north-2026" in each["slice"] for each in metrics)


def test_an_adapter_depends_on_its_model(bom: dict[str, Any]) -> None:
    adapter = part(bom, f"adapter:{'d1' * 32}")
    assert adapter["type"] == "data"
    links = {each["ref"]: each["dependsOn"] for each in bom["dependencies"]}
    assert links[adapter["bom-ref"]] == [f"model:{WRITER.root_hash}"]
    assert set(links["release"]) == {each["bom-ref"] for each in bom["components"]}
    assert part(bom, f"os:{'c1' * 32}")["type"] == "operating-system"


def test_files_are_read_back() -> None:
    back = files_of(bill_of_materials(MANIFEST, FILES))
    assert {key: {file.path: file.sha256 for file in files} for key, files in back.items()} == {
        key: {file.path: file.sha256 for file in files} for key, files in FILES.items()
    }
    for other in (b"", b"[]", b'{"components": [{}]}', b'{"components": 5}'):
        assert files_of(other) == {}
