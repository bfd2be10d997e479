"""The units: do they run, and stay running?"""

from collections.abc import Sequence
from typing import Any

from appliance.contract.health import ServicesPart, ServiceState, Verdict
from appliance.contract.units import DRAFTING_UNIT
from appliance.health.concerns.part import PROVISION, SEE_JOURNAL


def judge(units: Sequence[dict[str, Any]], seal: dict[str, Any] | None) -> ServicesPart:
    """Do all units of the appliance run, and stay running?

    The drafting unit is left out while it rests at a site whose seal has no drafting model.
    """
    if seal is not None and all(model["task"] != "drafting" for model in seal["models"]):
        units = [unit for unit in units if not (unit["unit"] == DRAFTING_UNIT and unit["active"] == "inactive")]
    states = tuple(
        ServiceState(
            unit=unit["unit"], active=unit["active"], sub=unit["sub"], result=unit["result"], restarts=unit["restarts"]
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
    restarted = [unit["unit"] for unit in units if unit["restarts"] > 0]
    if restarted:
        return ServicesPart(
            verdict=Verdict.DEGRADED, reason=f"all run, but systemd restarted {', '.join(restarted)}"[:500],
            next_action=SEE_JOURNAL, services=states,
        )  # fmt: skip
    return ServicesPart(verdict=Verdict.OK, reason=f"{len(states)} units run; none was restarted", services=states)
