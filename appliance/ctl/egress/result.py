"""What a report means for the exit code, and where the baseline is kept."""

import os
from pathlib import Path

from appliance.contract.egress import EgressReport, Outcome

BASELINE_PATH = Path("/var/lib/fleetctl/egress-baseline.json")
OK, PARTIAL, FAILED = 0, 7, 9


def exit_code(report: EgressReport) -> int:
    """Return 9 if a target was reached, 7 if the run is incomplete or a control was not reached, else 0."""
    if any(each.role == "target" and each.outcome is Outcome.REACHED for each in report.attempts):
        return FAILED
    controls_work = all(each.outcome is Outcome.REACHED for each in report.attempts if each.role == "control")
    return OK if report.complete and controls_work else PARTIAL


def keep(report: EgressReport, path: Path = BASELINE_PATH) -> None:
    """Keep a baseline, unless one is there that reached more: once the network is closed there is nothing to learn."""

    def reached(each: EgressReport) -> int:
        return sum(attempt.outcome is Outcome.REACHED for attempt in each.attempts)

    try:
        earlier = EgressReport.model_validate_json(path.read_bytes())
        if reached(earlier) > reached(report):
            return
    except (OSError, ValueError):
        pass
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("w") as file:
        file.write(report.model_dump_json())
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
