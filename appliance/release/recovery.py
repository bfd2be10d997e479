"""Finishes a change that was cut off: nothing of an open change is behind its commit, so it goes back. One that starts
another operating system is open over a start of the machine, and goes on from there (system_switch.py).

At boot, before the services start, only files are put back: what serves is proven afterwards, by the next command or
by appliance-release-settle.service.
"""

from contextlib import suppress

from appliance.contract.seal import ModelTask
from appliance.release import system_switch
from appliance.release.book import Book
from appliance.release.parts import Parts
from appliance.release.record import OpenChange, Side, plain
from appliance.release.switch import WentBackError, close_behind, go_back, place

TASKS: tuple[ModelTask, ...] = ("transcription", "drafting")
_CUT = "cut off while it was started and probed; a release that takes the machine down looks the same"


def finish(parts: Parts, book: Book, *, at_boot: bool = False) -> str:
    """Finish what is open, and say what that was; empty when nothing was. Raises ApplianceError, OSError."""
    change = book.record.change
    if change is None:
        return "" if at_boot else _tidied(parts)
    if change.old is None or change.new is None:
        book.close(change, "interrupted", exit_code=1, reason="cut off before anything was switched", hint="try again")
        parts.drain.end()
        return f"{change.action} of {change.release} was cut off before anything was switched"
    old, new = change.old, change.new
    if not change.cut and not change.stuck and not change.changes_system:
        change = book.note(change, cut=True)
    if _is_sealed_anew(parts, change):
        close_behind(book, change, f"{_reason(change)}; the site was provisioned anew since")
        parts.drain.end()
        return f"{change.action} was cut off; the site was provisioned anew since"
    if change.changes_system:
        return system_switch.finish(parts, book, change, at_boot=at_boot)
    if at_boot:
        return _put_back(parts, book, change, old, new)
    try:
        with suppress(WentBackError):
            go_back(parts, book, change, _reason(change))
    finally:
        with suppress(OSError):
            parts.drain.end()
    return f"{change.action} was cut off; {old.kept.words} runs again"


def _tidied(parts: Parts) -> str:
    """End what a killed command left besides a change: an order to drain, engines that rest for an evaluation."""
    words, resting = "", parts.places.resting
    if resting.exists():
        tasks: list[ModelTask] = [task for task in TASKS if task in resting.read_text().split()]
        parts.services.start(tasks)
        resting.unlink()
        words = f"an evaluation was cut off; {' and '.join(tasks)} runs again"
    parts.drain.end()
    return words


def _is_sealed_anew(parts: Parts, change: OpenChange) -> bool:
    """Whether somebody else has sealed the box since; what we would put back is then not what was approved."""
    try:
        text = parts.places.seal.read_text()
    except (OSError, ValueError):
        return False
    return all(side is None or text.strip() != side.seal.strip() for side in (change.old, change.new))


def _reason(change: OpenChange) -> str:
    if change.reason:
        return change.reason
    return _CUT if change.phase == "probing" else "cut off while it was switched; it had not been started"


def _put_back(parts: Parts, book: Book, change: OpenChange, old: Side, new: Side) -> str:
    reason = plain(_reason(change), 500)
    place(parts, old, new)
    if change.phase == "switching":
        # The old set served until it was stopped, and nothing else was started since.
        close_behind(book, change, reason)
        return f"{change.action} was cut off; {old.kept.words} is in place again"
    book.note(change, phase="rolling_back", restored=True, stuck=False, reason=reason)
    return f"{change.action} was cut off; {old.kept.words} is in place again, and is probed when it runs"
