"""A fleet that is asked for its health: poller, judgement and store together, once or again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from fleetctl.checks.site_health import SiteHealth, judge
from fleetctl.checks.wanted import Wanted
from fleetctl.errors import ConfigError, StoreError
from fleetctl.image.cache import ImageCache
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.phases.release import built_release
from fleetctl.release.committed import CommittedSet, CommittedSets
from fleetctl.remote.health_client import identity_of
from fleetctl.remote.healthkeys import read_trust
from fleetctl.remote.poll import Poller
from fleetctl.remote.poll_answer import SeenBefore
from fleetctl.remote.poll_limits import Limits
from fleetctl.remote.poll_outcome import Observation
from fleetctl.trust.passphrase import Passphrase

if TYPE_CHECKING:
    from fleetctl.store.store import Store


class Memory:
    """The store as a command uses it: every failure is remembered in `problem` and stops nothing.

    SQLAlchemy takes a fifth of a second to import; that happens in a thread while the sites are asked.
    """

    def __init__(self, fleetdir: FleetDir) -> None:
        self._fleetdir = fleetdir
        self._store: Store | None = None
        self._seen: Mapping[str, SeenBefore] = {}
        self.problem: StoreError | None = None
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def seen(self) -> Mapping[str, SeenBefore]:
        """What was seen of each site before this command."""
        self._reader.join()
        return self._seen

    def keep(self, healths: Sequence[SiteHealth]) -> None:
        """Keep what was observed, and sum up one batch of what is old."""
        from fleetctl.store.records import Kept

        self._reader.join()
        if self._store is None:
            return
        try:
            self._store.keep([Kept(each.observation, each.verdict, each.why) for each in healths])
            newest = max((each.observation.at for each in healths), default=None)
            if newest is not None:
                self._store.thin_out(newest)
            self.problem = None
        except StoreError as problem:
            self.problem = problem

    def close(self) -> None:
        self._reader.join()
        if self._store is not None:
            self._store.close()

    def _read(self) -> None:
        from fleetctl.errors import FleetctlError

        try:
            from fleetctl.store.open import open_store

            self._store = open_store(self._fleetdir)
            self._seen = self._store.seen()
        except StoreError as problem:
            self.problem = problem
        except (FleetctlError, OSError, ImportError) as problem:
            hint = getattr(problem, "hint", "see FLEETCTL_STORE and spec.store.url")
            self.problem = StoreError(str(problem), hint=hint)


class Watching:
    """Asks, judges and keeps. `keep`: connections stay open between rounds."""

    def __init__(self, fleetdir: FleetDir, passphrase: Passphrase, limits: Limits, *, keep: bool = False) -> None:
        identity = identity_of(fleetdir, passphrase)
        identity.refuse_expired()
        self.memory = Memory(fleetdir)
        trust = read_trust(fleetdir.health_keys)
        self.poller = Poller(identity.context(), trust, recall=self.memory.seen, limits=limits, keep=keep)
        self._wanted = Releases(fleetdir)

    async def round(
        self,
        sites: Sequence[Site],
        *,
        everyone: bool = True,
        forwarded: Mapping[str, Path] | None = None,
        heard: Callable[[Observation], None] | None = None,
    ) -> list[SiteHealth]:
        """Ask all sites and judge the answers, in the order of `sites`."""
        observed = await self.poller.round(sites, everyone=everyone, forwarded=forwarded, heard=heard)
        return [
            judge(self._wanted.seen_as(site), observation, self._wanted.of(site))
            if observation.answered
            else judge(site, observation)
            for site, observation in zip(sites, observed, strict=True)
        ]

    def close(self) -> None:
        self.poller.close()
        self.memory.close()


class Releases:
    """What is to run at each site: what a rollout has committed there, else what was built for it.

    One look at the disk for all sites of a kind. A store that cannot be read is told elsewhere; what was built counts.
    """

    def __init__(self, fleetdir: FleetDir) -> None:
        self._fleetdir, self._cache = fleetdir, ImageCache.default()
        self._known: dict[tuple[object, ...], Wanted] = {}
        self._sets: CommittedSets | None = None

    def seen_as(self, site: Site) -> Site:
        """The site with the models that a rollout has brought there, where one has."""
        committed = self._committed(site)
        return site if committed is None else committed.site(site)

    def of(self, site: Site) -> Wanted:
        committed = self._committed(site)
        kind = committed.manifest.digest if committed is not None else site.spec.release.models().values()
        key = (site.spec.profile, kind if isinstance(kind, str) else tuple(kind))
        if key not in self._known:
            profile = self._fleetdir.profile(site.spec.profile)
            built = built_release(site, profile, self._fleetdir.fleet.name, self._cache, committed)
            self._known[key] = built.wanted
        return self._known[key]

    def _committed(self, site: Site) -> CommittedSet | None:
        if self._sets is None:
            try:
                self._sets = CommittedSets.read(self._fleetdir)
            except StoreError:
                self._sets = CommittedSets(self._fleetdir, {})
        try:
            return self._sets.of(site.name)
        except ConfigError:
            # Its manifest is not in this checkout: what runs there is then told as other than what the file names.
            return None


@contextmanager
def watching(
    fleetdir: FleetDir, passphrase: Passphrase, limits: Limits | None = None, *, keep: bool = False
) -> Iterator[Watching]:
    """A `Watching` that is closed at the end."""
    found = Watching(fleetdir, passphrase, limits or Limits(), keep=keep)
    try:
        yield found
    finally:
        found.close()
