"""A visit from the console, over the gateway's own socket and by its own routes."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from appliance.errors import ApplianceError, RefusedError, UnknownStateError, UsageError

_PIECE_BYTES = 64 * 1024
# A recording of an hour on a machine without a GPU.
_TRANSCRIPT_S = 6 * 3600.0
_DRAFT_S = 3600.0
_TOKEN_S = 200.0
# Whether it would be allowed cannot be told: somebody whom the gateway needs is not there.
_AWAY = frozenset({"engine-unavailable", "store-unavailable", "audit-unavailable"})
_MEDIA = {
    ".wav": "audio/wav", ".flac": "audio/flac", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".opus": "audio/ogg",
    ".m4a": "audio/mp4", ".mp4": "audio/mp4", ".webm": "audio/webm", ".3gp": "audio/3gpp",
}  # fmt: skip


@dataclass(frozen=True)
class Order:
    """What to do."""

    audio: Path
    kind: str
    template: str | None
    patient_state: str
    clinician_state: str
    consent: tuple[str, ...]
    patient_ref: str
    acknowledge: bool
    sign: bool


@dataclass(frozen=True)
class Result:
    """What came of it."""

    encounter: str
    transcript: dict[str, Any]
    document: dict[str, Any]
    signature: dict[str, Any] | None
    proof: str | None

    def summary(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        return {**vars(self)}


class Visit:
    """One client. Use as a context manager. `token` gives a fresh one when the last is old: a visit takes its time."""

    def __init__(self, socket: Path, token: Callable[[], str], say: Callable[[str], None]) -> None:
        self._say, self._token = say, token
        self._minted: tuple[str, float] | None = None
        self._client = httpx2.Client(
            transport=httpx2.HTTPTransport(uds=str(socket)), base_url="http://appliance", trust_env=False,
            auth=self._signed, timeout=httpx2.Timeout(120.0, connect=10.0),
        )  # fmt: skip

    def _signed(self, request: httpx2.Request) -> httpx2.Request:
        if self._minted is None or time.monotonic() - self._minted[1] > _TOKEN_S:
            self._minted = self._token(), time.monotonic()
        request.headers["authorization"] = f"Bearer {self._minted[0]}"
        return request

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def run(self, order: Order) -> Result:
        """Do all of it. Raises RefusedError, UnknownStateError, ApplianceError."""
        encounter = self._post(
            "/v1/encounters",
            {
                "patient_ref": order.patient_ref, "patient_state": order.patient_state,
                "clinician_state": order.clinician_state,
            },
        )["id"]  # fmt: skip
        self._say(f"encounter   {encounter}  patient in {order.patient_state}, clinician in {order.clinician_state}")
        self._consent(encounter, order)
        recording = self._record(encounter, order.audio)
        transcript = self._transcribe(encounter, recording["id"])
        document = self._draft(encounter, order, transcript["id"])
        document = self._review(document, order)
        signature = self._sign(document) if order.sign else None
        proof = self._proof(document["id"])
        return Result(encounter, transcript, document, signature, proof)

    def _consent(self, encounter: str, order: Order) -> None:
        answer: dict[str, Any] = {}
        for party in order.consent:
            answer = self._post(
                f"/v1/encounters/{encounter}/consent-events",
                {
                    "id": uuid.uuid4().hex, "kind": "given", "party": {"kind": party}, "method": "verbal",
                    "patient_state": order.patient_state, "clinician_state": order.clinician_state,
                    "at": datetime.now(UTC).isoformat(),
                },
            )  # fmt: skip
        if answer:
            allowed = "capture allowed" if answer["capture_allowed"] else f"no capture: {answer['reason']}"
            self._say(f"consent     {', '.join(order.consent)}: {allowed} (law of {answer['table_version']})")

    def _record(self, encounter: str, audio: Path) -> dict[str, Any]:
        def pieces() -> Iterator[bytes]:
            try:
                with audio.open("rb") as file:
                    while piece := file.read(_PIECE_BYTES):
                        yield piece
            except OSError as error:
                raise UsageError(f"--audio: {audio}: {error.strerror}", hint="nothing of it was kept") from None

        media = _MEDIA.get(audio.suffix.lower(), "application/octet-stream")
        path = f"/v1/encounters/{encounter}/recordings"
        answer = self._send("POST", path, content=pieces(), headers={"content-type": media})
        self._say(f"recording   {answer['id']}  {answer['bytes']} bytes, sealed")
        return answer

    def _transcribe(self, encounter: str, recording: str) -> dict[str, Any]:
        asked = self._post(f"/v1/encounters/{encounter}/transcripts", {"recording": recording})
        started = time.monotonic()
        while asked["state"] in ("queued", "running"):
            if time.monotonic() - started > _TRANSCRIPT_S:
                raise ApplianceError("the transcript is not finished", hint=f"ask later for {asked['id']}")
            asked = self._send("GET", f"/v1/transcripts/{asked['id']}", params={"wait_s": "30"})
        if asked["state"] != "done":
            raise ApplianceError(
                f"the recording could not be transcribed: {asked['problem']}", hint="see the journal of the service"
            )
        doubts = sum(word["doubt"] is not None for turn in asked["transcript"]["turns"] for word in turn["words"])
        self._say(f"transcript  {asked['id']}  {time.monotonic() - started:.1f} s, {doubts} words in doubt")
        for line in asked["text"].splitlines():
            self._say(f"            {line}")
        return asked

    def _draft(self, encounter: str, order: Order, transcript: str) -> dict[str, Any]:
        started = time.monotonic()
        body = {"kind": order.kind, "sources": [transcript], "template": order.template}
        headers = {"accept": "text/event-stream"}
        document: dict[str, Any] | None = None
        timeout = httpx2.Timeout(_DRAFT_S, connect=10.0)
        path = f"/v1/encounters/{encounter}/drafts"
        try:
            with self._client.stream("POST", path, json=body, headers=headers, timeout=timeout) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    raise _refusal(answer)
                name = ""
                for line in answer.iter_lines():
                    if line.startswith("event: "):
                        name = line.removeprefix("event: ")
                    elif line.startswith("data: "):
                        data = json.loads(line.removeprefix("data: "))
                        document = self._event(name, data) or document
        except httpx2.HTTPError as error:
            raise _unreachable(error) from None
        if document is None:
            raise ApplianceError("the engine ended without a document", hint="see the journal of the drafting service")
        self._say(
            f"draft       {document['id']}  {time.monotonic() - started:.1f} s, "
            f"{len(document['unsupported'])} unsupported statements"
        )
        return document

    def _event(self, name: str, data: dict[str, Any]) -> dict[str, Any] | None:
        if name == "begun":
            self._say(f"engine      {data['model']}  {len(data['parts'])} part(s), template {data['template']}")
        elif name == "statement":
            found = data["statement"]["grounding"]
            mark = "not checked" if found is None else found["status"]
            places = ", ".join(f"{one['start']}-{one['end']}" for one in found["evidence"]) if found else ""
            self._say(f"  [{data['section']}] {data['statement']['text']}  ({mark}{': ' + places if places else ''})")
            for one in found["findings"] if found else ():
                self._say(
                    f"      {one['kind']}: {one['seen']!r}" + (f", source: {one['wanted']!r}" if one["wanted"] else "")
                )
        elif name == "problem":
            raise ApplianceError(f"the draft failed: {data['detail']}", hint="nothing of it is a document")
        return data if name == "finished" else None

    def _review(self, document: dict[str, Any], order: Order) -> dict[str, Any]:
        document = self._on(document, "POST", "review")
        if document["unsupported"] and order.acknowledge:
            document = self._on(
                document, "POST", "acknowledgements",
                {"statements": document["unsupported"], "reason": "verified_by_clinician"},
            )  # fmt: skip
            self._say(f"review      responsibility taken for {len(document['acknowledged'])} statements")
        return document

    def _sign(self, document: dict[str, Any]) -> dict[str, Any]:
        answer = self._on(document, "POST", "signature", {"attest": True})
        signature: dict[str, Any] = answer["signature"]
        self._say(
            f"signed      by {signature['subject']}, entry {signature['audit_index']}, {signature['content_sha256']}"
        )
        return signature

    def _proof(self, document: str) -> str:
        answer = self._raw("GET", f"/v1/documents/{document}/audit-proof")
        index = next(line.split()[1] for line in answer.text.splitlines() if line.startswith("index "))
        self._say(f"proof       entry {index} of the audit log; check it with `fleetctl audit verify`")
        return answer.text

    def _on(
        self, document: dict[str, Any], method: str, act: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        path = f"/v1/documents/{document['id']}/{act}"
        return self._send(method, path, json=body, headers={"if-match": f'"{document["version"]}"'})

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._send("POST", path, json=body)

    def _send(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._raw(method, path, **more).json()
        return answer

    def _raw(self, method: str, path: str, **more: Any) -> httpx2.Response:
        try:
            answer = self._client.request(method, path, **more)
        except httpx2.HTTPError as error:
            raise _unreachable(error) from None
        if answer.status_code >= 400:
            raise _refusal(answer)
        return answer


def _unreachable(error: httpx2.HTTPError) -> UnknownStateError:
    return UnknownStateError(
        f"the gateway does not answer: {type(error).__name__}", hint="systemctl status appliance-gateway.service"
    )


def _refusal(answer: httpx2.Response) -> ApplianceError:
    try:
        body = answer.json()
        code, title, detail = str(body["type"]).rsplit(":", 1)[-1], str(body["title"]), str(body["detail"])
        # Without a next action of its own, a problem says what it is in its title, and more in its detail.
        said, hint = (detail, str(body["hint"])) if body.get("hint") else (title, detail)
    except (ValueError, KeyError, TypeError):
        code, said, hint = f"status {answer.status_code}", "no problem document", "see the gateway's journal"
    if code.startswith("invalid-"):
        return UsageError(f"{code}: {said}", hint=hint)
    kind = RefusedError if answer.status_code < 500 else UnknownStateError if code in _AWAY else ApplianceError
    return kind(f"{code}: {said}", hint=hint)
