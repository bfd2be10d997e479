"""What an answer is worth: whether it is a snapshot, of this site, signed by its box, of now, and not seen before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from appliance.contract.health import HealthSnapshot
from appliance.contract.health_reading import SnapshotError, read_snapshot
from fleetctl.remote.poll_outcome import Outcome, Signature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HEALTH_PATH = "/v1/health"
SIGNED_PATH = "/v1/health/signed"

# The box makes a snapshot for each question or keeps it for some seconds, so age is a matter of clocks and of somebody
# who repeats an old answer. Smaller differences are shown by the check clock_agrees; these leave it room.
STALE_S = 300.0
AHEAD_S = 120.0
# Boots that are remembered of one site. A replayed snapshot of an older one is stale as well.
_BOOTS = 32

_WHY = {
    "too_large": Outcome.TOO_LARGE,
    "too_deep": Outcome.GARBAGE,
    "garbage": Outcome.GARBAGE,
    "version": Outcome.VERSION,
}


@dataclass(frozen=True, slots=True)
class SeenBefore:
    """The newest snapshot that was seen of a site, and the boots that came before."""

    boot_id: str
    sequence: int
    taken_at: datetime
    earlier_boots: tuple[str, ...] = ()

    @classmethod
    def after(cls, before: SeenBefore | None, snapshot: HealthSnapshot) -> SeenBefore:
        """What is known once `snapshot` was believed."""
        earlier = before.earlier_boots if before else ()
        if before and before.boot_id != snapshot.boot_id:
            earlier = (*earlier, before.boot_id)[-_BOOTS:]
        return cls(snapshot.boot_id, snapshot.sequence, snapshot.taken_at, earlier)


@dataclass(frozen=True)
class Trust:
    """The pinned health keys by site. A site without one is asked for the snapshot that its certificate vouches for."""

    keys: Mapping[str, Ed25519PublicKey] = field(default_factory=dict)

    def path(self, site: str) -> str:
        return SIGNED_PATH if site in self.keys else HEALTH_PATH


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome with its words, and what is left of the answer."""

    outcome: Outcome
    detail: str
    snapshot: HealthSnapshot | None = None
    body: bytes = b""
    signature: Signature = Signature.NONE


def believed(body: bytes, site: str, trust: Trust, before: SeenBefore | None, now: datetime) -> Answer:
    """Judge the bytes that a site answered with. Nothing of them is parsed before their signature is checked."""
    key = trust.keys.get(site)
    signature = Signature.UNPINNED
    if key is not None:
        from appliance.contract.envelope import SignatureError
        from appliance.contract.signed import open_envelope

        try:
            body = open_envelope(body, key)
        except SignatureError as problem:
            return Answer(Outcome.BAD_SIGNATURE, str(problem))
        signature = Signature.VERIFIED
    try:
        snapshot = read_snapshot(body)
    except SnapshotError as problem:
        return Answer(_WHY[problem.why], str(problem))
    found = _of_another(snapshot, site) or _of_another_time(snapshot, now) or _seen(snapshot, before)
    outcome, detail = found or (Outcome.ANSWERED, "")
    kept: dict[str, Any] = {} if outcome is Outcome.WRONG_SITE else {"snapshot": snapshot, "body": body}
    return Answer(outcome, detail, signature=signature, **kept)


def _of_another(snapshot: HealthSnapshot, site: str) -> tuple[Outcome, str] | None:
    if snapshot.site in (None, site):
        return None
    return Outcome.WRONG_SITE, f"the box is sealed as site {snapshot.site}"


def _of_another_time(snapshot: HealthSnapshot, now: datetime) -> tuple[Outcome, str] | None:
    age_s = (now - snapshot.taken_at).total_seconds()
    if age_s > STALE_S:
        return Outcome.STALE, f"the snapshot is {age_s:.0f} s old"
    if age_s < -AHEAD_S:
        return Outcome.AHEAD, f"the snapshot is {-age_s:.0f} s ahead of this machine's clock"
    return None


def _seen(snapshot: HealthSnapshot, before: SeenBefore | None) -> tuple[Outcome, str] | None:
    if before is None:
        return None
    if snapshot.boot_id != before.boot_id:
        if snapshot.boot_id in before.earlier_boots:
            return Outcome.REPLAYED, f"boot {snapshot.boot_id} was over when boot {before.boot_id} began"
        return None
    # The agent keeps a snapshot for some seconds: the same one again is no replay, and its age is judged above.
    # Stores keep milliseconds.
    apart = abs(snapshot.taken_at - before.taken_at)
    if snapshot.sequence == before.sequence and apart < timedelta(milliseconds=1):
        return None
    if snapshot.sequence <= before.sequence:
        return Outcome.REPLAYED, f"snapshot {snapshot.sequence} of a boot of which {before.sequence} was seen"
    return None
