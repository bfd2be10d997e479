"""The words of an alert, the same for every receiver: names, verdicts, reasons; no patient data, no secret."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from appliance.contract.health import Verdict
from fleetctl.alerts.state import OPERATOR, Phase
from fleetctl.alerts.telling import Notice
from fleetctl.errors import printable

MAX_WORDS = 500


class Message(BaseModel):
    """One change of an alert; what a webhook gets as JSON. `identity` is the same for each attempt to deliver it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal["fleetctl-alert/v1"] = "fleetctl-alert/v1"
    identity: str
    status: Literal["firing", "resolved"]
    again: bool
    fleet: str
    rule: str
    site: str
    labels: dict[str, str]
    check: str
    severity: str
    verdict: Verdict
    reason: str
    next_action: str
    since: datetime
    fired_at: datetime
    ended_at: datetime | None = None
    end_reason: str = ""

    def title(self) -> str:
        """One line."""
        if self.status == "resolved":
            return f"[resolved] {self.site}: {self.check}: {self.end_reason}"
        return f"[{self.severity}] {self.site}: {self.check} is {self.verdict.value}"

    def text(self) -> str:
        """For a person who reads it on a telephone at night."""
        lines = [self.title(), "", f"why: {self.reason}"]
        if self.status == "firing" and self.next_action:
            lines.append(f"next: {self.next_action}")
        lines += [
            f"since: {self.since:%Y-%m-%d %H:%M:%SZ}",
            f"fleet: {self.fleet}, rule: {self.rule}" + (", told again" if self.again else ""),
            "",
            "fleetctl keys show" if self.site == OPERATOR else f"fleetctl health check {self.site}",
        ]
        return "\n".join(lines) + "\n"


def bounded(words: str) -> str:
    """Words of a box on one line, without what could steer a terminal or a mail header, and of bounded length."""
    plain = re.sub(r"\s+", " ", printable(words)).strip()
    return plain if len(plain) <= MAX_WORDS else f"{plain[: MAX_WORDS - 1]}…"


def message_of(fleet: str, notice: Notice) -> Message:
    """The message of a notice."""
    alert = notice.alert
    assert alert.fired_at is not None  # noqa: S101 (only what fired is told)
    return Message(
        identity=notice.identity,
        status="resolved" if alert.phase is Phase.RESOLVED else "firing",
        again=notice.again,
        fleet=fleet,
        rule=alert.key.rule,
        site=alert.key.site,
        labels=dict(alert.labels),
        check=alert.key.check,
        severity=alert.severity,
        verdict=alert.finding.verdict,
        reason=bounded(alert.finding.reason),
        next_action=bounded(alert.finding.next_action),
        since=alert.since,
        fired_at=alert.fired_at,
        ended_at=alert.ended_at,
        end_reason=bounded(alert.end_reason),
    )
