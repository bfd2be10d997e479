"""Scenario files: which of the simulated sites have which faults, on the wire and in the machine."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tests.sim.fleet.hostile import ANSWERS
from tests.sim.fleet.machine import FAULTS, SERVICE_FAULTS

Wire = Literal[
    "offline", "refused", "wrong-certificate", "expired-certificate", "strange-certificate", "garbage", "not-json",
    "too-large", "drip", "silent", "fails", "short",
]  # fmt: skip


class Group(BaseModel):
    """Sites whose names fit the pattern, and what is wrong with all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sites: str = Field(min_length=1, description="Pattern over names, like site-00[0-4]*.")
    wire: Wire | None = None
    faults: tuple[str, ...] = ()
    nvml: str | None = Field(
        None, description="The site has four GPUs, as this scenario of the simulated NVML has them."
    )
    xids: tuple[tuple[int, int], ...] = Field((), description="Xids that happen there: index of the GPU, number.")

    @model_validator(mode="after")
    def _known(self) -> Group:
        if unknown := set(self.faults) - FAULTS.keys() - set(SERVICE_FAULTS):
            raise ValueError(
                f"no such fault: {', '.join(sorted(unknown))}; known: {', '.join([*FAULTS, *SERVICE_FAULTS])}"
            )
        return self


class Scenario(BaseModel):
    """Groups in order; of several that fit a site, the last one's wire counts, and all their faults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    groups: tuple[Group, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Scenario:
        """From a YAML file."""
        return cls.model_validate(yaml.safe_load(path.read_text()))

    def wire(self, site: str) -> Wire | None:
        """What is wrong on the way to the site."""
        found: Wire | None = None
        for group in self.groups:
            if fnmatch(site, group.sites) and group.wire is not None:
                found = group.wire
        return found

    def faults(self, site: str) -> set[str]:
        """What is wrong with the site's machine."""
        return {fault for group in self.groups if fnmatch(site, group.sites) for fault in group.faults}

    def gpus(self, site: str) -> tuple[str, tuple[tuple[int, int], ...]] | None:
        """The scenario of the site's GPUs, and its Xids; None: it has no GPU."""
        groups = [group for group in self.groups if group.nvml and fnmatch(site, group.sites)]
        return (str(groups[-1].nvml), groups[-1].xids) if groups else None


assert set(ANSWERS) <= set(Wire.__args__)  # type: ignore[attr-defined]
