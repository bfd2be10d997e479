"""Makes holds and pins of sites from what an operator says."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from typing import Any

from fleetctl.errors import UsageError
from fleetctl.models.alerts import checked_duration, moment, seconds
from fleetctl.models.holds import SiteHold, SitePin
from fleetctl.models.load import validate


def operator(by: str | None) -> str:
    """Who acts: what was given (--by, FLEETCTL_OPERATOR), else the user of this machine. Raises `UsageError`."""
    name = by.strip() if by and by.strip() else getpass.getuser()
    if not name.isprintable() or len(name) > 100:
        raise UsageError(f"{name[:100]!r} is no name of a person", hint="--by NAME, or FLEETCTL_OPERATOR")
    return name


def new_hold(site: str, *, reason: str, until: str | None, by: str | None, now: datetime | None = None) -> SiteHold:
    """A hold from now on. `until`: a time with its zone, or a duration. Raises `UsageError` if that is past."""
    at = (now or datetime.now(UTC)).replace(microsecond=0)
    spec: dict[str, Any] = {"by": operator(by), "since": at.isoformat(), "reason": reason}
    if until is not None:
        spec["until"] = _ends(until, at).isoformat()
    document = {"apiVersion": "fleetctl/v1", "kind": "SiteHold", "metadata": {"name": site}, "spec": spec}
    return validate(document, SiteHold, lambda path: "hold", "these options")


def new_pin(site: str, release: str, *, reason: str, by: str | None, now: datetime | None = None) -> SitePin:
    """A pin from now on."""
    at = (now or datetime.now(UTC)).replace(microsecond=0)
    spec = {"release": release, "by": operator(by), "since": at.isoformat(), "reason": reason}
    document = {"apiVersion": "fleetctl/v1", "kind": "SitePin", "metadata": {"name": site}, "spec": spec}
    return validate(document, SitePin, lambda path: "pin", "these options")


def _ends(text: str, now: datetime) -> datetime:
    try:
        ends = now + timedelta(seconds=seconds(checked_duration(text)))
    except ValueError:
        try:
            ends = moment(text)
        except ValueError as problem:
            raise UsageError(f"--until: {problem}", hint="for example --until 2026-12-24T18:00+01:00, or 12h") from None
    if ends <= now:
        raise UsageError(f"--until: {ends.isoformat()} is past", hint="leave --until out to hold it until unhold")
    return ends
