"""The last question before a commit: do the services do their work on a real sample?"""

from typing import Protocol

from appliance.errors import ApplianceError
from appliance.release.record import KeptSet


class ProbeError(ApplianceError):
    """The services answer, and do not do their work."""


class Probe(Protocol):
    """Has each engine of the set work on a sample."""

    def __call__(self, kept: KeptSet) -> None:
        """Return when every task gave a sound result. Raises ProbeError."""
        ...


def no_probe(kept: KeptSet) -> None:
    """Stand in where no probe is installed: without one nothing is committed."""
    raise ProbeError(f"nothing here can probe {kept.words}", hint="bring the box to a version with a probe")
