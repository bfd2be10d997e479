"""Releases and sets in memory, for fake boxes and plans."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from appliance.contract.release import ReleaseManifest
from appliance.contract.release_status import (
    SetState,
)


def manifest(name: str, sequence: int, *, minimum: int = 0, size: int = 1000, usr: str = "a1" * 32) -> ReleaseManifest:
    """A release with one model a task; the same name and sequence are the same bytes."""
    models = []
    for task in ("transcription", "drafting"):
        digest = sha256(f"{task} {name} {sequence}".encode()).hexdigest()
        models.append(
            {
                "task": task,
                "name": f"{task}-{sequence}",
                "root_hash": digest,
                "sha256": sha256(digest.encode()).hexdigest(),
                "size_bytes": size,
                "form": "ctranslate2" if task == "transcription" else "gguf",
                "licence": "MIT",
                "origin": "a test",
                "memory_mib": 100,
            }
        )
    return ReleaseManifest.model_validate(
        {
            "name": name,
            "sequence": sequence,
            "created_at": datetime(2026, 11, 1, tzinfo=UTC),
            "usr_root_hashes": (usr,),
            "appliance_version": "1.0",
            "models": tuple(models),
            "engine": "llama.cpp",
            "bom_sha256": sha256(b"{}\n").hexdigest(),
            "minimum_sequence": minimum,
        }
    )


def set_of(release: ReleaseManifest) -> SetState:
    """The complete set of a release."""
    return SetState(
        release=release.name,
        sequence=release.sequence,
        digest=release.digest,
        models={model.task: model.root_hash for model in release.models},
        complete=True,
    )


PROVISIONED = SetState(
    release=None, sequence=0, digest=None, models={"transcription": "b2" * 32, "drafting": "b7" * 32}, complete=True
)
