"""What the transcription service says about itself on `/health`. It holds no patient data."""

from typing import Annotated, Literal

from pydantic import Field

from appliance.contract.health_engines import Latency
from appliance.contract.model import ContractModel, Sha256Hex
from appliance.contract.part import Name, Text

Count = Annotated[int, Field(ge=0)]


class TranscriptionHealth(ContractModel):
    """An engine that answers. Version 1 has no `engine`, `latency` or numbers of what runs."""

    schema_version: Literal["transcription-health/v1", "transcription-health/v2"] = "transcription-health/v2"
    status: Literal["ok"]
    engine: Name = "faster-whisper"
    engine_version: Annotated[str, Field(max_length=100)] | None = None
    model: Name
    root_hash: Sha256Hex | None
    root_hash_source: Annotated[Text, Field(description="How the hash was read, or why there is none.")]
    queue_length: Annotated[Count, Field(description="Recordings that wait or are in work.")]
    queue_limit: Annotated[int, Field(ge=1)]
    requests_done: Count
    requests_refused: Count
    requests_failed: Count
    live_streams: Count | None = None
    live_limit: Count | None = None
    latency: Latency | None = None
