"""What the drafting engine's service says about itself on `/health`. It holds no patient data."""

from typing import Annotated, Literal

from pydantic import Field

from appliance.contract.adapter import KindName
from appliance.contract.health_engines import Latency
from appliance.contract.model import ContractModel, Sha256Hex
from appliance.contract.part import Name, Text


class DraftingHealth(ContractModel):
    """An engine that answers. One that does not is no `status`, but the HTTP status 503.

    Version 1 has no `engine_version`, limits, `latency` or `tokens_per_s`; before version 3 no kinds had adapters.
    """

    schema_version: Literal["drafting-health/v1", "drafting-health/v2", "drafting-health/v3"] = "drafting-health/v3"
    status: Literal["ok"]
    engine: Literal["llama.cpp", "vllm"]
    engine_version: Annotated[str, Field(max_length=100)] | None = None
    model: Name
    root_hash: Sha256Hex | None
    root_hash_source: Annotated[Text, Field(description="How the hash was read, or why there is none.")]
    engine_root_hash: Annotated[
        Sha256Hex | None, Field(description="Of the image that the engine runs from; none for one in /usr.")
    ] = None
    engine_root_hash_source: Annotated[Text, Field(description="How it was read, or why there is none.")] = ""
    context_tokens: Annotated[int, Field(ge=1, description="Input and output of one request together.")]
    adapters: Annotated[tuple[Sha256Hex, ...], Field(max_length=64, description="Digests, as requests name them.")]
    adapter_kinds: Annotated[
        dict[KindName, Sha256Hex],
        Field(default_factory=dict, max_length=64, description="Kind of document → the adapter that drafts it."),
    ]
    requests_running: Annotated[int, Field(ge=0)]
    requests_waiting: Annotated[int, Field(ge=0)]
    running_limit: Annotated[int, Field(ge=1)] | None = None
    waiting_limit: Annotated[int, Field(ge=0)] | None = None
    requests_done: Annotated[int, Field(ge=0)]
    requests_refused: Annotated[int, Field(ge=0, description="Answered 4xx, or 503 because the queue was full.")]
    requests_failed: Annotated[int, Field(ge=0, description="The engine failed, or did not answer in time.")]
    requests_left: Annotated[int, Field(ge=0, description="Clients that went away before their answer was whole.")]
    latency: Latency | None = None
    tokens_per_s: Annotated[float, Field(ge=0, le=1e9)] | None = None
