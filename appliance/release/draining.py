"""Waits until nothing is in work; a visit that goes on at the deadline is a refusal, never a cut."""

from datetime import datetime, timedelta

from appliance.contract.drain import InFlight
from appliance.errors import ApplianceError, RefusedError
from appliance.release.parts import Parts

# Loading, probing and a way back end before this; it bounds what a machine that died leaves behind in /run.
_SWITCH = timedelta(hours=1)
# A gateway that was started a moment ago does not answer yet.
_UNKNOWN_S, _POLL_S = 30.0, 1.0


class ToldToEndError(ApplianceError):
    """Somebody ended the command while nothing was switched yet."""


def demand_in_time(at: datetime, not_after: datetime | None) -> None:
    """Raises RefusedError when no switch may begin any more."""
    if not_after is not None and at > not_after:
        raise RefusedError(
            f"it is {at:%Y-%m-%d %H:%M} UTC; no switch may begin after {not_after:%Y-%m-%d %H:%M} UTC",
            hint="wait for the next window",
        )


def drained(parts: Parts, operation: str, timeout_s: float, not_after: datetime | None, reason: str) -> None:
    """Return when nothing is in work and nothing can begin. Raises RefusedError, ToldToEndError, OSError."""
    parts.drain.begin(operation, reason, parts.now() + timedelta(seconds=timeout_s) + _SWITCH)
    start_s = known_s = parts.monotonic()
    said: InFlight | None = None
    while True:
        found, now_s = parts.drain.in_flight(), parts.monotonic()
        if found is not None and found.total == 0:
            return
        known_s = now_s if found is not None else known_s
        if found is not None and found != said:
            parts.say("draining", f"in work: {words(found)}")
            said = found
        if parts.is_told_to_end():
            raise ToldToEndError("told to end while visits were waited for", hint="nothing was changed")
        demand_in_time(parts.now(), not_after)
        if found is None and now_s - known_s >= min(_UNKNOWN_S, timeout_s):
            raise RefusedError(
                "it is not known what is in work: the gateway does not say so", hint="look at appliance-gateway.service"
            )
        if now_s - start_s >= timeout_s:
            raise RefusedError(
                f"after {timeout_s:.0f} s there is still work: {words(found)}" if found else "the gateway is silent",
                hint="try again when the visits are over; nothing was changed",
            )
        parts.sleep(min(_POLL_S, max(0.05, timeout_s / 10)))


def words(found: InFlight) -> str:
    """What is in work, for people."""
    return ", ".join(f"{count} {name}" for name, count in found.model_dump().items() if count) or "nothing"
