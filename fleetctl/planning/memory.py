"""What fits into the memory of one GPU. GB are 10^9 bytes, as data sheets count."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fleetctl.planning.figures import DraftingModel, FiguresSpec

BYTES_PER_MIB = 1024 * 1024
GB = 1e9


@dataclass(frozen=True)
class GpuMemory:
    """One GPU that carries its part of the language model and the transcription model side by side.

    `drafts_room` is how many whole encounters fit into the KV cache of one copy of the model, whose `drafts_peak` are
    open at once in the busiest hour.
    """

    gpu_gb: float
    weights_gb: float
    transcription_gb: float
    working_gb: float
    reserve_gb: float
    kv_gb: float
    kv_per_draft_gb: float
    drafts_room: int
    drafts_peak: int

    @property
    def fits(self) -> bool:
        """Whether the busiest hour's drafts find room."""
        return self.drafts_room >= max(1, self.drafts_peak)


def kv_per_draft_gb(figures: FiguresSpec, model: DraftingModel) -> float:
    """KV cache of one encounter's input and output, over all GPUs of the model."""
    tokens = figures.demand.input_tokens.value + figures.demand.output_tokens.value
    return tokens * model.kv_kib_per_token.value * 1024 / GB


def gpu_memory(figures: FiguresSpec, model: DraftingModel, gpu_mib: int, open_drafts: float) -> GpuMemory:
    """The memory of one GPU; `open_drafts` is the mean number of drafts in the making on one copy of the model.

    Their count scatters as a Poisson count: room for the mean and three standard deviations is wanted.
    """
    engine = figures.engine
    total = gpu_mib * BYTES_PER_MIB / GB
    weights = model.weights_gb.value / model.tensor_parallel
    reserve = total * (1 - engine.memory_share.value)
    speech, working = engine.transcription_memory_gb.value, engine.working_memory_gb.value
    cache = max(0.0, total - reserve - weights - speech - working)
    each = kv_per_draft_gb(figures, model)
    return GpuMemory(
        gpu_gb=total,
        weights_gb=weights,
        transcription_gb=speech,
        working_gb=working,
        reserve_gb=reserve,
        kv_gb=cache,
        kv_per_draft_gb=each,
        drafts_room=math.floor(cache * model.tensor_parallel / each),
        drafts_peak=math.ceil(open_drafts + 3 * math.sqrt(open_drafts)),
    )
