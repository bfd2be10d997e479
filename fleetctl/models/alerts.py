"""`policies/alerts.yaml` and `policies/silences/`: what is told to whom, and when nobody is."""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from appliance.contract.health import Verdict
from fleetctl.models.base import LabelKey, LabelValue, Name, Port, Resource, StrictModel

Severity = Literal["page", "ticket", "info"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
# Who is told one by one; info is for lists.
TOLD: tuple[Severity, ...] = ("page", "ticket")
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = r"^(0|[1-9][0-9]{0,5})(s|m|h|d)$"
_MAX_DURATION_S = 366 * 86_400


def seconds(text: str) -> int:
    """`90s`, `5m`, `12h` or `7d` in seconds."""
    return int(text[:-1]) * _UNITS_S[text[-1]]


def checked_duration(text: str) -> str:
    """The duration as it is written. Raises ValueError for what is none."""
    if not re.fullmatch(_DURATION, text):
        raise ValueError(f"{text!r} is no duration; write 90s, 5m, 12h or 7d")
    if seconds(text) > _MAX_DURATION_S:
        raise ValueError("is longer than a year")
    return text


def _zone(text: str) -> str:
    if text not in zoneinfo.available_timezones():
        raise ValueError(f"{text!r} is no time zone of the IANA database, like America/New_York")
    return text


def moment(text: str) -> datetime:
    """An ISO 8601 time with its zone. Raises ValueError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time; write 2026-12-24T18:00+01:00") from None
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no zone; write 2026-12-24T18:00+01:00 or …Z")
    return found


def _moment(text: str) -> str:
    moment(text)
    return text


def _clock(text: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError(f"{text!r} is no time of day; write 22:30")
    return text


def _is_here(host: str) -> bool:
    """Whether it is this machine by its address, whatever a name server says; 127.0.0.1.example.org is not."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _url(text: str) -> str:
    if not re.fullmatch(
        r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/[!-~]*)?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?(/[!-~]*)?", text
    ):
        raise ValueError(
            "is no http or https address without a user, a question mark's secrets belong into secret_file"
        )
    if text.startswith("http://") and not _is_here(urlsplit(text).hostname or ""):
        raise ValueError("is not encrypted: https, or http on this machine alone")
    return text


Duration = Annotated[str, AfterValidator(checked_duration), Field(description="90s, 5m, 12h or 7d.")]
Moment = Annotated[str, AfterValidator(_moment), Field(description="ISO 8601 with a zone.")]
TimeZone = Annotated[str, AfterValidator(_zone), Field(description="IANA name.")]
Url = Annotated[str, AfterValidator(_url), Field(max_length=500)]
# A glob over check ids, like gpu_*; no other wildcard.
CheckPattern = Annotated[
    str, Field(pattern=r"^[a-z0-9_*.-]{1,64}$", description="Id of a check; * stands for any text.")
]
SecretFile = Annotated[
    str,
    Field(pattern=r"^(/|~/).{1,300}$", description="A file outside the fleet directory, readable by its owner alone."),
]
EmailAddress = Annotated[str, Field(pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}$")]


class Scope(StrictModel):
    """Which sites and checks something is about. What is left out is not asked."""

    selectors: dict[LabelKey, LabelValue] = Field(default_factory=dict, description="Labels that the site carries.")
    sites: list[Name] = Field(default_factory=list, max_length=1000)
    checks: list[CheckPattern] = Field(default_factory=list, max_length=100)

    def fits(self, site: str, labels: dict[str, str], check: str) -> bool:
        """Whether a finding of `check` at `site` is meant."""
        return (
            (not self.sites or site in self.sites)
            and self.selectors.items() <= labels.items()
            and (not self.checks or any(_glob(pattern, check) for pattern in self.checks))
        )


def _glob(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text) is not None


class AlertRule(Scope):
    """A finding of one of these verdicts that lasts becomes an alert; one that has been gone for a while ends it."""

    name: Name
    severity: Severity = Field(description="page wakes somebody, ticket waits for the morning, info is only listed.")
    verdicts: list[Annotated[Verdict, Field(strict=False)]] = Field(
        default_factory=lambda: [Verdict.CRITICAL, Verdict.UNKNOWN], min_length=1, max_length=3,
        description="degraded, critical, unknown.",
    )  # fmt: skip
    for_: Duration = Field("2m", alias="for", description="It lasts that long before anyone is told.")
    clear_after: Duration = Field("5m", description="It has been good that long before the alert ends (hysteresis).")
    repeat: Duration = Field("4h", description="An alert that goes on is told again after this long; 0s: never.")

    @model_validator(mode="after")
    def _not_ok(self) -> AlertRule:
        if Verdict.OK in self.verdicts:
            raise ValueError("verdicts: ok is no reason for an alert")
        return self


class SilenceSpec(Scope):
    """Nobody is told of these findings until then. It always has an end, an author and a reason."""

    until: Moment
    since: Moment | None = None
    by: str = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=300)

    @cached_property
    def ends(self) -> datetime:
        return moment(self.until)

    def is_active(self, now: datetime) -> bool:
        """Whether it holds now."""
        return (self.since is None or moment(self.since) <= now) and now < self.ends


class Silence(Resource):
    """`policies/silences/NAME.yaml`, as `fleetctl alerts silence` writes it."""

    kind: Literal["Silence"] = Field(description="What this file is.")
    spec: SilenceSpec


class MaintenanceWindow(Scope):
    """A time that comes back each week, in which these findings are told to nobody."""

    name: Name
    time_zone: TimeZone
    days: list[Weekday] = Field(min_length=1, max_length=7, description="Days on which it begins.")
    start: Annotated[str, AfterValidator(_clock)] = Field(description="Local time of day.")
    duration: Duration

    @model_validator(mode="after")
    def _bounded(self) -> MaintenanceWindow:
        if not 60 <= seconds(self.duration) <= 7 * 86_400:
            raise ValueError("duration: a window lasts between a minute and a week")
        return self

    def begins_on(self, day: date) -> datetime | None:
        """When it begins on that local day, in UTC; None on a day that is not one of its days.

        A time that the clocks skip is taken as the zone had it before, one that they repeat is the first (fold=0,
        PEP 495).
        """
        if WEEKDAYS[day.weekday()] not in self.days:
            return None
        hour, minute = (int(part) for part in self.start.split(":"))
        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zoneinfo.ZoneInfo(self.time_zone))
        return local.astimezone(UTC)

    @property
    def length(self) -> timedelta:
        """How long it lasts, in real time: that is right when clocks are changed."""
        return timedelta(seconds=seconds(self.duration))

    def is_open(self, now: datetime) -> bool:
        """Whether it is open now."""
        today = now.astimezone(zoneinfo.ZoneInfo(self.time_zone)).date()
        # One day more than its length: a day on which clocks go forward is shorter than 24 hours.
        for back in range(-(-self.length // timedelta(days=1)) + 2):
            begins = self.begins_on(today - timedelta(days=back))
            if begins is not None and begins <= now < begins + self.length:
                return True
        return False


class Alertmanager(StrictModel):
    """A Prometheus Alertmanager, by its API v2. It groups, routes, and notices when we fall silent."""

    url: Url
    ca_file: SecretFile | None = Field(None, description="CA that its certificate is checked against.")
    bearer_file: SecretFile | None = Field(None, description="File with a bearer token.")


class Webhook(StrictModel):
    """A POST of JSON for each change of an alert."""

    url: Url
    severities: list[Severity] = Field(default_factory=lambda: list(TOLD), min_length=1)
    secret_file: SecretFile | None = Field(
        None, description="Key of an HMAC-SHA-256 over the body, sent as X-Fleetctl-Signature: sha256=HEX."
    )
    ca_file: SecretFile | None = None


class Email(StrictModel):
    """A message for each change of an alert, by SMTP with STARTTLS; without TLS to this machine alone."""

    host: str = Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$")
    port: Port = 587
    sender: EmailAddress = Field(alias="from")
    to: list[EmailAddress] = Field(min_length=1, max_length=50)
    severities: list[Severity] = Field(default_factory=lambda: list(TOLD), min_length=1)
    user: str | None = Field(None, max_length=200)
    password_file: SecretFile | None = None
    ca_file: SecretFile | None = None

    @model_validator(mode="after")
    def _together(self) -> Email:
        if (self.user is None) is not (self.password_file is None):
            raise ValueError("user and password_file come together")
        return self


class Receivers(StrictModel):
    """Who is told."""

    alertmanager: list[Alertmanager] = Field(default_factory=list, max_length=8)
    webhook: list[Webhook] = Field(default_factory=list, max_length=8)
    email: list[Email] = Field(default_factory=list, max_length=8)

    def direct(self) -> list[Webhook | Email]:
        """Those that are told of each change once; an Alertmanager is told of everything all the time."""
        return [*self.webhook, *self.email]


class AlertSpec(StrictModel):
    """Rules, receivers, and the windows in which they are quiet."""

    rules: list[AlertRule] = Field(min_length=1, max_length=200)
    receivers: Receivers = Field(default_factory=Receivers)
    maintenance: list[MaintenanceWindow] = Field(default_factory=list, max_length=200)
    interval: Duration = Field("30s", description="How often `fleetctl watch` asks every site.")

    @model_validator(mode="after")
    def _consistent(self) -> AlertSpec:
        for what, names in (
            ("rule", [rule.name for rule in self.rules]),
            ("maintenance window", [window.name for window in self.maintenance]),
        ):
            if repeated := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{what} named twice: {', '.join(repeated)}")
        if not 5 <= seconds(self.interval) <= 3600:
            raise ValueError("interval: between 5s and 1h")
        return self


class AlertPolicy(Resource):
    """The fleet's alerts."""

    kind: Literal["AlertPolicy"] = Field(description="What this file is.")
    spec: AlertSpec


DEFAULT_RULES = """\
apiVersion: fleetctl/v1
kind: AlertPolicy
metadata: {name: alerts}
spec:
  rules:
    - {name: not-well, severity: page, verdicts: [critical, unknown], for: 3m, clear_after: 5m}
    - {name: degraded, severity: ticket, verdicts: [degraded], for: 30m, clear_after: 30m, repeat: 24h}
  receivers: {}
"""
"""What holds in a fleet without policies/alerts.yaml: everything becomes an alert, and nobody is named to be told."""
