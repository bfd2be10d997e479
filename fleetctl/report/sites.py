"""Tables of sites and their locks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from rich.table import Table
from rich.text import Text

from fleetctl.actions.lock import LockStatus
from fleetctl.actions.site_add import SiteAdded
from fleetctl.errors import printable
from fleetctl.models.holds import HoldSpec, PinSpec, SiteHold, SitePin
from fleetctl.models.site import Site


class HoldShown(HoldSpec):
    """A hold, and whether it holds now."""

    active: bool


class SiteRow(BaseModel):
    """One site as its file says, and whether rollouts leave it alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    profile: str
    management: str
    clinical: str
    transcription: str
    drafting: str
    labels: dict[str, str]
    hold: HoldShown | None = None
    pin: PinSpec | None = None


def site_rows(
    sites: Sequence[Site], holds: Mapping[str, SiteHold], pins: Mapping[str, SitePin], now: datetime
) -> list[SiteRow]:
    """`holds` and `pins` by site, as `models.rolloutfiles` reads them."""
    return [
        SiteRow(
            name=site.name,
            profile=site.spec.profile,
            management=f"{site.spec.management.address}:{site.spec.management.ssh_port}",
            clinical=f"{site.spec.clinical.address}:{site.spec.clinical.port}",
            transcription=site.spec.release.transcription,
            drafting=site.spec.release.drafting or "",
            labels=dict(site.metadata.labels),
            hold=hold_shown(holds.get(site.name), now),
            pin=pins[site.name].spec if site.name in pins else None,
        )
        for site in sites
    ]


def hold_shown(hold: SiteHold | None, now: datetime) -> HoldShown | None:
    """The hold with whether it holds now; None: the site has none."""
    return None if hold is None else HoldShown(**hold.spec.model_dump(), active=hold.spec.is_active(now))


def site_document(site: Site, hold: SiteHold | None, pin: SitePin | None, now: datetime) -> dict[str, Any]:
    """A site's file with defaults filled in, and its hold and pin beside it: those are files of their own."""
    shown = hold_shown(hold, now)
    return {
        **site.model_dump(mode="json", by_alias=True),
        "hold": shown.model_dump(mode="json") if shown else None,
        "pin": pin.spec.model_dump(mode="json") if pin else None,
    }


def sites_table(rows: Sequence[SiteRow]) -> Table:
    table = Table("site", "profile", "management", "clinical", "transcription", "drafting", "labels", "rollouts")
    for row in rows:
        labels = ", ".join(f"{key}={value}" for key, value in row.labels.items())
        cells = (row.name, row.profile, row.management, row.clinical, row.transcription, row.drafting, labels)
        table.add_row(*cells, Text("\n".join(_left_alone(row))))
    return table


def _left_alone(row: SiteRow) -> list[str]:
    """Why rollouts leave the site alone, a line each. The words are a person's, so they are no markup."""
    hold = row.hold
    held = [] if hold is None else [hold.words() if hold.active else f"no longer {hold.words()}"]
    return held + ([row.pin.words()] if row.pin else [])


def lock_table(lock: LockStatus) -> str:
    if not lock.held:
        return f"{lock.site}: nobody holds the lock"
    words = (
        f"{lock.site}: {lock.owner} on {lock.host} holds the lock since {lock.taken_at}, for: {lock.reason}; "
        f"{'it expired' if lock.expired else 'until'} {lock.expires_at}"
    )
    return printable(words)


def added_text(added: SiteAdded) -> str:
    pinned = "pinned now" if added.pinned else "pinned already"
    written = "written" if added.written else "there already, same content"
    return f"{added.site}: host key {added.fingerprint} {pinned}; {added.path} {written}"
