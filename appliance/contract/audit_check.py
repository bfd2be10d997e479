"""What the last verification of the audit log on the box came to: /run/appliance-audit-check/result.json."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from appliance.contract.model import ContractModel
from appliance.contract.part import Text

PATH = Path("/run/appliance-audit-check/result.json")


class AuditCheck(ContractModel):
    """One verification. `verified` None: something could not be read, so that nothing is known."""

    schema_version: Literal["audit-check/v1"] = "audit-check/v1"
    at: AwareDatetime
    verified: bool | None
    size: Annotated[int | None, Field(ge=0, description="Entries that are as they were signed.")] = None
    reason: Text = ""
