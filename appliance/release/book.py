"""The record while a command works with it: what is written down, and in which order."""

from datetime import datetime
from pathlib import Path
from typing import Any

from appliance.contract.release_status import Outcome
from appliance.contract.seal import ModelTask
from appliance.errors import ApplianceError, UnknownStateError
from appliance.release import record as records
from appliance.release.facts import Sealed, boot_id, read_sealed
from appliance.release.gpt import read_layout
from appliance.release.images import OpenedImage
from appliance.release.parts import Parts
from appliance.release.record import Ended, KeptAdapter, KeptModel, KeptSet, OpenChange, Record, plain


class Book:
    """The record of one box, held by the one command that may change it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.record: Record = records.load(parts.places.record)

    @property
    def time(self) -> datetime:
        """The latest of the clock and of what was seen: a clock in the past makes nothing valid again."""
        now = self._parts.now()
        return max(now, self.record.newest_time or now)

    def keep(self, **changes: Any) -> None:
        """Write the record with these changes. It counts when this returns. Raises OSError."""
        new = self.record.model_copy(update=changes)
        self._parts.disk.make_directory(self._parts.places.releases)
        records.keep(self._parts.places.record, new, self._parts.disk)
        self.record = new

    def open(self, change: OpenChange) -> OpenChange:
        """Write down what is going to be done."""
        self.keep(change=change)
        return change

    def note(self, change: OpenChange, **changes: Any) -> OpenChange:
        """Write down how far an open change is."""
        return self.open(change.model_copy(update=changes))

    def ended(self, change: OpenChange, outcome: Outcome, *, exit_code: int, reason: str, hint: str = "") -> Ended:
        """How a change ended, to be written down."""
        return Ended(
            operation=change.operation, action=change.action, release=change.release, started_at=change.started_at,
            ended_at=max(self._parts.now(), change.started_at), outcome=outcome, exit_code=exit_code,
            reason=plain(reason, 500), hint=plain(hint, 500),
        )  # fmt: skip

    def close(
        self, change: OpenChange, outcome: Outcome, *, exit_code: int = 0, reason: str = "", hint: str = "", **more: Any
    ) -> None:
        """End a change: in the same step in which `more` becomes true, so that this is the commit."""
        ended = self.ended(change, outcome, exit_code=exit_code, reason=reason, hint=hint)
        self.keep(change=None, ended=self.record.over(ended), **more)

    def new_change(self, operation: str, action: Any, release: str | None, phase: Any) -> OpenChange:
        """A change that begins now."""
        return OpenChange(
            operation=operation, action=action, release=release, started_at=self._parts.now(), phase=phase,
            boot_id=boot_id(self._parts.places),
        )  # fmt: skip

    def observe(self) -> Sealed:
        """Make the record agree with what the box is sealed with, while no change is open, and keep its images.

        A provisioning may have installed other models since; seal and links are then the truth. Raises
        UnknownStateError when those two disagree.
        """
        sealed = read_sealed(self._parts.places)
        active = seen(self._parts, self.record, sealed)
        for model in active.models:
            self._parts.images.adopt(model, self._parts.places.link(model.task).resolve())
        for place, adapter in enumerate(active.adapters):
            self._parts.images.adopt(adapter, self._parts.places.adapter_link(place).resolve())
        if active != self.record.active:
            before = self.record.active
            other = before is not None and (_contents(before) != _contents(active) or before.usr != active.usr)
            previous = before if other else self.record.previous
            self.keep(active=active, previous=previous)
        return sealed


def committed(book: Book, change: OpenChange, sets: tuple[KeptSet, KeptSet]) -> None:
    """Make a switch from the first set to the second count: one replacement of the record. Raises OSError."""
    left, now = sets
    staged = book.record.staged
    if change.action == "activate":
        least = max(book.record.minimum_sequence, now.minimum_sequence)
        book.close(
            change, "done", reason=f"{now.words} runs", active=now, previous=left, staged=None,
            minimum_sequence=least, newest_time=book.time,
        )  # fmt: skip
    else:
        book.close(
            change, "done", reason=f"{now.words} runs again: {change.words}", active=now, previous=None,
            staged=None if staged is not None and staged.digest == left.digest else staged,
            denied=book.record.with_denial(left, book.time, change.words), newest_time=book.time,
        )  # fmt: skip


def seen(parts: Parts, record: Record, sealed: Sealed) -> KeptSet:
    """Return the set that the box is sealed with and linked to. Raises UnknownStateError when those disagree."""
    hashes = {model.task: model.root_hash for model in sealed.seal.models}
    found = {task: _linked(parts.places.link(task), root_hash) for task, root_hash in hashes.items()}
    linked = [
        _linked(parts.places.adapter_link(place), each.root_hash) for place, each in enumerate(sealed.seal.adapters)
    ]
    adapters = [each.model_dump(mode="json") for each in sealed.seal.adapters]
    for known in (record.active, record.previous, record.staged):
        is_system = known is not None and known.usr in (None, sealed.seal.usr_root_hash)
        if known is not None and is_system and _contents(known) == (hashes, adapters):
            return known
    models = tuple(
        KeptModel(
            task=model.task, name=model.name, root_hash=model.root_hash, size_bytes=found[model.task][0],
            installed_as=found[model.task][1],
        )
        for model in sealed.seal.models
    )  # fmt: skip
    kept = tuple(
        KeptAdapter(**each.model_dump(), size_bytes=size_bytes, installed_as=words)
        for each, (size_bytes, words) in zip(sealed.seal.adapters, linked, strict=True)
    )
    return KeptSet(release=None, sequence=0, digest=None, models=models, adapters=kept)


def _contents(kept: KeptSet) -> tuple[dict[ModelTask, str], list[dict[str, Any]]]:
    """What of a set is sealed."""
    return kept.hashes, kept.sealed_adapters()


def _linked(link: Path, root_hash: str) -> tuple[int, str | None]:
    """Length of the image that a link leads to, and the link's words when it leads to an installed one."""
    hint = "provision the site again: fleetctl site provision"
    try:
        words = str(link.readlink())
        path = link.resolve(strict=True)
        with OpenedImage(path) as image:
            claimed = read_layout(image.descriptor).root_hash
    except OSError as error:
        raise UnknownStateError(f"{link}: {error.strerror}", hint=hint) from None
    except ApplianceError as error:
        raise UnknownStateError(f"{link}: {error}", hint=hint) from None
    if claimed != root_hash:
        raise UnknownStateError(f"{link} leads to image {claimed[:12]}, sealed is {root_hash[:12]}", hint=hint)
    return path.stat().st_size, words if "/" not in words else None
