"""Tables of sites and their locks."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict
from rich.table import Table

from fleetctl.actions.lock import LockStatus
from fleetctl.actions.site_add import SiteAdded
from fleetctl.errors import printable
from fleetctl.models.site import Site


class SiteRow(BaseModel):
    """One site as its file says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    profile: str
    management: str
    clinical: str
    transcription: str
    drafting: str
    labels: dict[str, str]


def site_rows(sites: Sequence[Site]) -> list[SiteRow]:
    return [
        SiteRow(
            name=site.name,
            profile=site.spec.profile,
            management=f"{site.spec.management.address}:{site.spec.management.ssh_port}",
            clinical=f"{site.spec.clinical.address}:{site.spec.clinical.port}",
            transcription=site.spec.release.transcription,
            drafting=site.spec.release.drafting or "",
            labels=dict(site.metadata.labels),
        )
        for site in sites
    ]


def sites_table(rows: Sequence[SiteRow]) -> Table:
    table = Table("site", "profile", "management", "clinical", "transcription", "drafting", "labels")
    for row in rows:
        labels = ", ".join(f"{key}={value}" for key, value in row.labels.items())
        table.add_row(row.name, row.profile, row.management, row.clinical, row.transcription, row.drafting, labels)
    return table


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
