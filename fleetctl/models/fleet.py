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


def check_recipient(text: str) -> str:
    """Refuse what age would refuse later, on the box: a recipient has a checksum, so a slip of a finger shows here."""
    # Imported here: most commands read fleet.yaml, few use age.
    import pyrage

    try:
        pyrage.x25519.Recipient.from_str(text)
    except (pyrage.RecipientError, ValueError):
        raise ValueError(f"{text[:80]!r} is no age recipient (age1… with a valid checksum)") from None
    return text


AgeRecipient = Annotated[str, AfterValidator(check_recipient), Field(description="An age X25519 recipient.")]


class StoreSpec(StrictModel):
    """Where observations are kept, and for how long."""

    url: str | None = Field(
        None,
        max_length=500,
        pattern=r"^(sqlite:///|postgresql\+psycopg://)[^\s]*$",
        description="postgresql+psycopg://USER@HOST/DATABASE, without a password (PGPASSFILE); default: SQLite on this "
        "machine. FLEETCTL_STORE goes before it.",
    )
    raw_days: int = Field(7, ge=1, le=366, description="Then single observations become hours: a count per verdict.")
    hourly_days: int = Field(90, ge=1, le=3660, description="Then hours become days.")
    daily_days: int = Field(1100, ge=1, le=36600, description="Then days are removed.")
    snapshot_minutes: int = Field(
        60, ge=0, le=1440, description="A whole snapshot is kept when something changes, and else this often."
    )


class FleetSpec(StrictModel):
    """What holds for every site of the fleet."""

    keys_directory: Annotated[str, AfterValidator(_absolute)] = Field(
        description="Directory with the fleet's keys: mode 0700, outside git. ~ is the operator's home."
    )
    escrow_recipients: list[AgeRecipient] = Field(min_length=1, description="Who can open the recovery keys of disks.")
    store: StoreSpec = Field(default_factory=StoreSpec)


class Fleet(Resource):
    """One fleet of sites under one certificate authority."""

    kind: Literal["Fleet"] = Field(description="What this file is.")
    spec: FleetSpec

    @property
    def keys_path(self) -> Path:
        """`keys_directory` with ~ resolved."""
        return Path(self.spec.keys_directory).expanduser()
