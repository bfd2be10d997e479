"""The part `gpus` of the health snapshot: what the GPU watch of the box last read and judged."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from appliance.contract.finding import Judgement
from appliance.contract.gpu import MAX_GPUS, GpuReport
from appliance.contract.gpu_watch import GpuActivity, GpuRates, Sources
from appliance.contract.part import Part


class GpusPart(Part):
    """All GPUs of the box. A profile that wants none is ok, and the reason says so.

    The faults that the watch found are in `HealthSnapshot.faults`; those that wait for a person count for this verdict.
    """

    wanted: Annotated[int | None, Field(ge=0, description="By the profile; None while the box does not know it.")] = (
        None
    )
    taken_at: AwareDatetime | None = None
    age_s: Annotated[float | None, Field(ge=0, description="Of the watch's reading.")] = None
    report: GpuReport | None = None
    activity: Annotated[tuple[GpuActivity, ...], Field(max_length=MAX_GPUS)] = ()
    rates: Annotated[tuple[GpuRates, ...], Field(max_length=MAX_GPUS)] = ()
    checks: Annotated[tuple[Judgement, ...], Field(max_length=32)] = ()
    sources: Sources | None = None
