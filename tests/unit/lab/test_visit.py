"""The steps of a visit against a scripted stub of the clinical API: what is asked, in which order, what must fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fleetctl.actions.visit import Tokens, mint, token_command
from fleetctl.auditlog.notes import LOG, PublicKey
from fleetctl.errors import ChangeError, ConfigError, FleetctlError, RefusedError, UsageError, VerificationError
from fleetctl.facts.base import Completed
from fleetctl.lab import visit
from fleetctl.lab.visit import Audio, read_recording, run_visit, shown, verify_proof
from fleetctl.remote.clinical import ClinicalClient, Event, Problem
from fleetctl.report.console import out
from fleetctl.report.visit import visit_table
from tests.fakes import site as fake
from tests.fakes.host import FakeHost

AUDIO = Audio(b"fLaC" + b"x" * 200_000, "audio/flac")
TEXT = "So the cough began on Monday."
SUPPORTED = {
    "id": "s1",
    "text": "Cough since Monday.",
    "grounding": {"status": "supported", "evidence": [{"start": 3, "end": 29, "source": "t", "score": 0.9}]},
}
INVENTED = {
    "id": "s2",
    "text": "35-year-old male.",
    "grounding": {"status": "unsupported", "findings": [{"kind": "demographic"}]},
}
DOCUMENT = {"sections": [{"title": "History", "statements": [SUPPORTED, INVENTED]}]}


class StubApi:
    """Answers each step as the gateway would; `answers` replaces some of them. Not a gateway: it keeps no record."""

    def __init__(self, **answers: Any) -> None:
        self.asked: list[str] = []
        self.given: dict[str, Any] = {}
        self.acknowledged = False
        self.versions: list[int | None] = []
        self.answers: dict[str, Any] = {
            "refusal": Problem(403, "consent-missing", "first consent"),
            "early": Problem(409, "unsupported-statements", "acknowledge them"),
            "states": ["queued", "running", "done"],
            "consent": {"capture_allowed": True, "drafting_allowed": True, "statement": "All consented.", "events": 2,
                        "reason": "ok"},
            "events": [Event("begun", {"model": "m"}), Event("statement", {"statement": SUPPORTED}),
                       Event("statement", {"statement": INVENTED}), Event("finished", {"id": "d", "version": 1})],
            **answers,
        }  # fmt: skip

    def send(
        self, method: str, path: str, body: bytes | None = None, media_type: str = "", *, version: int | None = None
    ) -> bytes | Problem:
        self.versions.append(version)
        self.asked.append(f"{method} {path}")
        return cast("bytes | Problem", self.answers["early" if path.endswith("signature") else "refusal"])

    def upload(self, path: str, data: bytes, media_type: str) -> Any:
        self.asked.append(f"UPLOAD {path}")
        self.given["recording"] = (data, media_type)
        return {"id": "r"}

    def text(self, path: str) -> str:
        self.asked.append(f"GET {path}")
        return "PROOF"

    def events(self, path: str, given: Any) -> Iterator[Event]:
        self.asked.append(f"STREAM {path}")
        self.given["draft"] = given
        yield from self.answers["events"]

    def call(self, method: str, path: str, given: Any = None, *, version: int | None = None) -> Any:
        self.versions.append(version)
        self.asked.append(f"{method} {path}")
        step = path.rpartition("/")[2].partition("?")[0]
        self.given[step] = given
        if step == "consent-events":
            return self.answers["consent"]
        if "transcript" in path:
            states = self.answers["states"]
            state = states.pop(0) if len(states) > 1 else states[0]
            return {"id": "t", "state": state, "text": TEXT, "problem": "no-speech"}
        if step == "acknowledgements":
            self.acknowledged = True
        return {
            "encounters": {"id": "e"},
            "signature": {"signature": {"subject": "demo-clinician", "at": "2026-11-22", "audit_index": 7}},
            "review": {"id": "d", "version": 2, "document": DOCUMENT, "unsupported": ["s2"]},
            "acknowledgements": {"id": "d", "version": 3, "document": DOCUMENT, "unsupported": ["s2"]},
        }.get(step, {})


@pytest.fixture
def proofs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The proofs that were handed to the verifier, which says that they are of entry 7."""
    seen: list[str] = []

    def verified(proof: str, log: PublicKey) -> Any:
        seen.append(proof)
        return SimpleNamespace(index=7, head=SimpleNamespace(size=9, root=b"\x01"))

    monkeypatch.setattr(visit, "verify_proof", verified)
    return seen


def run(api: StubApi) -> tuple[visit.Visit, list[str]]:
    said: list[str] = []
    return run_visit(cast("ClinicalClient", api), AUDIO, fake.AUDIT_KEY, "CA", said.append), said


def test_the_whole_way_in_order(proofs: list[str]) -> None:
    api = StubApi()
    found, said = run(api)
    assert api.asked == [
        "POST /v1/encounters",
        "POST /v1/encounters/e/recordings",
        "POST /v1/encounters/e/consent-events",
        "POST /v1/encounters/e/consent-events",
        "UPLOAD /v1/encounters/e/recordings",
        "POST /v1/encounters/e/transcripts",
        "GET /v1/transcripts/t?wait_s=30",
        "GET /v1/transcripts/t?wait_s=30",
        "STREAM /v1/encounters/e/drafts",
        "POST /v1/documents/d/review",
        "POST /v1/documents/d/signature",
        "POST /v1/documents/d/acknowledgements",
        "POST /v1/documents/d/signature",
        "GET /v1/documents/d/audit-proof",
    ]
    assert api.given["recording"] == (AUDIO.data, "audio/flac")
    assert api.given["draft"] == {"kind": "visit_note", "sources": ["t"], "template": "brief"}
    # Each act names the version that was seen: review, early signature, acknowledgements, signature.
    assert [one for one in api.versions if one is not None] == [1, 2, 2, 3]
    assert api.given["acknowledgements"]["statements"] == ["s2"]
    assert api.given["signature"] == {"attest": True}
    assert proofs == ["PROOF"]
    assert any("refused: 403 consent-missing" in line for line in said)
    assert "not supported (demographic)" in "\n".join(said)
    assert not any(TEXT in line or "Cough" in line for line in said)
    assert found.streamed == {"begun": 1, "statement": 2, "finished": 1}


def test_the_note_is_shown_with_the_words_that_support_it(proofs: list[str]) -> None:
    with out.capture() as captured:
        out.print(visit_table(shown(run(StubApi())[0])))
    text = captured.get()
    assert "“the cough began on Monday.”" in text
    assert "not supported: acknowledged by the clinician" in text
    assert "entry 7 of 9" in text


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        ({"refusal": b"{}"}, VerificationError, "took a recording without consent"),
        ({"refusal": Problem(403, "not-found", "")}, ChangeError, "wanted is 403 consent-missing"),
        ({"refusal": Problem(500, "consent-missing", "")}, ChangeError, "wanted is 403 consent-missing"),
        ({"early": b"{}"}, VerificationError, "signed a document with unsupported statements"),
        ({"states": ["failed"]}, ChangeError, "could not be transcribed: no-speech"),
        ({"events": [Event("problem", {"title": "engine ended"})]}, ChangeError, "engine ended"),
        ({"events": [Event("begun", {"model": "m"})]}, ChangeError, "without a document"),
        ({"consent": {"capture_allowed": True, "drafting_allowed": False, "reason": "one is missing"}},
         RefusedError, "one is missing"),
    ],
)  # fmt: skip
def test_what_must_not_pass_for_a_visit(
    proofs: list[str], answers: dict[str, Any], error: type[FleetctlError], words: str
) -> None:
    with pytest.raises(error, match=words):
        run(StubApi(**answers))
    assert not proofs


def test_a_proof_of_another_entry_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    head = SimpleNamespace(size=9, root=b"")
    monkeypatch.setattr(visit, "verify_proof", lambda *_: SimpleNamespace(index=6, head=head))
    with pytest.raises(VerificationError, match="entry 6, the signature is entry 7"):
        run(StubApi())


def test_the_real_verifier_refuses_what_is_no_proof() -> None:
    with pytest.raises(VerificationError):
        verify_proof("PROOF", PublicKey.of(fake.AUDIT_KEY, LOG))


def test_a_recording_is_known_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.FLAC").write_bytes(b"x")
    assert read_recording(tmp_path / "a.FLAC") == Audio(b"x", "audio/flac")
    with pytest.raises(UsageError, match="unknown kind"):
        read_recording(tmp_path / "a.txt")
    with pytest.raises(ConfigError, match=r"b\.wav"):
        read_recording(tmp_path / "b.wav")


def test_the_token_is_taken_from_the_console_and_a_refusal_is_told() -> None:
    assert (
        mint(FakeHost(answers={token_command("clinician"): Completed(0, "aa.bb.cc\n")}), "lab-1", "clinician")
        == "aa.bb.cc"
    )
    for answer in (Completed(6, "", "error: this site has no issuer of its own\n"), Completed(0, "warning: x\n")):
        with pytest.raises(RefusedError, match="issues no token"):
            mint(FakeHost(answers={token_command("clinician"): answer}), "lab-1", "clinician")


def test_a_token_is_kept_for_half_of_its_life() -> None:
    now = [0.0]
    host = FakeHost(answers={token_command("clinician"): Completed(0, "aa.bb.cc\n")})
    tokens = Tokens(host, "lab-1", "clinician", clock=lambda: now[0])
    assert {tokens.now(), tokens.now()} == {"aa.bb.cc"}
    assert len(host.ran) == 1
    now[0] = 151.0
    tokens.now()
    assert len(host.ran) == 2
