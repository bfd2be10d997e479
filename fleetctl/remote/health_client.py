"""One site's health, asked once and waited for; what is wrong is raised. For phases that need one snapshot."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from appliance.contract.health import HealthSnapshot
from fleetctl.errors import UnreachableError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.remote.bastions import bastions
from fleetctl.remote.healthkeys import read_trust
from fleetctl.remote.poll import Poller, poll
from fleetctl.remote.poll_answer import Trust
from fleetctl.remote.poll_limits import Limits
from fleetctl.remote.poll_outcome import WORDS, Observation, Outcome
from fleetctl.remote.poll_tls import Identity
from fleetctl.trust.passphrase import Passphrase

# One site is worth waiting for: a handshake with an emulated machine takes one to two seconds, five when it is busy.
_PATIENT = Limits(connect_s=20.0, deadline_s=20.0, total_s=60.0)
# What is wrong with these is not that nobody answers.
_PROVEN_WRONG = frozenset(
    {
        Outcome.WRONG_CERTIFICATE,
        Outcome.GARBAGE,
        Outcome.TOO_LARGE,
        Outcome.VERSION,
        Outcome.BAD_SIGNATURE,
        Outcome.WRONG_SITE,
        Outcome.REPLAYED,
    }
)


def identity_of(fleetdir: FleetDir, passphrase: Passphrase) -> Identity:
    """The fleet's CA and the operator's certificate."""
    path = fleetdir.keys.path
    return Identity(path("ca.crt"), path("operator.crt"), path("operator.key"), passphrase.reveal)


@dataclass(frozen=True)
class HealthClient:
    """The operator's side, opened once. `reach` opens the bastions before sites, where there are any."""

    identity: Identity
    trust: Trust
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    reach: Callable[[Sequence[Site]], AbstractContextManager[Mapping[str, Path]]] = lambda sites: nullcontext({})

    @classmethod
    def of(cls, fleetdir: FleetDir, passphrase: Passphrase) -> HealthClient:
        """With the fleet's keys and the pinned health keys."""
        return cls(
            identity_of(fleetdir, passphrase),
            read_trust(fleetdir.health_keys),
            reach=lambda sites: bastions(fleetdir, sites, passphrase),
        )

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return self.identity.context()

    def read(self, site: Site) -> HealthSnapshot:
        """The snapshot. `UnreachableError` without an answer, `VerificationError` when it is not the site's."""
        poller = Poller(self._context, self.trust, limits=_PATIENT, now=self.now)
        with self.reach([site]) as forwarded:
            (observation,) = poll(poller, [site], forwarded=forwarded)
        if observation.answered and observation.snapshot is not None:
            return observation.snapshot
        raise refusal(observation)


def refusal(observation: Observation) -> UnreachableError | VerificationError:
    """The error for an observation that is no answer."""
    kind = VerificationError if observation.outcome in _PROVEN_WRONG else UnreachableError
    said = f"{WORDS[observation.outcome].said}: {observation.detail}"
    return kind(said, hint=observation.next_action, host=observation.site)
