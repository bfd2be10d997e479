"""The part `engines` of the health snapshot, and the measures that an engine's own answer is made of."""

from typing import Annotated

from pydantic import Field

from appliance.contract.model import ContractModel, Sha256Hex
from appliance.contract.part import Name, Part
from appliance.contract.seal import ModelTask

Count = Annotated[int, Field(ge=0, le=10**15)]
Milliseconds = Annotated[float, Field(ge=0, le=1e9)]


class Latency(ContractModel):
    """How long the requests of a window took, from arrival to the last byte. Without a request there is no number."""

    window_s: Annotated[float, Field(gt=0, le=86400)]
    count: Count
    failed: Annotated[Count, Field(description="Of them, those that the engine did not answer.")] = 0
    p50_ms: Milliseconds | None = None
    p95_ms: Milliseconds | None = None
    p99_ms: Milliseconds | None = None


class EngineState(ContractModel):
    """One engine as it answers, beside what is sealed for its task."""

    task: ModelTask
    answers: bool
    program: Name | None = None
    version: Annotated[str, Field(max_length=100)] | None = None
    model: Name | None = None
    root_hash: Sha256Hex | None = None
    sealed_root_hash: Sha256Hex | None = None
    queue_length: Count | None = None
    queue_limit: Count | None = None
    running: Count | None = None
    running_limit: Count | None = None
    requests_done: Count | None = None
    requests_refused: Count | None = None
    requests_failed: Count | None = None
    latency: Latency | None = None
    tokens_per_s: Annotated[
        float | None, Field(ge=0, le=1e9, description="Of answers in the window, while they were made.")
    ] = None


class EnginesPart(Part):
    """Every engine that the seal names."""

    engines: Annotated[tuple[EngineState, ...], Field(max_length=8)] = ()
