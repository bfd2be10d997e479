"""`fleet.yaml`: where the keys are, and who can open what is escrowed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from fleetctl.models.base import Resource, StrictModel


def _absolute(text: str) -> str:
    if not text.startswith(("~/", "/")):
        raise ValueError("must be absolute or begin with ~/: keys never live beside the fleet's YAML in git")
    return text


# age's X25519 recipient: bech32 of 32 bytes.
AgeRecipient = Annotated[str, Field(pattern=r"^age1[02-9ac-hj-np-z]{58}$", description="An age X25519 recipient.")]


class FleetSpec(StrictModel):
    """What holds for every site of the fleet."""

    keys_directory: Annotated[str, AfterValidator(_absolute)] = Field(
        description="Directory with the fleet's keys: mode 0700, outside git. ~ is the operator's home."
    )
    escrow_recipients: list[AgeRecipient] = Field(min_length=1, description="Who can open the recovery keys of disks.")


class Fleet(Resource):
    """One fleet of sites under one certificate authority."""

    kind: Literal["Fleet"] = Field(description="What this file is.")
    spec: FleetSpec

    @property
    def keys_path(self) -> Path:
        """`keys_directory` with ~ resolved."""
        return Path(self.spec.keys_directory).expanduser()
