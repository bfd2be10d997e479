"""What a rollout asks of a site. It decides when and whether; how a release is changed is the box's own matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from appliance.contract.release_status import Offer, ReleaseStatus, WantedImage
from fleetctl.models.rollout import ClinicalSpec


@dataclass(frozen=True)
class Sent:
    """One image that arrived. `wire_bytes`: both ways, as the transfer program counted them. `no_basis`: why a delta
    was not made of what the box has; empty where one was, or it has nothing like it."""

    root_hash: str
    size_bytes: int
    wire_bytes: int
    seconds: float
    no_basis: str = ""


@dataclass(frozen=True)
class Rest:
    """How an evaluation has the serving engines to itself: visits are waited for `drain_timeout_s`, and all is over
    `within_s` from now (None: whenever it is done)."""

    drain_timeout_s: int
    within_s: int | None = None


class Box(Protocol):
    """The `appliancectl release` of one site.

    Every method raises UnreachableError (nothing is known of what happened), RefusedError (exit code 6 of the box),
    VerificationError (9) or ChangeError. `operation` is an OperationId: the same one again is the same change, and its
    outcome stands in the status. A method that ends without an error has returned the box's own words.
    """

    def status(self) -> ReleaseStatus:
        """Ask for the status; changes nothing."""
        ...

    def offer(self, release: str, channel: str) -> Offer:
        """Send the repository's metadata and the manifest, and ask what is missing or why it is refused."""
        ...

    def receive(self, wanted: WantedImage, *, kib_s: int | None, on_progress: Callable[[int], None]) -> Sent:
        """Send one image. It goes on where an earlier transfer broke off. `on_progress` gets the bytes so far."""
        ...

    def stage(self, operation: str, release: str, channel: str) -> ReleaseStatus:
        """Have everything verified and made the staged set."""
        ...

    def evaluate(
        self, operation: str, release: str, clinical: ClinicalSpec, evaluation_set: bytes, *, rest: Rest | None = None
    ) -> bytes:
        """Run the evaluation set on staged and running set; return the signed ClinicalResult (a DSSE envelope).

        `rest`: the serving engines rest meanwhile. RefusedError then, when visits do not end in time.
        """
        ...

    def activate(
        self, operation: str, release: str, *, drain_timeout_s: int, not_after: datetime | None
    ) -> ReleaseStatus:  # fmt: skip
        """Drain, switch, warm up, probe, then commit; or be rolled back. `not_after`: no switch begins later."""
        ...

    def rollback(self, operation: str, reason: str) -> ReleaseStatus:
        """Return to the last good set, and deny the one that was left."""
        ...

    def clear(self, operation: str, release: str) -> ReleaseStatus:
        """Take a release off the deny-list."""
        ...
