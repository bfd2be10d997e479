"""The order to drain: a file that root writes for the gateway before a release is switched, and removes afterwards.

It lies in /run, so that a power cut ends it. The gateway looks at it with every admission and needs no restart.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from appliance.contract.model import ContractModel
from appliance.contract.release import Line
from appliance.contract.release_status import OperationId

DRAIN_PATH = Path("/run/appliance-release/drain.json")
"""The folder has mode 0755 and the file 0644: the gateway is another user. Written beside it and renamed."""
MAX_DRAIN_BYTES = 4096


class DrainOrder(ContractModel):
    """No visit, upload, transcript or draft begins until `until`; those in work go on to their end.

    `until` bounds what a release machine that died leaves behind. A file that is there and is no such order drains as
    well: somebody wanted to.
    """

    schema_version: Literal["drain/v1"] = "drain/v1"
    operation: OperationId
    reason: Line
    until: AwareDatetime

    def counts(self, now: datetime) -> bool:
        """Whether it is in force."""
        return now < self.until

    def content(self) -> bytes:
        """Return the file's bytes."""
        return self.model_dump_json().encode() + b"\n"


class InFlight(ContractModel):
    """What is in work at the gateway now."""

    visits: Annotated[int, Field(ge=0, description="Running visits.")]
    uploads: Annotated[int, Field(ge=0, description="Recordings and records that arrive.")]
    transcripts: Annotated[
        int, Field(ge=0, description="With the transcription service; those that wait do not count.")
    ]
    drafts: Annotated[int, Field(ge=0, description="Drafts and previews that are written.")]

    @property
    def total(self) -> int:
        """All of it; zero is what a drain waits for."""
        return self.visits + self.uploads + self.transcripts + self.drafts
