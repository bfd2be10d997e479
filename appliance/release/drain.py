"""Waits for what is in work: the order to drain, and the gateway's word that nothing goes on any more."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pydantic import ValidationError

from appliance.contract.drain import DrainOrder, InFlight
from appliance.facts.reading import UnreadableError
from appliance.health.inputs import ask
from appliance.release.disk import Disk
from appliance.release.places import Places


class Drain(Protocol):
    """What a change needs of the gateway."""

    def begin(self, operation: str, reason: str, until: datetime) -> None:
        """Let nothing new begin until then. Again: with a later end. Raises OSError."""
        ...

    def in_flight(self) -> InFlight | None:
        """What is in work, told by a gateway that drains; None: not known, which is not nothing."""
        ...

    def end(self) -> None:
        """Let work begin again. Raises OSError."""
        ...


@dataclass(frozen=True)
class GatewayDrain:
    """The real one: a file for the gateway, and its /health."""

    places: Places
    disk: Disk

    def begin(self, operation: str, reason: str, until: datetime) -> None:
        """Write the order."""
        folder = self.places.drain.parent
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder.chmod(0o755)  # the gateway is another user, and the umask is closed
        order = DrainOrder(operation=operation, reason=reason, until=until)
        self.disk.replace(self.places.drain, order.content(), mode=0o644)

    def in_flight(self) -> InFlight | None:
        """Ask the gateway. Its numbers count only when it says in the same answer that it drains."""
        return told(lambda: ask(self.places.socket("gateway"), "/health"), draining=True)

    def end(self) -> None:
        """Remove the order."""
        if self.places.drain.parent.is_dir():
            self.disk.remove(self.places.drain)


def told(health: Callable[[], bytes], *, draining: bool) -> InFlight | None:
    """Read what is in work out of the gateway's answer; None when it does not say."""
    with suppress(UnreadableError, ValueError, KeyError, TypeError, ValidationError):
        found = json.loads(health())
        if found["draining"] is True or not draining:
            return InFlight.model_validate(found["in_flight"])
    return None
