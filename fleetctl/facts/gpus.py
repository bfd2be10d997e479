"""GpuFacts: what the box's driver and PCI bus say about its GPUs, unjudged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from appliance.contract.gpu import GpuReport
from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of


@dataclass(frozen=True)
class GpuFacts:
    """The box's own reading. A reading that ended early is a report too: it says so, and what was not reached."""

    report: GpuReport


def parse(outputs: Sequence[Output]) -> GpuFacts:
    (output,) = outputs
    try:
        return GpuFacts(GpuReport.model_validate_json(stdout_of(output, "appliancectl gpu")))
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise UnreadableError(f"appliancectl gpu: {where}: {first['msg']}") from problem


GPUS = Fact("gpus", (command("appliancectl", "gpu"),), parse)
