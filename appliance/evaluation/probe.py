"""The readiness probe: do the engines that serve now do their work on a real sample? Asked before a change is kept.

Five seconds of speech that come with the appliance have to be heard, and a sentence has to be drafted by the product's
own drafter and found in its source. Nothing is stored, nobody's patient data is used, and the gateway is not asked.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from appliance.clinical.document import DocumentKind
from appliance.clinical.source import Passage, Source, Speaker
from appliance.drafting.kinds.template import Template
from appliance.evaluation.asking import drafted, transcribed
from appliance.evaluation.errors import NotMeasuredError
from appliance.evaluation.measures import distance, plain

SAMPLE = Path(__file__).parent / "sample.flac"
SAID = "ask not what your country can do for you"
# Weights that are broken or of another language hear other words altogether; the smallest model hears all nine.
_MAX_WRONG = 2
_LINES = (
    (Speaker.PATIENT, "My left knee has hurt for two weeks."),
    (Speaker.CLINICIAN, "The left knee is swollen."),
    (Speaker.CLINICIAN, "Take ibuprofen 400 mg with food."),
)
_FORM = Template.model_validate(
    {
        "id": "probe", "version": 1, "kind": "visit_note", "title": "Note",
        "sections": [
            {"name": "history", "title": "History", "guidance": "Why the patient came, in the patient's own words.",
             "max_statements": 1, "max_chars": 80}
        ],
    }
)  # fmt: skip


@dataclass(frozen=True)
class ProbeResult:
    """How one engine did. `detail` is in our own words. `root_hash`: the weights that answered, as the engine says."""

    task: Literal["transcription", "drafting"]
    passed: bool
    detail: str
    root_hash: str | None
    seconds: float


def probe_transcription(socket: Path, *, timeout_s: float, sample: Path = SAMPLE) -> ProbeResult:
    """Have the sample heard. Never raises for what the engine does."""
    started = time.monotonic()
    try:
        answer = transcribed(socket, sample.read_bytes(), language="en", timeout_s=timeout_s)
    except (NotMeasuredError, OSError) as error:
        return ProbeResult("transcription", False, str(error)[:300], None, time.monotonic() - started)
    wanted = plain(SAID)
    seen = plain(" ".join(turn.text for turn in answer.transcript.turns))
    wrong = distance(wanted, seen)
    return ProbeResult(
        "transcription", wrong <= _MAX_WRONG,
        f"{wrong} of {len(wanted)} words of the sample were heard otherwise, at most {_MAX_WRONG} may be",
        answer.engine.root_hash, time.monotonic() - started,
    )  # fmt: skip


def probe_drafting(socket: Path, *, timeout_s: float) -> ProbeResult:
    """Have a sentence drafted. Never raises for what the engine does."""
    started = time.monotonic()
    try:
        found = drafted(
            socket, _source(), DocumentKind.VISIT_NOTE, template=_FORM, max_output_tokens=200, timeout_s=timeout_s
        )
    except NotMeasuredError as error:
        return ProbeResult("drafting", False, str(error)[:300], None, time.monotonic() - started)
    wrote, bad = len(found.statements), found.unsupported
    return ProbeResult(
        "drafting", wrote > 0 and bad < wrote,
        f"{wrote} statements were drafted from the sample, {wrote - bad} are supported by it, wanted is one at least",
        found.root_hash, time.monotonic() - started,
    )  # fmt: skip


def _source() -> Source:
    text, passages = "", []
    for speaker, line in _LINES:
        start = len(text) + len(speaker.value) + 2
        text += f"{speaker.value}: {line}\n"
        passages.append(Passage(start=start, end=start + len(line), speaker=speaker))
    return Source(id="transcript", kind="transcript", text=text, passages=tuple(passages))
