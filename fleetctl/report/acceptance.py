"""Records of a machine at its delivery, as JSON and as a page to print and sign: what it was found to be (acceptance),
and what it did under load (burn-in)."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from pydantic import BaseModel, ConfigDict

from appliance.contract.burnin import BurnInReport
from appliance.contract.health import Verdict
from fleetctl import atomic
from fleetctl.actions.burnin import BurnInJudgement
from fleetctl.actions.judge import SiteJudgement
from fleetctl.checks.result import CheckResult
from fleetctl.errors import ChangeError, printable
from fleetctl.models.profile import HardwareProfile
from fleetctl.report.burnin import drive_figures, gpu_figures
from fleetctl.report.emit import as_json
from fleetctl.version import __version__

_OUTCOMES = {
    Verdict.OK: "The machine meets the profile.",
    Verdict.DEGRADED: "The machine meets the profile with the reservations below.",
    Verdict.CRITICAL: "NOT ACCEPTED: the machine does not meet the profile.",
    Verdict.UNKNOWN: "NOT ACCEPTED: not everything could be read.",
}
_NOTHING = "NOT ACCEPTED: nothing was read of the machine."
_BURNIN_OUTCOMES = {
    Verdict.OK: "The machine did its work under load.",
    Verdict.DEGRADED: "The machine did its work under load with the reservations below.",
    Verdict.CRITICAL: "NOT ACCEPTED: the machine has faults under load.",
    Verdict.UNKNOWN: "NOT ACCEPTED: not everything was measured.",
}


class AcceptanceRecord(BaseModel):
    """One machine at one time. `made_at` is ISO 8601 in UTC; `machine` is empty when its firmware could not be read.

    `profile_sha256` is of the whole profile as it was applied, in JSON: a fleet's own may bear a built-in one's name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: str = "fleetctl/acceptance/v1"
    site: str
    made_at: str
    fleetctl_version: str
    profile: str
    profile_description: str
    profile_sha256: str
    machine: dict[str, str]
    verdict: Verdict
    error: str
    checks: tuple[CheckResult, ...]

    @property
    def kind(self) -> str:
        """The kind of record, as it stands in its identifier and in the names of its files."""
        return self.record.split("/")[1]


class BurnInRecord(AcceptanceRecord):
    """The same for a machine under load: `minutes` were asked for, `report` is what the box measured."""

    record: str = "fleetctl/burnin/v1"
    minutes: float
    report: BurnInReport | None


def acceptance_record(
    judgement: SiteJudgement, profile: HardwareProfile, now: datetime | None = None
) -> AcceptanceRecord:
    """The record of what `preflight` found."""
    return AcceptanceRecord(**_common(judgement, profile, now))


def burnin_record(judgement: BurnInJudgement, profile: HardwareProfile, now: datetime | None = None) -> BurnInRecord:
    """The record of a burn-in."""
    return BurnInRecord(**_common(judgement, profile, now), minutes=judgement.minutes, report=judgement.report)


def _common(judgement: SiteJudgement, profile: HardwareProfile, now: datetime | None) -> dict[str, Any]:
    return {
        "site": judgement.site,
        "made_at": (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "fleetctl_version": __version__,
        "profile": profile.name,
        "profile_description": profile.spec.description,
        "profile_sha256": hashlib.sha256(as_json(profile).encode()).hexdigest(),
        "machine": judgement.machine,
        "verdict": judgement.verdict,
        "error": judgement.error,
        "checks": judgement.checks,
    }


def write_record(record: AcceptanceRecord, folder: Path) -> tuple[Path, Path]:
    """Write `<site>-<kind>-<time>.json` and `.html` to `folder`; their paths. Raises `ChangeError`."""
    stem = f"{record.site}-{record.kind}-{record.made_at.replace(':', '').replace('-', '')}"
    data_file, page_file = folder / f"{stem}.json", folder / f"{stem}.html"
    data = as_json(record) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_text(data_file, data, replace=True)
        atomic.write_text(page_file, page(record, data_file.name, data), replace=True)
    except OSError as error:
        raise ChangeError(
            f"{folder}: the {record.kind} record cannot be written: {error.strerror}", hint="name a folder to write to"
        ) from error
    return data_file, page_file


def page(record: AcceptanceRecord, data_file: str, data: str) -> str:
    """The record as one HTML page without anything from outside, laid out for A4."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fleetctl.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: printable(value) if isinstance(value, str) else value,
    )
    burnin = record if isinstance(record, BurnInRecord) else None
    report = burnin.report if burnin else None
    figures = [gpu_figures(report), drive_figures(report)] if report else []
    tally = Counter(check.verdict.value for check in record.checks)
    return environment.get_template("acceptance.html").render(
        record=record,
        title="Burn-in record" if burnin else "Acceptance record",
        burnin=burnin,
        figures=[each for each in figures if each.rows],
        outcome=(_BURNIN_OUTCOMES if burnin else _OUTCOMES)[record.verdict] if record.checks else _NOTHING,
        counts=record.error or ", ".join(f"{count} {verdict}" for verdict, count in sorted(tally.items())),
        machine=list(record.machine.items()) or [("firmware's data", "could not be read")],
        attention=[check for check in record.checks if check.verdict is not Verdict.OK],
        differences=[check for check in record.checks if check.difference],
        data_file=data_file,
        data_sha256=hashlib.sha256(data.encode()).hexdigest(),
    )
