"""One visit through a site's clinical API: consent, recording, transcript, sourced draft, signature, audit proof."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fleetctl.auditlog.notes import LOG, PublicKey
from fleetctl.auditlog.verify import Verified, verify_path
from fleetctl.errors import ChangeError, ConfigError, RefusedError, UsageError, VerificationError
from fleetctl.remote.clinical import ClinicalClient, Problem

MAX_RECORDING_BYTES = 256 * 1024 * 1024
MEDIA_TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/opus",
    ".webm": "audio/webm",
    ".m4a": "audio/mp4",
}
# An emulated machine takes five seconds for one second of speech.
TRANSCRIPT_DEADLINE_S = 3600.0
_WAIT_S = 30
TEMPLATE = "brief"
# Enough to be a recording; a refusal comes before the body is read.
_PROBE_BYTES = 64 * 1024

Say = Callable[[str], None]


@dataclass(frozen=True)
class Visit:
    """What came of a visit. `refused` is what the box said to a recording without consent."""

    encounter: str
    refused: Problem
    consent: dict[str, Any]
    recording: dict[str, Any]
    transcript: dict[str, Any]
    document: dict[str, Any]
    signature: dict[str, Any]
    proof: Verified
    streamed: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Audio:
    """A recording and what kind of file it is."""

    data: bytes
    media_type: str


def read_recording(path: Path) -> Audio:
    """The recording in `path`. Raises UsageError for an unknown kind, ConfigError for one that cannot be sent."""
    media_type = MEDIA_TYPES.get(path.suffix.lower())
    if media_type is None:
        raise UsageError(f"{path}: unknown kind of recording", hint=f"one of {', '.join(MEDIA_TYPES)}")
    try:
        size = path.stat().st_size
        if size > MAX_RECORDING_BYTES:
            raise ConfigError(
                f"{path}: {size} bytes, at most {MAX_RECORDING_BYTES} are sent", hint="send a shorter one"
            )
        return Audio(path.read_bytes(), media_type)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", hint="name a readable audio file") from error


def set_template(admin: ClinicalClient, say: Say) -> None:
    """Give the practice its own template of a visit note; the box checks it as a whole."""
    stored = admin.call("PUT", f"/v1/practice/templates/{TEMPLATE}", _brief_note())
    say(f"template {TEMPLATE} of the practice, version {stored['version']}")


def _brief_note() -> dict[str, Any]:
    """A note of two short sentences: an emulated machine writes a word in a second or two."""
    # Found by trying: with this title and request the lab's model of 135 million parameters repeats what was said.
    said, agreed = (
        ("said", "Said", "Summarize the talk in one sentence.", 130),
        ("plan", "Plan", "What was agreed.", 60),
    )
    return {
        "id": "brief-note",
        "version": 1,
        "kind": "visit_note",
        "title": "Brief note",
        "sections": [
            *(
                {"name": name, "title": title, "guidance": wanted, "max_statements": 1, "max_chars": bound}
                for name, title, wanted, bound in (said, agreed)
            ),
            {"name": "consent", "title": "Consent", "origin": "consent", "max_statements": 1},
        ],
    }


def run_visit(client: ClinicalClient, audio: Audio, key: str, state: str, say: Say) -> Visit:
    """Take one recording through the whole way; `state` is where patient and clinician are (postal code).

    `key` is the pinned verifier key of the site's audit log. Raises VerificationError when the box takes a recording
    without consent, when a signature went in without its entry in the log, or when the proof does not verify.
    """
    log = PublicKey.of(key, LOG)
    encounter = client.call(
        "POST",
        "/v1/encounters",
        {"patient_ref": f"demo-{uuid.uuid4().hex[:8]}", "patient_state": state, "clinician_state": state},
    )["id"]
    place = f"/v1/encounters/{encounter}"
    say(f"encounter {encounter}, {state}")
    refused = _refused_without_consent(client, place, audio)
    say(f"a recording without consent is refused: {refused.status} {refused.code}")
    consent = _consent(client, place, state)
    say(f"patient and clinician consent: {consent['statement']}")
    recording = client.upload(f"{place}/recordings", audio.data, audio.media_type)
    say(f"recording {recording['id']}: {len(audio.data)} bytes")
    transcript = _transcript(client, place, recording["id"], say)
    document, streamed = _draft(client, place, transcript["id"], say)
    document = _reviewed(client, document, say)
    signature = _acted(client, document, "signature", {"attest": True})["signature"]
    say(f"signed by {signature['subject']}, entry {signature['audit_index']} of the audit log")
    proof = verify_proof(client.text(f"/v1/documents/{document['id']}/audit-proof"), log)
    if proof.index != signature["audit_index"]:
        raise VerificationError(
            f"the proof is of entry {proof.index}, the signature is entry {signature['audit_index']}",
            hint="keep the box as it is, and copy its log: fleetctl audit verify",
        )
    say(f"proof verified offline: entry {proof.index} of {proof.head.size}, with the pinned key")
    return Visit(encounter, refused, consent, recording, transcript, document, signature, proof, streamed)


def _refused_without_consent(client: ClinicalClient, place: str, audio: Audio) -> Problem:
    answer = client.send("POST", f"{place}/recordings", audio.data[:_PROBE_BYTES], audio.media_type)
    if isinstance(answer, Problem) and answer.status == 403 and answer.code == "consent-missing":
        return answer
    if isinstance(answer, Problem):
        raise ChangeError(
            f"without consent the box answered {answer.status} {answer.code}, wanted is 403 consent-missing",
            hint="read the journal of appliance-gateway.service",
        )
    raise VerificationError(
        "the box took a recording without consent", hint="stop the site: systemctl stop appliance.target"
    )


def _consent(client: ClinicalClient, place: str, state: str) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    for party in ("patient", "clinician"):
        answer = client.call(
            "POST",
            f"{place}/consent-events",
            {
                "id": f"demo-{party}-{uuid.uuid4().hex[:8]}",
                "kind": "given",
                "party": {"kind": party},
                "method": "verbal",
                "patient_state": state,
                "clinician_state": state,
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "scope": ["recording", "drafting"],
            },
        )
    if not (answer["capture_allowed"] and answer["drafting_allowed"]):
        raise RefusedError(
            f"the recorded consent is not enough: {answer['reason']}", hint="see GET /v1/encounters/ID/consent"
        )
    return answer


def _transcript(client: ClinicalClient, place: str, recording: str, say: Say) -> dict[str, Any]:
    found: dict[str, Any] = client.call("POST", f"{place}/transcripts", {"recording": recording})
    deadline_s = time.monotonic() + TRANSCRIPT_DEADLINE_S
    while found["state"] not in ("done", "failed"):
        if time.monotonic() > deadline_s:
            raise ChangeError(
                f"no transcript within {TRANSCRIPT_DEADLINE_S:.0f} s: {found['state']}", hint="fleetctl status"
            )
        found = client.call("GET", f"/v1/transcripts/{found['id']}?wait_s={_WAIT_S}")
    if found["state"] == "failed":
        raise ChangeError(f"the recording could not be transcribed: {found['problem']}", hint="try another recording")
    say(f"transcript {found['id']}: {len((found['text'] or '').split())} words")
    return found


def _draft(client: ClinicalClient, place: str, transcript: str, say: Say) -> tuple[dict[str, Any], dict[str, int]]:
    """Have a note drafted and watch it come; returns the document and how many events of each kind came."""
    streamed: dict[str, int] = {}
    wanted = {"kind": "visit_note", "sources": [transcript], "template": TEMPLATE}
    for event in client.events(f"{place}/drafts", wanted):
        streamed[event.name] = streamed.get(event.name, 0) + 1
        if event.name == "begun":
            say(f"draft begun with {event.data['model']}")
        elif event.name == "statement":
            say(f"statement {streamed['statement']}: {_supported(event.data['statement'])}")
        elif event.name == "problem":
            raise ChangeError(
                f"the draft failed: {event.data.get('title') or event.data.get('type')}",
                hint="read the journal of appliance-drafting.service",
            )
        elif event.name == "finished":
            return event.data, streamed
    raise ChangeError("the draft ended without a document", hint="read the journal of appliance-drafting.service")


def _supported(statement: dict[str, Any]) -> str:
    grounding = statement.get("grounding") or {}
    if grounding.get("status") == "supported":
        return f"supported by {len(grounding.get('evidence', ()))} place(s) of the transcript"
    kinds = dict.fromkeys(finding["kind"] for finding in grounding.get("findings", ()))
    return f"not supported ({', '.join(kinds) or 'not looked at'})"


def _reviewed(client: ClinicalClient, document: dict[str, Any], say: Say) -> dict[str, Any]:
    """Read the document as its reviewer, take the responsibility for what no source supports, and show that it is open.

    A signature with an unsupported statement must be refused first.
    """
    place = f"/v1/documents/{document['id']}"
    document = _acted(client, document, "review")
    if unsupported := document["unsupported"]:
        early = client.send("POST", f"{place}/signature", b'{"attest": true}', version=document["version"])
        if not isinstance(early, Problem):
            raise VerificationError(
                "the box signed a document with unsupported statements that nobody acknowledged",
                hint="stop the site: systemctl stop appliance.target",
            )
        say(f"signing is refused while {len(unsupported)} unsupported statements are open: {early.status} {early.code}")
        given = {"statements": list(unsupported), "reason": "verified_by_clinician"}
        document = _acted(client, document, "acknowledgements", given)
        say(f"{len(unsupported)} statements acknowledged, one by one, in the log")
    return document


def _acted(
    client: ClinicalClient, document: dict[str, Any], act: str, given: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Act on a document in the version that was seen; return the answer."""
    path = f"/v1/documents/{document['id']}/{act}"
    answer: dict[str, Any] = client.call("POST", path, given or {}, version=document["version"])
    return answer


def verify_proof(proof: str, log: PublicKey) -> Verified:
    """Verify a proof with the log's key alone, as `fleetctl audit verify` does. Raises VerificationError."""
    with tempfile.TemporaryDirectory(prefix="fleetctl-proof-") as folder:
        path = Path(folder) / "proof"
        path.write_text(proof, encoding="utf-8")
        return verify_path(path, log)


def shown(visit: Visit) -> dict[str, Any]:
    """The visit as JSON."""
    return {
        "encounter": visit.encounter,
        "refused": {"status": visit.refused.status, "code": visit.refused.code},
        "consent": {"statement": visit.consent["statement"], "events": visit.consent["events"]},
        "recording": visit.recording["id"],
        "transcript": {"id": visit.transcript["id"], "text": visit.transcript["text"]},
        "events": visit.streamed,
        "document": visit.document["document"],
        "unsupported": list(visit.document["unsupported"]),
        "signature": visit.signature,
        "proof": {
            "verdict": "verified",
            "index": visit.proof.index,
            "size": visit.proof.head.size,
            "root": visit.proof.head.root.hex(),
        },
    }


def statements(document: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    """Section title and statement, in reading order."""
    for section in document["sections"]:
        for statement in section["statements"]:
            yield section["title"], statement
