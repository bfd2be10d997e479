"""What a report means for the exit code, and where the baseline and the last proof are kept."""

import os
from pathlib import Path

from appliance.contract.egress import EgressReport, Outcome
from appliance.contract.health import EgressProof

PROOF_PATH = Path("/var/lib/fleetctl/egress-proof.json")  # read by appliance/facts/small.py
BASELINE_PATH = Path("/var/lib/fleetctl/egress-baseline.json")
OK, PARTIAL, FAILED = 0, 7, 9


def exit_code(report: EgressReport) -> int:
    """Return 9 if a target was reached, 7 if the run is incomplete or a control was not reached, else 0."""
    if any(each.role == "target" and each.outcome is Outcome.REACHED for each in report.attempts):
        return FAILED
    controls_work = all(each.outcome is Outcome.REACHED for each in report.attempts if each.role == "control")
    return OK if report.complete and controls_work else PARTIAL


def keep_proof(report: EgressReport, path: Path = PROOF_PATH) -> None:
    """Keep what the last try came to, for the health snapshot. A canary may know better; that is the operator's."""
    reached = sum(each.role == "target" and each.outcome is Outcome.REACHED for each in report.attempts)
    proof = EgressProof(
        finished_at=report.finished_at,
        verdict="reached" if reached else "nothing_reached" if exit_code(report) == OK else "incomplete",
        ruleset_digest=report.ruleset_digest,
        attempts=sum(each.role == "target" for each in report.attempts),
        reached=reached,
    )
    _write(path, proof.model_dump_json())


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
    _write(path, report.model_dump_json())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
