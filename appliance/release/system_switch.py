"""A switch that changes the operating system: ordered, then the machine starts anew, then it is proven or undone.

The commit is the same single replacement of the record as of every change; here a start of the machine lies before it.
Until then files follow what runs: whoever finds the change open at a start of the box puts links and seal of the
system that runs in place, before the services. Only the system that was ordered goes on to the commit; one that does
not come up costs its tries, the boot loader takes the other one, and that says how it ended. No visit begins on a
system that is not committed: the order to drain is given anew with every start.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

from appliance.errors import ApplianceError, RefusedError, UnknownStateError
from appliance.release.book import Book, committed
from appliance.release.facts import boot_id
from appliance.release.parts import Parts
from appliance.release.record import OpenChange, Side, plain
from appliance.release.switch import NothingServesError, close_behind, demand_service, place, said

# Two starts, loading and probing; it bounds what a machine that died leaves behind.
_NO_VISITS = timedelta(hours=2)
# Of the machine, to reach the old system again. Three that end in the new one are a fault that starts do not cure.
_MOST_REBOOTS = 3
FELL_BACK = "the new operating system did not come up, and the boot loader went back"


class RestartsError(RefusedError):
    """The machine is about to start another system."""


def order(parts: Parts, book: Book, change: OpenChange, sides: tuple[Side, Side]) -> None:
    """Have the machine start the second side's system. The change stays open. Raises ApplianceError, OSError."""
    change = book.note(change, phase="switching", old=sides[0], new=sides[1])
    found = _systems(change)
    try:
        parts.say("switching", f"the boot loader takes system {found.new_usr[:12]} next")
        parts.slots.trial(found.new_usr)
        # Only now may it have been started: what is found later is held against it.
        change = book.note(change, phase="rebooting")
        parts.say("rebooting", f"the machine starts anew with {found.new.kept.words}")
        parts.slots.reboot()
    except Exception as error:
        _take_back(parts, book, change, said(error))
        raise ApplianceError(said(error), hint="nothing of the release has run") from error


@dataclass(frozen=True)
class _Systems:
    """Both sides of a change, with their systems."""

    old: Side
    new: Side
    old_usr: str
    new_usr: str


def _systems(change: OpenChange) -> _Systems:
    old, new = change.old, change.new
    if old is None or new is None or old.usr is None or new.usr is None:
        raise AssertionError("no system was switched")
    return _Systems(old, new, old.usr, new.usr)


def _take_back(parts: Parts, book: Book, change: OpenChange, reason: str) -> None:
    """Nothing of the new system has run: the old one stays. Raises when even that cannot be written: it stays open."""
    parts.slots.keep(_systems(change).old_usr)
    close_behind(book, change.model_copy(update={"blamed": False}), plain(reason, 500))
    parts.drain.end()


def finish(parts: Parts, book: Book, change: OpenChange, *, at_boot: bool) -> str:
    """Go on with an open change by what runs now. Raises ApplianceError, OSError."""
    found, running = _systems(change), parts.slots.running()
    if running not in (found.old_usr, found.new_usr):
        raise UnknownStateError(
            f"system {running[:12]} runs, which is neither the old nor the new one of an open change",
            hint="provision the site again: fleetctl site provision",
        )
    is_new = running == found.new_usr
    if not is_new and boot_id(parts.places) == change.boot_id and change.phase in ("switching", "rebooting"):
        return _not_started_yet(parts, book, change)
    change = _placed(parts, book, change, is_new=is_new)
    if at_boot:
        parts.drain.begin(change.operation, f"{_ran(change, is_new)} is proven", parts.now() + _NO_VISITS)
        return f"{_ran(change, is_new)} is in place, and is probed when it runs"
    return _forward(parts, book, change) if is_new and change.phase != "rolling_back" else _back(parts, book, change)


def _ran(change: OpenChange, is_new: bool) -> str:
    found = _systems(change)
    return (found.new if is_new else found.old).kept.words


def _not_started_yet(parts: Parts, book: Book, change: OpenChange) -> str:
    if change.phase == "rebooting":
        parts.slots.reboot()
        raise RestartsError("the machine is about to start another system", hint="ask again in some minutes")
    _take_back(parts, book, change.model_copy(update={"cut": True}), "cut off before another system was started")
    return f"{change.action} was cut off; {_systems(change).old.kept.words} stays"


def _placed(parts: Parts, book: Book, change: OpenChange, *, is_new: bool) -> OpenChange:
    """Links and seal of the system that runs, and what that says of the change. Done again, it changes nothing."""
    found = _systems(change)
    if is_new:
        place(parts, found.new, found.old)
        if change.phase in ("switching", "rebooting"):
            return book.note(change, phase="probing", blamed=change.action == "activate")
        return change
    place(parts, found.old, found.new)
    if change.phase == "rolling_back":
        return change if change.restored else book.note(change, restored=True, stuck=False)
    if change.phase == "switching":
        return book.note(
            change, phase="rolling_back", restored=True, cut=True, reason="cut off before another system was started"
        )
    return book.note(
        change, phase="rolling_back", restored=True, reason=change.reason or FELL_BACK,
        blamed=change.action == "activate",
    )  # fmt: skip


def _forward(parts: Parts, book: Book, change: OpenChange) -> str:
    found = _systems(change)
    try:
        parts.say("probing", f"start and probe {found.new.kept.words} on system {found.new_usr[:12]}")
        parts.services.start(found.new.links)
        demand_service(parts, found.new.kept)
    except Exception as error:
        _go_back(parts, book, change, said(error))
    # First: a system that is recorded as good and still counted would be given up by the boot loader later.
    parts.slots.keep(found.new_usr)
    left = found.old.kept.model_copy(update={"usr": found.old_usr})
    committed(book, change, (left, found.new.kept.model_copy(update={"usr": found.new_usr})))
    parts.drain.end()
    return f"{found.new.kept.words} runs"


def _go_back(parts: Parts, book: Book, change: OpenChange, reason: str) -> NoReturn:
    """From the new system: have the old one started. Always raises."""
    found = _systems(change)
    if change.reboots >= _MOST_REBOOTS:
        if not change.stuck:
            book.note(change, stuck=True)
        raise NothingServesError(f"{change.reason}; the machine was started {change.reboots} times for the old system")
    parts.say("rolling_back", f"back to {found.old.kept.words}: {reason}")
    change = book.note(change, phase="rolling_back", reason=plain(reason, 500), reboots=change.reboots + 1)
    parts.slots.keep(found.old_usr)
    parts.slots.reboot()
    raise RestartsError(f"{reason}; the machine starts {found.old.kept.words} again", hint="ask again in some minutes")


def _back(parts: Parts, book: Book, change: OpenChange) -> str:
    """On the old system: prove that it serves, and close the change. On the new one: start the old one again."""
    found = _systems(change)
    if parts.slots.running() != found.old_usr:
        _go_back(parts, book, change, change.reason)
    try:
        parts.slots.keep(found.old_usr)
        parts.services.start(found.old.links)
        demand_service(parts, found.old.kept)
    except Exception as error:
        words = plain(f"{change.reason}; then {found.old.kept.words} did not come up: {said(error)}", 500)
        book.note(change, stuck=True)
        raise NothingServesError(words) from error
    close_behind(book, change, change.reason)
    parts.drain.end()
    return f"{change.action} went back: {found.old.kept.words} runs again"
