"""What is wrong with a simulated site. The file is read by its simulated programs whenever they act, so a scenario may
change while everything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fleetctl.atomic import write_text

Engine = Literal["sound", "dead", "wrong-hash", "crashes", "bad-probe", "worse"]
"""worse: it serves and its probe is good, but it mishears doses and invents statements: an evaluation set tells."""


class Faults(BaseModel):
    """Nothing is wrong until it is named.

    An engine's fault shows with the images whose root hash is in `only`; with every image when that is empty. That is
    how a release can be bad at a site whose old set serves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    transcription: Engine = "sound"
    drafting: Engine = "sound"
    only: tuple[str, ...] = ()
    crash_after_s: float = Field(0.5, ge=0)
    start_s: float = Field(0.0, ge=0, description="So long an engine loads.")
    visits: int = Field(0, ge=0, description="That go on; a drain does not end them.")
    slow_kib_s: int | None = Field(None, ge=1, description="The link's speed, for what rsync receives.")
    clock_s: float = Field(0.0, description="So far the wall clock of the site's own programs is off.")
    corrupt_transfers: int = Field(0, ge=0, description="So many of the next transfers arrive with a byte flipped.")

    dead_systems: tuple[str, ...] = Field((), description="Root hashes of systems that do not come up.")

    def engine(self, task: str, root_hash: str) -> Engine:
        """What is wrong with the engine of a task while it has this image."""
        found: Engine = self.drafting if task == "drafting" else self.transcription
        return found if not self.only or root_hash in self.only else "sound"


def read_faults(path: Path) -> Faults:
    """The faults as they are now."""
    return Faults.model_validate_json(path.read_bytes()) if path.exists() else Faults()


def write_faults(path: Path, faults: Faults) -> None:
    """Change them, for whoever reads next."""
    write_text(path, faults.model_dump_json())
