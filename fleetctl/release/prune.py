"""Which images of releases this machine still needs, and the removal of the others.

Needed are the images of drafts, of the newest releases of each channel, of the newest that has passed a rollout (who
returns is caught up to it), of whatever a rollout that is not over may still bring or bring back, and of what each site
runs and ran before. What cannot be read stops everything: an image that is not known to be superfluous stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel

from appliance.contract.release import ReleaseManifest
from fleetctl import atomic
from fleetctl.errors import ChangeError, ConfigError
from fleetctl.models.rollout import Plan
from fleetctl.release.build_known import known_releases, one_build
from fleetctl.release.committed import CommittedSets
from fleetctl.release.repository_view import published
from fleetctl.release.store import ReleaseStore
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_records import RolloutRecord, RolloutState

_OVER = (RolloutState.DONE, RolloutState.ABORTED)
_IMAGE = re.compile(r"^[0-9a-f]{64}$")


class Kept(BaseModel):
    """An image that stays, and why."""

    root_hash: str
    size_bytes: int
    because: list[str]


class Superfluous(BaseModel):
    """An image that nothing needs, and the releases that it was of."""

    root_hash: str
    size_bytes: int
    of: list[str]


class Pruned(BaseModel):
    """What was found. `removed` is False when nothing was changed."""

    removed: bool
    kept: list[Kept]
    superfluous: list[Superfluous]
    freed_bytes: int


@dataclass
class _Needs:
    """Root hash → why."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, root_hashes: Iterable[str], why: str) -> None:
        for root_hash in root_hashes:
            reasons = self.found.setdefault(root_hash, [])
            if why not in reasons:
                reasons.append(why)

    def release(self, manifest: ReleaseManifest, why: str) -> None:
        self.add((image.root_hash for image in manifest.components), why)


def prune(
    store: ReleaseStore, journal: Journal, plans: Sequence[Plan], now: datetime, *, keep: int, remove: bool
) -> Pruned:
    """Find what is superfluous, and with `remove` remove it. `plans`: not started yet; `keep`: newest of a channel.

    Raises LockHeldError while a build or a transfer to a medium goes on, and whatever says that something which decides
    cannot be read or verified; nothing was removed then.
    """
    with one_build(store):
        needs, names = _needs(store, journal, plans, now, keep)
        kept, superfluous = [], []
        for path in sorted(store.images.glob("*.raw")) if store.images.is_dir() else []:
            if not _IMAGE.match(path.stem) or path.is_symlink():
                continue
            size_bytes = path.stat().st_size
            if because := needs.found.get(path.stem):
                kept.append(Kept(root_hash=path.stem, size_bytes=size_bytes, because=because))
            else:
                of = sorted(names.get(path.stem, ()))
                superfluous.append(Superfluous(root_hash=path.stem, size_bytes=size_bytes, of=of))
        if remove and superfluous:
            _remove([store.image(each.root_hash) for each in superfluous])
        freed = sum(each.size_bytes for each in superfluous)
        return Pruned(removed=remove, kept=kept, superfluous=superfluous, freed_bytes=freed)


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        try:
            path.unlink()
        except OSError as error:
            raise ChangeError(
                f"{path}: {error.strerror}", hint="what was removed before is gone; run it again"
            ) from None
    atomic.sync_directory(paths[0].parent)


def _needs(
    store: ReleaseStore, journal: Journal, plans: Sequence[Plan], now: datetime, keep: int
) -> tuple[_Needs, dict[str, set[str]]]:
    """What is needed and why; and of which releases each image is."""
    needs = _Needs()
    names: dict[str, set[str]] = {}
    manifests: dict[str, ReleaseManifest] = {}
    for each in known_releases(store):
        if each.manifest is None:
            continue
        manifests[each.manifest.digest] = each.manifest
        for image in each.manifest.components:
            names.setdefault(image.root_hash, set()).add(each.name)
        if each.folder.parent == store.drafts:
            needs.release(each.manifest, f"draft {each.name}")
    _of_channels(needs, store, journal, now, keep)
    rollouts = journal.all()
    for found in rollouts:
        if found.state not in _OVER:
            _of_rollout(needs, found, journal, manifests)
    for plan in plans:
        _of_plan(needs, plan, manifests, f"plan {plan.id[:12]}")
    _of_sites(needs, store, rollouts, manifests)
    return needs, names


def _of_channels(needs: _Needs, store: ReleaseStore, journal: Journal, now: datetime, keep: int) -> None:
    if not (store.folder / "root.json").exists():
        return
    for channel, releases in published(store, now=now).channels.items():
        good = [each for each in releases if each.revoked is None and each.manifest is not None]
        passed = journal.passed(channel)
        through = next((each for each in good if each.digest in passed), None)
        for each in good[:keep] if through is None else [*good[:keep], through]:
            if each.manifest is not None:
                why = "has passed a rollout" if each is through and each not in good[:keep] else f"channel {channel}"
                needs.release(each.manifest, f"{each.name}: {why}")


def _of_rollout(needs: _Needs, found: RolloutRecord, journal: Journal, manifests: dict[str, ReleaseManifest]) -> None:
    """A rollout that goes on, waits or has stopped: what it brings, to single sites as well, and what they ran."""
    why = f"rollout {found.plan.id[:12]} is {found.state.value.replace('_', ' ')}"
    _of_plan(needs, found.plan, manifests, why)
    for record in journal.sites(found.plan.id):
        needs.release(_manifest(manifests, record.target.digest, record.target.name, why), why)


def _of_plan(needs: _Needs, plan: Plan, manifests: dict[str, ReleaseManifest], why: str) -> None:
    needs.release(_manifest(manifests, plan.release.digest, plan.release.name, why), why)
    _before(needs, plan, manifests, why)


def _before(needs: _Needs, plan: Plan, manifests: dict[str, ReleaseManifest], why: str) -> None:
    for site in plan.sites:
        needs.add(site.models.values(), f"{why}: {site.site} ran it")
        if site.running is not None and site.running.digest in manifests:
            needs.release(manifests[site.running.digest], f"{why}: {site.site} ran it")


def _of_sites(
    needs: _Needs, store: ReleaseStore, rollouts: Sequence[RolloutRecord], manifests: dict[str, ReleaseManifest]
) -> None:
    """What each site runs, and its last good set: what ran there when the rollout that changed it was planned."""
    sets = CommittedSets.read(store.fleet)
    plans = {found.plan.id: found.plan for found in rollouts}
    for site, committed in sets.by_site.items():
        running = sets.of(site)
        if running is not None:
            needs.release(running.manifest, f"{site} runs {committed.release}")
        plan = plans.get(committed.rollout)
        if plan is not None:
            why = f"last good sets of rollout {plan.id[:12]}"
            _before(needs, plan, manifests, why)
            # A catch-up brings another release than the plan's: the plan's may be the last good one.
            if plan.release.digest in manifests:
                needs.release(manifests[plan.release.digest], why)


def _manifest(manifests: dict[str, ReleaseManifest], digest: str, name: str, why: str) -> ReleaseManifest:
    found = manifests.get(digest)
    if found is None:
        raise ConfigError(
            f"{why}, and the manifest of {name} ({digest[:12]}) is not here", hint="get it from git again: git pull"
        )
    return found
