"""`policies/holds/SITE.yaml` and `policies/pins/SITE.yaml`: sites that rollouts leave alone, or keep to one release."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from appliance.contract.release import ReleaseName
from fleetctl.models.alerts import Moment, moment
from fleetctl.models.base import Resource, StrictModel

# They stand in plans and on terminals: one line, no control characters.
Person = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Why = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class HoldSpec(StrictModel):
    """No rollout changes this site, as long as it holds. It does not stop what goes on there by hand."""

    by: Person
    since: Moment
    reason: Why
    until: Moment | None = Field(None, description="It ends by itself then; without it, when it is removed.")

    def is_active(self, now: datetime) -> bool:
        """Whether it holds now."""
        return self.until is None or now < moment(self.until)

    def words(self) -> str:
        """Who, why and until when, in a line."""
        until = f" until {self.until}" if self.until else ""
        return f"held by {self.by}{until}: {self.reason}"


class SiteHold(Resource):
    """`policies/holds/SITE.yaml`, as `fleetctl site hold` writes it."""

    kind: Literal["SiteHold"] = Field(description="What this file is.")
    spec: HoldSpec


class PinSpec(StrictModel):
    """Rollouts of another release leave this site out."""

    release: ReleaseName
    by: Person
    since: Moment
    reason: Why

    def words(self) -> str:
        """To what, who and why, in a line."""
        return f"pinned to {self.release} by {self.by}: {self.reason}"


class SitePin(Resource):
    """`policies/pins/SITE.yaml`, as `fleetctl site pin` writes it."""

    kind: Literal["SitePin"] = Field(description="What this file is.")
    spec: PinSpec
