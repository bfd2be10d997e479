"""Countersignatures: a named clinician signs results of the clinical gate, by their SHA-256.

The policy lists who may: `NAME ed25519:BASE64` each, so that the plan's own signature covers the keys. A note is a DSSE
envelope; it is kept in the journal, where a controller on another machine finds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field, ValidationError

from appliance.contract.envelope import SignatureError, open_envelope, public_key_of, public_key_text, seal
from appliance.contract.model import Sha256Hex
from fleetctl.errors import ConfigError, RefusedError, VerificationError
from fleetctl.models.base import StrictModel

NOTE_TYPE = "application/vnd.fleetctl.clinical-note+json"


class ClinicalNote(StrictModel):
    """What a clinician signs: having seen these results of this release, it may serve patients."""

    schema_version: Literal["clinical-note/v1"] = "clinical-note/v1"
    rollout: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    release_digest: Sha256Hex
    clinician: str = Field(min_length=1, max_length=200)
    results: Annotated[tuple[Sha256Hex, ...], Field(min_length=1, max_length=5000, strict=False)]
    signed_at: Annotated[datetime, Field(strict=False)]


def clinicians(listed: Sequence[str]) -> dict[str, Ed25519PublicKey]:
    """Names and keys of a policy's `countersigned_by`. Raises `ConfigError` for an entry that is not both."""
    found: dict[str, Ed25519PublicKey] = {}
    for entry in listed:
        name, _, key = entry.rpartition(" ")
        try:
            public = public_key_of(key)
        except ValueError as problem:
            raise ConfigError(
                f"gates.clinical.countersigned_by: {entry[:80]!r}: {problem}",
                hint="write NAME ed25519:BASE64, with the clinician's public key",
            ) from None
        if not name.strip() or name in found:
            raise ConfigError(
                f"gates.clinical.countersigned_by: {entry[:80]!r} has no name of its own", hint="NAME KEY"
            )
        found[name.strip()] = public
    return found


def sign(note: ClinicalNote, key: Ed25519PrivateKey, listed: Sequence[str]) -> bytes:
    """The note as an envelope. Raises `RefusedError` when the policy does not name this clinician with this key."""
    known = clinicians(listed)
    public = known.get(note.clinician)
    if public is None or public_key_text(public) != public_key_text(key.public_key()):
        raise RefusedError(
            f"{note.clinician} with {public_key_text(key.public_key())} is not in the policy",
            hint=f"the plan names: {', '.join(known) or 'nobody'}",
        )
    return seal(note.model_dump_json().encode(), key, NOTE_TYPE)


def opened(envelope: bytes, rollout: str, release_digest: str, listed: Sequence[str]) -> ClinicalNote:
    """A note that one of the listed has signed, for this rollout. Raises `VerificationError`."""
    problem: Exception | None = None
    for name, public in clinicians(listed).items():
        try:
            note = ClinicalNote.model_validate_json(open_envelope(envelope, public, NOTE_TYPE))
        except (SignatureError, ValidationError) as wrong:
            problem = problem or wrong
            continue
        if note.clinician != name:
            raise VerificationError(f"the note names {note.clinician}, {name} signed it", hint="sign it anew")
        if (note.rollout, note.release_digest) != (rollout, release_digest):
            raise VerificationError("the note is of another rollout or release", hint="sign it anew")
        return note
    said = str(problem).splitlines()[0][:200] if problem else "the policy names nobody"
    raise VerificationError(f"the note is signed by nobody whom the policy names: {said}", hint="sign it anew")


def countersigned(
    envelopes: Iterable[bytes], rollout: str, release_digest: str, listed: Sequence[str]
) -> frozenset[str]:
    """Results that are countersigned. A note that does not verify counts for nothing."""
    found: set[str] = set()
    for envelope in envelopes:
        try:
            found.update(opened(envelope, rollout, release_digest, listed).results)
        except VerificationError:
            continue
    return frozenset(found)
