"""The acceptance record: what a machine was found to be at its delivery, as JSON and as a page to print and sign."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import jinja2
from pydantic import BaseModel, ConfigDict

from appliance.contract.health import Verdict
from fleetctl import atomic
from fleetctl.actions.judge import SiteJudgement
from fleetctl.checks.result import CheckResult
from fleetctl.errors import ChangeError, printable
from fleetctl.models.profile import HardwareProfile
from fleetctl.report.emit import as_json
from fleetctl.version import __version__

_OUTCOMES = {
    Verdict.OK: "The machine meets the profile.",
    Verdict.DEGRADED: "The machine meets the profile with the reservations below.",
    Verdict.CRITICAL: "NOT ACCEPTED: the machine does not meet the profile.",
    Verdict.UNKNOWN: "NOT ACCEPTED: not everything could be read.",
}


class AcceptanceRecord(BaseModel):
    """One machine at one time. `made_at` is ISO 8601 in UTC; `machine` is empty when its firmware could not be read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: str = "fleetctl/acceptance/v1"
    site: str
    made_at: str
    fleetctl_version: str
    profile: str
    profile_description: str
    machine: dict[str, str]
    verdict: Verdict
    error: str
    checks: tuple[CheckResult, ...]


def acceptance_record(
    judgement: SiteJudgement, profile: HardwareProfile, now: datetime | None = None
) -> AcceptanceRecord:
    """The record of what `preflight` found."""
    return AcceptanceRecord(
        site=judgement.site,
        made_at=(now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        fleetctl_version=__version__,
        profile=profile.name,
        profile_description=profile.spec.description,
        machine=judgement.machine,
        verdict=judgement.verdict,
        error=judgement.error,
        checks=judgement.checks,
    )


def write_record(record: AcceptanceRecord, folder: Path) -> tuple[Path, Path]:
    """Write `<site>-acceptance-<time>.json` and `.html` to `folder`; their paths. Raises `ChangeError`."""
    stem = f"{record.site}-acceptance-{record.made_at.replace(':', '').replace('-', '')}"
    data_file, page_file = folder / f"{stem}.json", folder / f"{stem}.html"
    data = as_json(record) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_text(data_file, data, replace=True)
        atomic.write_text(page_file, page(record, data_file.name, data), replace=True)
    except OSError as error:
        raise ChangeError(
            f"{folder}: the acceptance record cannot be written: {error.strerror}", hint="name a folder to write to"
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
    tally = Counter(check.verdict.value for check in record.checks)
    return environment.get_template("acceptance.html").render(
        record=record,
        outcome=_OUTCOMES[record.verdict],
        counts=record.error or ", ".join(f"{count} {verdict}" for verdict, count in sorted(tally.items())),
        machine=list(record.machine.items()) or [("firmware's data", "could not be read")],
        attention=[check for check in record.checks if check.verdict is not Verdict.OK],
        differences=[check for check in record.checks if check.difference],
        data_file=data_file,
        data_sha256=hashlib.sha256(data.encode()).hexdigest(),
    )
