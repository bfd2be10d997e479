"""The switch itself, forward and back: services stopped, links and seal changed, services started, asked and probed.

Before anything is touched the record holds both sides of it. Forward ends with one replacement of the record, the
commit; whatever goes wrong before that goes back, and so does whoever finds the change open.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import PurePath
from typing import Any, NoReturn

from appliance.contract.model import left_out_if_empty
from appliance.contract.release_status import Outcome
from appliance.contract.seal import ModelTask, Seal
from appliance.errors import ApplianceError
from appliance.release.book import Book
from appliance.release.codes import demand_packs, place_packs
from appliance.release.facts import Sealed
from appliance.release.parts import Parts
from appliance.release.record import KeptAdapter, KeptModel, KeptSet, OpenChange, Side, plain
from appliance.release.services import demand_adapters, demand_loaded

_LINK = "../releases/images"
_WAY_BACK = timedelta(hours=1)


class WentBackError(ApplianceError):
    """A change failed behind the switch; the last good set runs again."""


class NothingServesError(ApplianceError):
    """A change failed, and the last good set does not come up either."""

    def __init__(self, message: str) -> None:
        super().__init__(
            f"CRITICAL: no clinical service runs: {message}",
            hint="look at `journalctl --boot --priority warning`; `appliancectl release recover` tries again, as does "
            "every start of the box; provisioning again is the last resort",
        )


def side_of_old(parts: Parts, kept: KeptSet, sealed: Sealed) -> Side:
    """What runs now, to the letter."""
    links = {model.task: str(parts.places.link(model.task).readlink()) for model in kept.models}
    adapters = tuple(str(parts.places.adapter_link(place).readlink()) for place in range(len(kept.adapters)))
    return Side(kept=kept, seal=sealed.text, links=links, usr=sealed.seal.usr_root_hash, adapter_links=adapters)


def side_of_new(parts: Parts, kept: KeptSet, sealed: Sealed, old: KeptSet) -> Side:
    """What shall run. The seal changes only where models, adapters or the operating system do."""
    text, usr = sealed.text, kept.usr or sealed.seal.usr_root_hash
    before = (old.sealed(), old.sealed_adapters(), sealed.seal.usr_root_hash)
    if (kept.sealed(), kept.sealed_adapters(), usr) != before:
        at = parts.now().isoformat(timespec="seconds").replace("+00:00", "Z")
        document = {
            **sealed.document, "models": kept.sealed(), "sealed_at": at, "usr_root_hash": usr,
            "adapters": kept.sealed_adapters(),
        }  # fmt: skip
        document = left_out_if_empty(document, "adapters")
        text = json.dumps(document, indent=1, sort_keys=True) + "\n"
        Seal.model_validate_json(text)
    links = {model.task: _link(parts, model) for model in kept.models}
    adapters = tuple(_link(parts, each) for each in kept.adapters)
    return Side(kept=kept, seal=text, links=links, usr=usr, adapter_links=adapters)


def _link(parts: Parts, model: KeptModel | KeptAdapter) -> str:
    image = parts.places.image(model.root_hash)
    if model.installed_as is not None:
        # The name that the provisioning gave it, while it is still that image: it then finds nothing to do.
        installed = parts.places.models / PurePath(model.installed_as).name
        if installed.is_file() and not installed.is_symlink() and installed.samefile(image):
            return installed.name
    return f"{_LINK}/{image.name}"


def changed_tasks(old: KeptSet, new: KeptSet) -> list[ModelTask]:
    """The tasks whose engine has to be started anew; the others go on as they are. Adapters are drafting's."""
    before = {model.task: (model.name, model.root_hash) for model in old.models}
    others = new.sealed_adapters() != old.sealed_adapters()
    return [
        model.task
        for model in new.models
        if before.get(model.task) != (model.name, model.root_hash) or (others and model.task == "drafting")
    ]


def place(parts: Parts, side: Side, other: Side) -> None:
    """Put links and seal in place; each step is whole or not at all, and doing it again changes nothing. OSError."""
    wanted = {parts.places.link(task): words for task, words in side.links.items()}
    wanted |= {parts.places.adapter_link(place): words for place, words in enumerate(side.adapter_links)}
    for link, words in wanted.items():
        if not link.is_symlink() or str(link.readlink()) != words:
            parts.disk.point(link, words)
    for task in other.links.keys() - side.links.keys():
        parts.disk.remove(parts.places.link(task))
    for place in range(len(side.adapter_links), len(other.adapter_links)):
        parts.disk.remove(parts.places.adapter_link(place))
    if not parts.places.seal.exists() or parts.places.seal.read_text() != side.seal:
        parts.disk.replace(parts.places.seal, side.seal.encode(), mode=0o600)
    place_packs(parts.places, parts.disk, tuple(each.sha256 for each in side.kept.code_packs))


def demand_service(parts: Parts, kept: KeptSet) -> None:
    """Return when every engine has loaded its weights and worked on a sample. Raises ApplianceError."""
    demand_loaded(parts.services, kept.hashes, monotonic=parts.monotonic, sleep=parts.sleep)
    demand_adapters(parts.services, [each.digest for each in kept.adapters])
    demand_packs(parts.places, tuple(each.sha256 for each in kept.code_packs))
    parts.probe(kept)
    # An engine that dies of its first work has been started anew, or has not: asked again.
    demand_loaded(parts.services, kept.hashes, monotonic=parts.monotonic, sleep=parts.sleep)


def go_forward(
    parts: Parts, book: Book, change: OpenChange, sides: tuple[Side, Side], commit: Callable[[OpenChange], None]
) -> None:
    """Switch from the first side to the second, and commit. Raises ApplianceError when it went back.

    A commit that cannot be written is a way back as well, and at once: nothing is in work yet.
    """
    old, new = sides
    tasks = changed_tasks(old.kept, new.kept)
    change = book.note(change, phase="switching", old=old, new=new)
    try:
        parts.say("switching", f"stop {_words(tasks)}")
        parts.services.stop(tasks)
        place(parts, new, old)
        # Only now may it be started, so from now on it may be the release that is at fault.
        change = book.note(change, phase="probing", blamed=change.action == "activate")
        parts.say("probing", f"start {_words(tasks)} with {new.kept.words}")
        parts.services.start(new.links)
        demand_service(parts, new.kept)
    except Exception as error:
        go_back(parts, book, change, said(error))
    try:
        commit(change)
    except OSError as error:
        # The disk's fault, and not the release's.
        go_back(parts, book, change.model_copy(update={"blamed": False}), said(error))


def go_back(parts: Parts, book: Book, change: OpenChange, reason: str) -> NoReturn:
    """Return to the old side, prove that it serves, and close the change. Always raises, with how it ended.

    A note on the way that cannot be written, on a full disk perhaps, does not keep the old set from serving.
    """
    old, new = change.old, change.new
    if old is None or new is None:
        raise AssertionError("nothing was switched")
    parts.say("rolling_back", f"back to {old.kept.words}: {reason}")
    if not change.restored:
        with suppress(OSError):  # an order of before may be over by now; no visit begins while engines are exchanged
            parts.drain.begin(change.operation, f"{old.kept.words} comes back", parts.now() + _WAY_BACK)
    try:
        change = _noted(book, change, phase="rolling_back", reason=plain(reason, 500), stuck=False)
        tasks = changed_tasks(new.kept, old.kept)
        # One that has the old weights serves: it was never stopped, or an earlier way back was cut off behind it.
        if wrong := [task for task in tasks if not _serves(parts, old.kept, task)]:
            parts.services.stop(wrong)
        if not change.restored:
            place(parts, old, new)
            change = _noted(book, change, restored=True)
        parts.services.start(old.links)
        demand_service(parts, old.kept)
    except Exception as error:
        words = plain(f"{reason}; then {old.kept.words} did not come up: {said(error)}", 500)
        failed = book.ended(change, "failed", exit_code=1, reason=words)
        with suppress(OSError):
            book.keep(change=change.model_copy(update={"stuck": True}), ended=book.record.over(failed))
        raise NothingServesError(words) from error
    close_behind(book, change, reason)
    ended = book.record.found(change.operation)
    raise WentBackError(f"{reason}; {old.kept.words} runs again", hint=ended.hint if ended else "")


def _serves(parts: Parts, kept: KeptSet, task: ModelTask) -> bool:
    """Whether an engine has what this set wants it to have."""
    if parts.services.loaded(task) != kept.hashes[task]:
        return False
    return task != "drafting" or parts.services.adapters() == {each.digest for each in kept.adapters}


def _noted(book: Book, change: OpenChange, **changes: Any) -> OpenChange:
    try:
        return book.note(change, **changes)
    except OSError:
        return change.model_copy(update=changes)


def close_behind(book: Book, change: OpenChange, reason: str) -> None:
    """Close a change of which everything is undone: denied when the release had been started."""
    if change.blamed and change.new is not None:
        denied = book.record.with_denial(change.new.kept, book.time, reason)
        hint = f"find out why; `appliancectl release clear {change.release}` lets it be tried again"
        book.close(change, "rolled_back", exit_code=1, reason=reason, hint=hint, denied=denied)
    else:
        outcome: Outcome = "interrupted" if change.cut else "failed"
        hint = "nothing is held against the release: try again when the cause is gone"
        book.close(change, outcome, exit_code=1, reason=reason, hint=hint)


def _words(tasks: Iterable[ModelTask]) -> str:
    return " and ".join(sorted(tasks, reverse=True)) or "nothing: no model changes"


def said(error: Exception) -> str:
    """An error in one line, for the record."""
    if isinstance(error, OSError):
        return f"{error.filename or 'the disk'}: {error.strerror or error}"
    return str(error) if isinstance(error, ApplianceError) else f"{type(error).__name__}: {error}"
