"""The repository as rows: releases, drafts, what waits for signatures, roles with their keys and ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel

from appliance.contract.release import ReleaseManifest
from fleetctl.errors import ConfigError, CriticalError, DegradedError, UsageError, VerificationError
from fleetctl.nearest import listed, nearest_or_all
from fleetctl.release.repository_client import Trusted, trusted
from fleetctl.release.repository_drafts import checked_name, draft_names, image_problems, is_draft, read_draft
from fleetctl.release.repository_pending import Signatures, pending, signatures
from fleetctl.release.repository_roles import TOP, keys_of
from fleetctl.release.repository_view import Published, View, holder, view_of
from fleetctl.release.store import ReleaseStore

# Sites may be away for months; who renews within this time renews before the first box notices.
DUE_DAYS = 60


class ReleaseRow(BaseModel):
    """A release in a channel, or a draft in none."""

    channel: str | None
    name: str
    sequence: int
    state: Literal["published", "revoked", "draft"]
    digest: str
    approved_by: list[str] = []
    reason: str = ""


class Listing(BaseModel):
    """All releases, and what waits."""

    root_sha256: str
    releases: list[ReleaseRow]
    waiting: list[Signatures]
    drafts_not_sound: dict[str, str] = {}


class Validity(StrEnum):
    """How long metadata is good."""

    OK = "ok"
    DUE = "due"
    EXPIRED = "expired"


class KeyRow(BaseModel):
    """A key that counts for a role."""

    holder: str
    keyid: str
    scheme: str
    at_hand: bool


class RoleRow(BaseModel):
    """A role: whose keys, how many of them, and until when its metadata is good."""

    role: str
    version: int
    threshold: int
    keys: list[KeyRow]
    expires_at: datetime
    days_left: int
    state: Validity


class Checked(BaseModel):
    """One release that was verified: metadata, manifest, bill of materials and images."""

    channel: str
    name: str
    result: Literal["ok", "wrong", "images not kept"]
    problems: list[str] = []


def listing(store: ReleaseStore) -> Listing:
    """What `release list` shows. An expired repository is listed as well: `refresh` renews it."""
    found = trusted(store)
    view = view_of(store, found)
    rows = [row(each) for releases in view.channels.values() for each in releases]
    known = {each.name for each in rows}
    drafts, unsound = [], {}
    for path in sorted(store.drafts.glob("*")):
        if path.is_dir() and path.name not in known:
            try:
                manifest = read_draft(store, path.name).manifest
                drafts.append(draft_row(manifest))
            except (ConfigError, VerificationError) as error:
                unsound[path.name] = error.message
    return Listing(
        root_sha256=found.fingerprint, releases=rows + drafts, waiting=waiting(store, found), drafts_not_sound=unsound
    )


def waiting(store: ReleaseStore, found: Trusted | None) -> list[Signatures]:
    """Changes whose signatures are not complete."""
    documents = pending(store, found)
    return [signatures(role, documents, found) for role in documents]


def row(each: Published) -> ReleaseRow:
    return ReleaseRow(
        channel=each.channel,
        name=each.name,
        sequence=each.sequence,
        state="revoked" if each.revoked else "published",
        digest=each.digest,
        approved_by=list(each.approvers),
        reason=each.revoked.reason if each.revoked else "",
    )


def draft_row(manifest: ReleaseManifest) -> ReleaseRow:
    return ReleaseRow(
        channel=None, name=manifest.name, sequence=manifest.sequence, state="draft", digest=manifest.digest
    )  # fmt: skip


def shown(store: ReleaseStore, name: str) -> dict[str, Any]:
    """One release: where it is, and its manifest; of a draft as well. Raises `UsageError` when there is none."""
    view = view_of(store, trusted(store))
    found = view.named(checked_name(name))
    if found:
        manifest = next((each.manifest for each in found if each.manifest is not None), None)
        rows = [row(each) for each in found]
    else:
        drafts = draft_names(store)
        if name not in drafts:
            raise _unknown(f"there is no release {name}", name, [*view.names(), *drafts])
        manifest = read_draft(store, name).manifest
        rows = [draft_row(manifest)]
    return {"release": name, "channels": rows, "manifest": manifest}


def roles(found: Trusted, at_hand: set[str], now: datetime) -> list[RoleRow]:
    """Every role, as the published metadata has it."""
    out = []
    for role in (*TOP, *found.channels):
        signed = found.document(role).signed
        above = found.root.signed if role in TOP else found.targets.signed
        left = signed.expires - now
        state = Validity.EXPIRED if left <= timedelta() else Validity.DUE if left < timedelta(DUE_DAYS) else Validity.OK
        out.append(
            RoleRow(
                role=role,
                version=signed.version,
                threshold=above.get_delegated_role(role).threshold,
                keys=[
                    KeyRow(holder=holder(key), keyid=key.keyid, scheme=key.scheme, at_hand=key.keyid in at_hand)
                    for key in keys_of(above, role)
                ],
                expires_at=signed.expires,
                days_left=left.days,
                state=state,
            )
        )
    return out


def tell_ends(rows: list[RoleRow]) -> None:
    """Raise `DegradedError` when something ends soon, `CriticalError` when something has ended."""
    bad = [each for each in rows if each.state is not Validity.OK]
    if not bad:
        return
    words = ", ".join(f"{each.role} ({each.days_left} days left)" for each in bad)
    kind = DegradedError if all(each.state is Validity.DUE for each in bad) else CriticalError
    others = [f"--role {each.role}" for each in bad if each.role not in ("snapshot", "timestamp")]
    raise kind(f"metadata is not good for long: {words}", hint=" ".join(["fleetctl release refresh", *others]))


def verified(store: ReleaseStore, now: datetime, name: str | None = None) -> list[Checked]:
    """Verify the metadata as of now, and every release (or the one named) down to the bytes of its images.

    The images of the newest release of each channel have to be here, and those of one that is named; those of older
    ones may be gone, and what is here of them has to be right. Raises `VerificationError` for the metadata itself,
    `UsageError` for a name that no channel has, and where there is no release at all: nothing verified is no success.
    """
    view = view_of(store, trusted(store, now=now))
    there = [each for releases in view.channels.values() for each in releases if each.revoked is None]
    chosen = [each for each in there if name in (None, each.name)]
    if name is not None and not chosen:
        raise _not_published(store, view, checked_name(name), [each.name for each in there])
    if not chosen:
        raise _nothing(store, view)
    return [_checked(store, view, each, needed=name is not None) for each in chosen]


def _nothing(store: ReleaseStore, view: View) -> UsageError:
    """The metadata is good, and lists no release. The hint is what stands nearest to one."""
    channels = ", ".join(f"{name} {found.signed.version}" for name, found in view.trusted.channels.items())
    said = "every release was revoked" if view.names() else "no channel has a release"
    waits, drafts = waiting(store, view.trusted), [name for name in draft_names(store) if name not in view.names()]
    hint = "fleetctl release build makes a release, fleetctl release sign puts it into a channel"
    if waits:
        hint = f"fleetctl release list; it waits: {waits[0].text()}"
    elif drafts:
        hint = f"fleetctl release sign {drafts[-1]}; drafts: {listed(drafts)}"
    return UsageError(f"nothing to verify: {said}; the metadata itself is good ({channels or 'no channel'})", hint=hint)


def _not_published(store: ReleaseStore, view: View, name: str, there: list[str]) -> UsageError:
    revoked = view.named(name)
    if revoked:
        channels = ", ".join(each.channel for each in revoked)
        return UsageError(f"{name} was revoked from {channels}", hint=f"fleetctl release show {name}")
    return is_draft(name) if name in draft_names(store) else _unknown(f"no channel has a release {name}", name, there)


def _unknown(said: str, name: str, there: list[str]) -> UsageError:
    return UsageError(said, hint=nearest_or_all(name, dict.fromkeys(there), "releases"))


def _checked(store: ReleaseStore, view: View, each: Published, *, needed: bool) -> Checked:
    newest = view.newest_approved(each.channel)
    problems = [] if each.manifest is None else image_problems(store, each.manifest)
    gone = [problem for problem in problems if " is missing: " in problem]
    result: Literal["ok", "wrong", "images not kept"] = "ok"
    if problems:
        older = not needed and newest is not None and newest.name != each.name
        result = "images not kept" if older and gone == problems else "wrong"
    return Checked(channel=each.channel, name=each.name, result=result, problems=problems)
