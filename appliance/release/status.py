"""What the box says of its releases. Reads only."""

from appliance.contract.release_status import LastChange, ReleaseStatus, SetState
from appliance.errors import ApplianceError, NotVerifiedError
from appliance.health.inputs import ask
from appliance.release import record as records
from appliance.release.book import seen
from appliance.release.drain import told
from appliance.release.facts import Sealed, boot_id, read_sealed
from appliance.release.parts import Parts
from appliance.release.record import KeptSet, OpenChange, Record


def status(parts: Parts) -> ReleaseStatus:
    """Tell it. Raises UnknownStateError for a box that is not sealed, or whose record is damaged."""
    record, sealed = records.load(parts.places.record), read_sealed(parts.places)
    gateway = parts.places.socket("gateway")
    in_flight = told(lambda: ask(gateway, "/health"), draining=False)
    return ReleaseStatus(
        site=sealed.seal.site, at=parts.now(), boot_id=boot_id(parts.places),
        phase=record.change.phase if record.change else "idle", usr_root_hash=_running(parts),
        active=_active(parts, record, sealed), previous=_state(parts, record.previous),
        staged=_state(parts, record.staged), minimum_sequence=record.minimum_sequence, denied=record.denied,
        changes=_changes(record), metadata=record.metadata, images=parts.images.listed(),
        free_bytes=parts.room(parts.places.releases).free_bytes,
        in_flight=in_flight.model_dump() if in_flight else None,
    )  # fmt: skip


def verified(parts: Parts) -> list[str]:
    """Read every block of every set that is kept, and say so. Raises NotVerifiedError with each that is not whole."""
    record, sealed = records.load(parts.places.record), read_sealed(parts.places)
    sets = {"active": seen(parts, record, sealed), "previous": record.previous, "staged": record.staged}
    good, bad = [], []
    for role, kept in sets.items():
        if kept is None or (kept.digest is None and not parts.images.is_complete(kept)):
            continue  # what the provisioning installed and no change has touched has no image of ours yet
        try:
            parts.say("idle", f"read {kept.words} ({role})")
            parts.images.prove(kept)
            if kept.usr is not None:
                parts.slots.prove(kept.usr)
            good.append(f"{role}: {kept.words}: every block as its root hash says")
        except ApplianceError as error:
            bad.append(f"{role}: {kept.words}: {error}")
    if bad:
        raise NotVerifiedError(
            "; ".join(bad), hint="a damaged staged set: stage it again; a damaged active one: roll back or provision"
        )
    return good


def _active(parts: Parts, record: Record, sealed: Sealed) -> SetState | None:
    if record.change is not None and record.change.old is not None:
        return _state(parts, record.active)
    try:
        kept = seen(parts, record, sealed)
    except ApplianceError:
        # Links and seal disagree, and no change of ours is open: what was recorded is told as incomplete.
        return record.active.state(complete=False) if record.active else None
    links = [parts.places.link(model.task) for model in kept.models]
    links += [parts.places.adapter_link(place) for place in range(len(kept.adapters))]
    complete = parts.images.is_complete(kept) or all(link.is_file() for link in links)
    return kept.state(complete=complete)


def _state(parts: Parts, kept: KeptSet | None) -> SetState | None:
    if kept is None:
        return None
    has_system = kept.usr in (None, _running(parts)) or parts.slots.holds(kept.usr or "")
    return kept.state(complete=has_system and parts.images.is_complete(kept))


def _running(parts: Parts) -> str | None:
    try:
        return parts.slots.running()
    except ApplianceError:
        return None


def _changes(record: Record) -> tuple[LastChange, ...]:
    ended = [each.told() for each in record.ended]
    if record.change is not None and record.found(record.change.operation) is None:
        ended.insert(0, _told(record.change))
    return tuple(ended[:32])


def _told(change: OpenChange) -> LastChange:
    return LastChange(
        operation=change.operation, action=change.action, release=change.release, started_at=change.started_at,
        ended_at=None, outcome=None, reason=change.reason,
    )  # fmt: skip
