"""The units: do they run, and stay running?"""

from collections import deque
from collections.abc import Sequence
from typing import Any

from appliance.contract.health import ServicesPart, ServiceState, Verdict
from appliance.contract.units import DRAFTING_UNIT
from appliance.health.concerns.part import PROVISION, SEE_JOURNAL

# Three in an hour, and the next crash is a matter of minutes: that is a loop, whatever runs at this moment.
LOOP_RESTARTS = 3
HOUR_S = 3600.0


class RestartWatch:
    """How often systemd restarted each unit in the last hour, from its counter over time.

    Until an hour was watched, a unit that is active for longer was not restarted in it, and one that is not was
    restarted as often as its counter says: it never says less than what happened.
    """

    def __init__(self) -> None:
        self._seen: dict[str, deque[tuple[float, int]]] = {}

    def last_hour(self, unit: dict[str, Any], now_s: float) -> int:
        """Take a unit's counter at a time since boot, and return the restarts of the hour before."""
        count, since_s = int(unit["restarts"]), unit.get("active_since_s")
        seen = self._seen.setdefault(unit["unit"], deque())
        while len(seen) > 1 and seen[1][0] <= now_s - HOUR_S:
            seen.popleft()
        if seen and count < seen[-1][1]:  # the unit was started anew by hand, and its counter with it
            seen.clear()
        if not seen or count != seen[-1][1]:
            seen.append((now_s, count))
        if unit["active"] == "active" and since_s is not None and now_s - since_s > HOUR_S:
            return 0
        watched_an_hour = seen[0][0] <= now_s - HOUR_S
        return count - seen[0][1] if watched_an_hour else count


def judge(
    units: Sequence[dict[str, Any]], seal: dict[str, Any] | None, restarts: RestartWatch, now_s: float
) -> ServicesPart:
    """Do all units of the appliance run, stay running, and in the sandbox that the image wants?

    The drafting unit is left out while it rests at a site whose seal has no drafting model.
    """
    if seal is not None and all(model["task"] != "drafting" for model in seal["models"]):
        units = [unit for unit in units if not (unit["unit"] == DRAFTING_UNIT and unit["active"] == "inactive")]
    states = tuple(
        ServiceState(
            unit=unit["unit"],
            active=unit["active"],
            sub=unit["sub"],
            result=unit["result"],
            restarts=unit["restarts"],
            restarts_last_hour=restarts.last_hour(unit, now_s),
            sandbox_differs=tuple(str(each)[:200] for each in (unit["sandbox_differs"] or ())[:40]),
        )
        for unit in units
    )
    if not states:
        return ServicesPart(verdict=Verdict.UNKNOWN, reason="no unit of the appliance is known", next_action=PROVISION)

    def fine(unit: dict[str, Any]) -> bool:
        if unit["kind"] == "oneshot":
            return bool(unit["result"] == "success" and unit["active"] != "failed")
        return bool(unit["active"] == "active")

    down = [unit["unit"] for unit in units if not fine(unit)]
    # A unit that waits for its next try after a crash is "activating" too; that is not a start.
    starting = [
        unit["unit"]
        for unit in units
        if unit["active"] == "activating" and unit["sub"] != "auto-restart" and unit["kind"] != "oneshot"
    ]
    if down:
        only_starting = set(down) == set(starting)
        verdict = Verdict.DEGRADED if only_starting else Verdict.CRITICAL
        words = "starting" if only_starting else "not running"
        return ServicesPart(
            verdict=verdict, reason=f"{words}: {', '.join(down)}"[:500], next_action=SEE_JOURNAL, services=states
        )
    loose = [f"{state.unit} ({'; '.join(state.sandbox_differs)})" for state in states if state.sandbox_differs]
    if loose:
        return ServicesPart(
            verdict=Verdict.CRITICAL, reason=f"another sandbox than the image's: {', '.join(loose)}"[:500],
            next_action="isolate the machine; systemctl cat UNIT on its console shows what was changed",
            services=states,
        )  # fmt: skip
    again = {state.unit: state.restarts_last_hour or 0 for state in states if state.restarts_last_hour}
    if again:
        looping = [name for name, count in again.items() if count >= LOOP_RESTARTS]
        words = ", ".join(f"{name} {count} times" for name, count in again.items())
        return ServicesPart(
            verdict=Verdict.CRITICAL if looping else Verdict.DEGRADED,
            reason=f"all run, but systemd restarted within the hour: {words}"[:500],
            next_action=SEE_JOURNAL, services=states,
        )  # fmt: skip
    if any(unit["sandbox_differs"] is None for unit in units):
        return ServicesPart(
            verdict=Verdict.UNKNOWN, reason="the sandboxes were not compared", next_action="look on the box",
            services=states,
        )  # fmt: skip
    earlier = sum(state.restarts for state in states)
    words = f"; {earlier} restarts, none within the hour" if earlier else "; none was restarted"
    return ServicesPart(
        verdict=Verdict.OK, reason=f"{len(states)} units run in the image's sandbox{words}", services=states
    )
