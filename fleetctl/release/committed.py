"""What a rollout has committed at each site: from then on that is what is to run there, not what the site file named.

The journal says which release, by the digest of its manifest; the manifest is the one of the fleet directory that has
this digest. Without one, provisioning is refused rather than a rollout undone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from appliance.contract.release import MAX_MANIFEST_BYTES, ReleaseManifest
from fleetctl.errors import ConfigError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Release, Site
from fleetctl.release.store import ReleaseStore

if TYPE_CHECKING:
    from fleetctl.rollout.journal_records import Committed


@dataclass(frozen=True)
class CommittedSet:
    """The release that runs at a site, and where its images lie on this machine."""

    manifest: ReleaseManifest
    store: ReleaseStore

    def site(self, site: Site) -> Site:
        """The site with the models of this release instead of those that its file names."""
        drafting = self.manifest.model_for("drafting")
        models = {model.task: model.name for model in self.manifest.models}
        release = Release(transcription=models["transcription"], drafting=drafting.name if drafting else None)
        return site.model_copy(update={"spec": site.spec.model_copy(update={"release": release})})

    def image(self, root_hash: str) -> Path:
        """Where an image lies, or would."""
        return self.store.image(root_hash)


@dataclass(frozen=True)
class CommittedSets:
    """All sites that rollouts have changed."""

    fleetdir: FleetDir
    by_site: Mapping[str, Committed]

    @classmethod
    def read(cls, fleetdir: FleetDir) -> CommittedSets:
        """From the fleet's store. Raises `StoreError` when that cannot be read: then nobody knows what is to run."""
        from fleetctl.rollout.journal import Journal
        from fleetctl.store.database import Database
        from fleetctl.store.open import store_url

        database = Database(store_url(fleetdir))
        try:
            return cls(fleetdir, Journal(database).committed())
        finally:
            database.close()

    def of(self, site: str) -> CommittedSet | None:
        """The site's set; None: what was provisioned. Raises `ConfigError` when its manifest is not here."""
        committed = self.by_site.get(site)
        if committed is None:
            return None
        store = ReleaseStore(self.fleetdir)
        for path in sorted(store.targets.glob(f"*/{committed.release}/release.json")):
            manifest = _manifest(path)
            if manifest is not None and manifest.digest == committed.digest:
                return CommittedSet(manifest, store)
        raise ConfigError(
            f"{site} runs {committed.release} ({committed.digest[:12]}) since rollout {committed.rollout[:12]}, and "
            f"{store.targets} has no such manifest",
            hint="get the fleet directory's newest state: git pull",
        )


def forget_committed(fleetdir: FleetDir, site: str) -> bool:
    """Forget what a rollout brought to a machine that is gone: one that is made anew runs what the site file names."""
    from fleetctl.rollout.journal import Journal
    from fleetctl.store.database import Database
    from fleetctl.store.open import store_url

    database = Database(store_url(fleetdir))
    try:
        return Journal(database).forget_committed(site)
    finally:
        database.close()


def _manifest(path: Path) -> ReleaseManifest | None:
    try:
        with path.open("rb") as file:
            return ReleaseManifest.model_validate_json(file.read(MAX_MANIFEST_BYTES + 1))
    except (OSError, ValidationError):
        return None
