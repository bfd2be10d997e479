"""`watch`: asks the fleet round after round, turns what lasts into alerts, and gives signs of its own life."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import platform
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.contract.health import Verdict
from fleetctl import atomic
from fleetctl.actions.watching import Watching, watching
from fleetctl.alerts.book import AlertBook
from fleetctl.alerts.state import OPERATOR, AlertFinding, Sighting
from fleetctl.alerts.telling import Policy
from fleetctl.alerts.watcher import Summary, Watcher
from fleetctl.checks.site_health import SiteHealth
from fleetctl.errors import FleetctlError, LockHeldError
from fleetctl.models.alertfiles import read_policy, read_silences
from fleetctl.models.alerts import seconds
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.remote.bastions import bastions
from fleetctl.remote.poll_limits import Limits
from fleetctl.remote.poll_outcome import Outcome
from fleetctl.store.database import Database
from fleetctl.store.open import store_url
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.renewal import Validity, next_action, state

Say = Callable[[str], None]
# Rounds that may be missed before another watcher takes over; the least is what a slow round may take.
_MISSED_ROUNDS = 4
_LEAST_LEASE = timedelta(minutes=2)
# What a watching fleet keeps in memory (which images were built for whom) is read anew that often.
_REOPENED_S = 600.0
_MACHINE_ID = Path("/etc/machine-id")
# A certificate that is renewed too late cannot be used to look at what that broke.
_URGENT = timedelta(days=14)


@dataclass(frozen=True)
class Plan:
    """The fleet's files as they are now."""

    sites: tuple[Site, ...]
    policy: Policy

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Read everything anew: sites come and go, and silences are written while we run."""
        fleetdir = FleetDir(path)
        return cls(
            tuple(fleetdir.sites()), Policy(read_policy(fleetdir.path).spec, tuple(read_silences(fleetdir.path)))
        )

    @property
    def interval_s(self) -> int:
        return seconds(self.policy.spec.interval)

    @property
    def lease(self) -> timedelta:
        return max(_LEAST_LEASE, timedelta(seconds=_MISSED_ROUNDS * self.interval_s))


def sighting(health: SiteHealth) -> Sighting:
    """What the rules see of a site."""
    findings = tuple(AlertFinding(each.check, each.verdict, each.said, each.next_action) for each in health.reasons)
    return Sighting(health.site.name, health.site.metadata.labels, health.observation.at, findings)


def own_certificate(fleetdir: FleetDir, now: datetime) -> Sighting:
    """What the rules see of the operator's own certificate. Each round anew: it may have been renewed."""
    found = state(fleetdir.keys, "operator.crt", now)
    if found.validity is Validity.OK:
        return Sighting(OPERATOR, {}, now, ())
    urgent = found.validity is not Validity.DUE or found.not_after - now < _URGENT
    said = (
        f"operator.crt is good until {found.not_after:%Y-%m-%d %H:%MZ} ({found.validity.value}): outside of its dates "
        "every site refuses it, and the whole fleet is unknown at once"
    )
    verdict = Verdict.CRITICAL if urgent else Verdict.DEGRADED
    return Sighting(OPERATOR, {}, now, (AlertFinding("operator_certificate", verdict, said, next_action([found])),))


class Watch:
    """The daemon. `metrics`: a file for the node exporter's textfile collector."""

    def __init__(
        self, fleetdir: FleetDir, passphrase: Passphrase, limits: Limits, say: Say, metrics: Path | None = None
    ) -> None:
        self._fleetdir, self._passphrase, self._limits, self._say = fleetdir, passphrase, limits, say
        self._metrics, self._host = metrics, this_machine()
        self._plan = Plan.read(fleetdir.path)
        self._book = AlertBook(Database(store_url(fleetdir)))
        self._watcher = Watcher(self._book, fleetdir.fleet.name, say)
        self._stop = asyncio.Event()
        self._complaint = ""

    async def run(self, *, once: bool = False) -> Summary | None:
        """Rounds until SIGTERM or SIGINT; the last round's summary, None without one."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        last: Summary | None = None
        with only_one(self._fleetdir):
            notify("READY=1")
            while not self._stop.is_set():
                # Bastions are opened anew when one was lost or a site's way has changed.
                with (
                    bastions(self._fleetdir, self._plan.sites, self._passphrase) as forwarded,
                    watching(self._fleetdir, self._passphrase, self._limits, keep=True) as fleet,
                ):
                    try:
                        last = await self._rounds(fleet, forwarded, last, once=once)
                    finally:
                        fleet.poller.close()
                if once:
                    break
        return last

    async def _rounds(
        self, fleet: Watching, forwarded: dict[str, Path], last: Summary | None, *, once: bool
    ) -> Summary | None:
        """Rounds over the same bastions and keys, until those are others, it is time to stop, or to look anew."""
        loop = asyncio.get_running_loop()
        held, opened = self._held(), loop.time()
        while not self._stop.is_set():
            began = loop.time()
            last, lost = await self._turn(fleet, forwarded, last)
            if once:
                break
            await self._rest(began + self._plan.interval_s - loop.time())
            self._read_again()
            if lost or self._held() != held or loop.time() - opened >= _REOPENED_S:
                break
        return last

    def _held(self) -> tuple[object, ...]:
        """What was taken up when the round's connections were opened: the ways to sites, and their pinned keys."""
        keys = self._fleetdir.health_keys
        return _ways(self._plan.sites), keys.read_bytes() if keys.exists() else b""

    async def _turn(
        self, fleet: Watching, forwarded: dict[str, Path], last: Summary | None
    ) -> tuple[Summary | None, bool]:
        """One round, if we lead; and whether a bastion was lost. Without a store it fails, and the watch goes on."""
        try:
            leader = await asyncio.to_thread(self._book.lead, self._host, datetime.now(UTC), self._plan.lease)
            if leader != self._host:
                self._complain(f"{leader} watches; this one takes over when it is silent")
                notify("WATCHDOG=1", f"STATUS=standing by for {leader}")
                return last, False
            healths = await fleet.round(self._plan.sites, everyone=False, forwarded=forwarded)
            await asyncio.to_thread(fleet.memory.keep, healths)
            names = [site.name for site in self._plan.sites]
            seen = [sighting(health) for health in healths if _was_asked(health)]
            seen.append(own_certificate(self._fleetdir, datetime.now(UTC)))
            summary = await asyncio.to_thread(self._watcher.round, self._plan.policy, names, seen)
        except FleetctlError as problem:
            self._complain(f"this round failed: {problem.message}; {problem.hint}")
            notify("STATUS=the last round failed")
            return last, False
        self._complain("; ".join(summary.problems))
        self._alive(summary)
        lost = any(health.observation.outcome is Outcome.VIA_FAILED for health in healths)
        return summary, lost

    def _alive(self, summary: Summary) -> None:
        """Signs of life: to systemd, and in a file for Prometheus. A round that failed gives none."""
        words = f"{summary.sites} sites, {summary.firing} alerts, {summary.undelivered} undelivered"
        notify("WATCHDOG=1", f"STATUS={words}, {summary.at:%H:%M:%SZ}")
        if self._metrics is not None:
            try:
                atomic.write_text(self._metrics, metrics_text(self._fleetdir.fleet.name, summary))
            except OSError as problem:
                self._complain(f"{self._metrics}: {problem.strerror}")

    def _read_again(self) -> None:
        """Take up what changed in the fleet directory; while it is wrong, what was read before holds."""
        try:
            self._plan = Plan.read(self._fleetdir.path)
        except FleetctlError as problem:
            self._complain(f"the fleet's files are wrong, the earlier ones hold: {problem.message}")

    async def _rest(self, wait_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), max(0.0, wait_s))

    def _complain(self, words: str) -> None:
        """Say a problem once, not each round."""
        if words and words != self._complaint:
            self._say(words)
        self._complaint = words


def this_machine() -> str:
    """Names this machine in the store. Names of hosts repeat; two machines must not both believe that they lead."""
    try:
        number = hashlib.sha256(_MACHINE_ID.read_bytes()).hexdigest()[:8]
    except OSError:
        number = "unknown"
    return f"{(platform.node() or 'unknown')[:200]} ({number})"


def _was_asked(health: SiteHealth) -> bool:
    return health.observation.asked and health.observation.outcome is not Outcome.NOT_ASKED


def _ways(sites: Sequence[Site]) -> list[tuple[str, str | None]]:
    return [(site.name, site.spec.management.via) for site in sites if site.spec.management.via]


def metrics_text(fleet: str, summary: Summary) -> str:
    """Prometheus' text format. The fleet's name is a label of letters, digits and hyphens, and needs no escape."""
    values = {
        "fleetctl_watch_last_round_timestamp_seconds": ("When the last round of fleetctl watch ended.",
                                                        f"{summary.at.timestamp():.3f}"),
        "fleetctl_watch_sites": ("Sites that are watched.", str(summary.sites)),
        "fleetctl_watch_alerts_firing": ("Alerts that fire, silenced ones included.", str(summary.firing)),
        "fleetctl_watch_alerts_quiet": ("Alerts of which nobody is told now.", str(summary.quiet)),
        "fleetctl_watch_undelivered_messages": ("Messages that no receiver has taken.", str(summary.undelivered)),
    }  # fmt: skip
    return "".join(
        f'# HELP {name} {words}\n# TYPE {name} gauge\n{name}{{fleet="{fleet}"}} {value}\n'
        for name, (words, value) in values.items()
    )


@contextmanager
def only_one(fleetdir: FleetDir) -> Iterator[None]:
    """Hold the fleet's watch on this machine. Raises `LockHeldError` when another process does."""
    path = fleetdir.state_dir / "watch.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeldError(
                "another process on this machine watches the fleet", hint="systemctl status fleetctl-watch.service"
            ) from None
        yield
    finally:
        os.close(descriptor)


def notify(*fields: str) -> None:
    """Tell systemd (sd_notify(3)), where it started us."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier, suppress(OSError):
            notifier.connect(f"\0{address[1:]}" if address.startswith("@") else address)
            notifier.sendall("\n".join(fields).encode())
