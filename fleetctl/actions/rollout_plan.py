"""`rollout plan`: ask the sites, make the plan, sign it; and compare a plan with the fleet before it is started."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from appliance.contract.envelope import public_key_text
from appliance.contract.release import ReleaseManifest
from fleetctl.errors import RefusedError, StoreError, UsageError
from fleetctl.models.alerts import checked_duration, seconds
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.rollout import Plan, RolloutPolicySpec
from fleetctl.models.rolloutfiles import policy_path, read_policy
from fleetctl.models.site import Site
from fleetctl.nearest import nearest_or_all
from fleetctl.release.repository_drafts import find_release
from fleetctl.release.repository_view import published
from fleetctl.release.store import ReleaseStore
from fleetctl.rollout.box import Box
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.plan import Subject, make_plan
from fleetctl.rollout.plan_fit import Difference, still_fits
from fleetctl.rollout.plan_rates import measured_rates
from fleetctl.rollout.plan_sites import ask, candidates
from fleetctl.rollout.planfile import SignedPlan, write_plan
from fleetctl.rollout.selection import Candidate, Seen, check_names
from fleetctl.store.database import Database
from fleetctl.store.open import open_store, store_url
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.plan_key import KEY_FILE, plan_key, plan_keys_path, read_plan_keys

LONGEST = timedelta(days=90)
"""A plan is of a fleet at one time; what is older is made anew."""


@dataclass(frozen=True)
class Asking:
    """How sites are asked. `answered` hears of each one."""

    boxes: Callable[[Site], Box]
    parallel: int = 16
    deadline_s: float = 120.0
    answered: Callable[[str, Seen], None] = lambda site, seen: None


def expiry(text: str) -> timedelta:
    """How long a plan may be started: a duration up to `LONGEST`. Raises `UsageError`."""
    try:
        found = timedelta(seconds=seconds(checked_duration(text)))
    except ValueError as problem:
        raise UsageError(f"--expires: {problem}", hint="for example --expires 7d") from None
    if not timedelta(minutes=1) <= found <= LONGEST:
        raise UsageError(f"--expires: {text} is not between a minute and 90 days", hint="for example --expires 7d")
    return found


def prepare(fleetdir: FleetDir, *, release: str, policy: str, selectors: Mapping[str, str], now: datetime) -> Subject:
    """What is planned, without the sites: all that is wrong in a file is told before any of them is asked.

    Raises `UsageError` for a release or policy that is not there, `ConfigError` and `VerificationError`.
    """
    spec = read_policy(fleetdir.path, policy).spec
    manifest = find_manifest(fleetdir, spec.channel, release, now)
    sites = fleetdir.sites()
    if selectors and not any(selectors.items() <= site.metadata.labels.items() for site in sites):
        words = ", ".join(f"{key}={value}" for key, value in selectors.items())
        labels = sorted({f"{key}={value}" for site in sites for key, value in site.metadata.labels.items()})
        raise UsageError(f"no site has the labels {words}", hint=nearest_or_all(words, labels, "labels"))
    candidates(fleetdir, sites, {site.name: Seen(None) for site in sites}, None)
    source = str(policy_path(fleetdir.path, policy))
    check_names(spec, {site.name for site in sites}, source)
    return Subject(fleetdir.fleet.name, spec, policy, source, manifest, (), selectors)


def draft(
    fleetdir: FleetDir, subject: Subject, asking: Asking, *, by: str, expires_in: timedelta, now: datetime
) -> Plan:
    """Ask every site, and make the plan; it is not signed. Raises as `make_plan` does."""
    return make_plan(
        replace(subject, candidates=_asked(fleetdir, asking)),
        now=now,
        identity=uuid.uuid4().hex,
        expires_in=expires_in,
        created_by=by,
        rates=_rates(fleetdir).get,
    )


def sign(fleetdir: FleetDir, plan: Plan, path: Path, passphrase: Passphrase) -> SignedPlan:
    """Sign it with the operator's plan key and write it to a new file."""
    key = plan_key(fleetdir, passphrase, plan.created_by)
    write_plan(path, plan, key)
    text = public_key_text(key.public_key())
    return SignedPlan(plan, text, read_plan_keys(fleetdir)[text])


def differences(fleetdir: FleetDir, plan: Plan, asking: Asking, now: datetime) -> list[Difference]:
    """What is no longer as planned, by the files as they are and by what the sites answer now; empty: it fits.

    Raises `VerificationError` for a repository that does not verify, `ConfigError` for a file that is wrong.
    """
    return still_fits(
        plan,
        fleet=fleetdir.fleet.name,
        policy=_policy(fleetdir, plan.policy_name),
        release=_manifest_if_there(fleetdir, plan, now),
        candidates=_asked(fleetdir, asking),
        now=now,
    )


def find_manifest(fleetdir: FleetDir, channel: str, release: str, now: datetime) -> ReleaseManifest:
    """The verified manifest. Raises `UsageError` if the channel does not have it, `RefusedError` if it was revoked."""
    store = ReleaseStore(fleetdir)
    found = find_release(store, published(store, now=now), channel, release)
    if found.manifest is None:
        raise RefusedError(f"release {release} has no manifest", hint="fleetctl release verify")
    return found.manifest


def plan_key_note(fleetdir: FleetDir) -> str:
    """What a person is told when the first signature makes the key; empty: it is there."""
    if (fleetdir.keys.directory / KEY_FILE).exists():
        return ""
    return f"made a plan key; commit its public half: {plan_keys_path(fleetdir)}"


def _asked(fleetdir: FleetDir, asking: Asking) -> list[Candidate]:
    sites = fleetdir.sites()
    seen = ask(sites, asking.boxes, parallel=asking.parallel, deadline_s=asking.deadline_s, answered=asking.answered)
    store = open_store(fleetdir)
    try:
        return candidates(fleetdir, sites, seen, store)
    finally:
        store.close()


def _rates(fleetdir: FleetDir) -> dict[str, float]:
    """Measured rates; without a readable store none is known, which a plan may say."""
    database = Database(store_url(fleetdir))
    try:
        return measured_rates(Journal(database))
    except StoreError:
        return {}
    finally:
        database.close()


def _policy(fleetdir: FleetDir, name: str) -> RolloutPolicySpec | None:
    path = policy_path(fleetdir.path, name)
    return read_policy(fleetdir.path, name).spec if path.is_file() else None


def _manifest_if_there(fleetdir: FleetDir, plan: Plan, now: datetime) -> ReleaseManifest | None:
    view = published(ReleaseStore(fleetdir), now=now)
    try:
        return view.find(plan.channel, plan.release.name).manifest
    except (UsageError, RefusedError):
        return None
