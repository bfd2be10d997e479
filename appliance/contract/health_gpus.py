"""The part `gpus` of the health snapshot: what the GPU watch of the box last read and judged."""

from typing import Annotated

from pydantic import Field

from appliance.contract.gpu import GpuReport
from appliance.contract.part import Part


class GpusPart(Part):
    """All GPUs of the box. A profile that wants none is ok, and the reason says so."""

    wanted: Annotated[int | None, Field(ge=0, description="By the profile; None while the box does not know it.")] = (
        None
    )
    age_s: Annotated[float | None, Field(ge=0, description="Of the watch's reading.")] = None
    report: GpuReport | None = None
