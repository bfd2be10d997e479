"""What the transcription service answers on its clinical route: the transcript, and what made it."""

from typing import Annotated, Literal

from pydantic import Field

from appliance.clinical.model import ClinicalModel
from appliance.clinical.transcript import Transcript

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class DecoderFacts(ClinicalModel):
    """How the decoding was made. The second decoding is the one that raises doubts."""

    beam_size: Annotated[int, Field(ge=1, le=100)]
    temperature: Annotated[float, Field(ge=0, le=1)]
    batch: Annotated[int, Field(ge=1, le=256)]
    second: Annotated[Literal["vocabulary", "greedy"], Field(description="What the second decoding differed in.")]
    compute_type: Annotated[str, Field(max_length=40)]
    device: Annotated[str, Field(max_length=40)]


class VocabularyFacts(ClinicalModel):
    """The practice's terms. `used` of the `given` fitted in front of a decoding, from the first on."""

    sha256: Digest | None = None
    given: Annotated[int, Field(ge=0, le=10_000)] = 0
    used: Annotated[int, Field(ge=0, le=10_000)] = 0


class EngineFacts(ClinicalModel):
    """What an audit entry names as tools. `root_hash` is None where the weights are not under dm-verity."""

    model: Annotated[str, Field(max_length=200)]
    root_hash: Digest | None
    decoder: DecoderFacts
    vocabulary: VocabularyFacts
    program_version: Annotated[str, Field(max_length=100)]


class TranscriptAnswer(ClinicalModel):
    """The answer of POST /v1/transcripts, and in the last message of /v1/stream."""

    schema_version: Literal["transcript-answer/v1"] = "transcript-answer/v1"
    transcript: Transcript
    engine: EngineFacts
