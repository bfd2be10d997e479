"""Takes a site's baseline before its network is closed, and proves afterwards that nothing gets out."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from appliance.contract.egress import EgressReport, Outcome, ProbeSpec
from appliance.contract.units import phi_units
from fleetctl import atomic
from fleetctl.egress.canaries import Canaries, find_canaries
from fleetctl.egress.isolation import read_isolation, spec_sha256
from fleetctl.egress.judge import Evidence, judge
from fleetctl.egress.proof import Baseline, EgressProof, destination
from fleetctl.errors import ConfigError, UnreachableError, UsageError
from fleetctl.facts.base import Unreadable
from fleetctl.facts.seal import SEAL
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.remote.connection import Connection, Host
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.ssh_agent import ssh_agent

# Every attempt waits a few seconds at most; an emulated machine starts each clone of a sandbox in several.
PROVE_TIMEOUT_S = 600.0


def prove_site(fleetdir: FleetDir, site: Site, passphrase: Passphrase) -> tuple[EgressProof, Path]:
    """`prove` over a connection of its own. Raises UsageError when no canary could hear the site's probes."""
    canaries = find_canaries(fleetdir.state_dir, site.name)
    if canaries is None:
        raise UsageError(
            f"{site.name} is not a virtual site of this machine, so there is no canary that could hear a probe",
            hint="the proof needs the lab's canaries, so for now only a virtual site of this machine can be proven: "
            "fleetctl lab status; what the rules of another site are: fleetctl site verify",
        )
    with ssh_agent(fleetdir.keys, passphrase) as agent, Connection(site, fleetdir, agent) as connection:
        return prove(site, connection, canaries, fleetdir.state_dir)


def prove(site: Site, host: Host, canaries: Canaries, state_dir: Path) -> tuple[EgressProof, Path]:
    """Try every destination from the host and every service, judge, and keep the record. Returns proof and file.

    Raises UnreachableError when the box or the canary gives no answer.
    """
    spec = canaries.spec()
    report = _ask(site.name, host, "prove", spec)
    alive = canaries.alive(spec)
    proof = judge(
        Evidence(
            site=site.name,
            spec=spec,
            report=report,
            heard=canaries.heard(spec),
            alive=alive,
            canary=canaries.identity,
            baseline=read_baseline(state_dir, site.name),
            sealed_digest=_sealed_digest(site.name, host),
            record=read_isolation(state_dir, site.name),
            spec_sha256=spec_sha256(site),
            phi_units=phi_units(drafting=site.spec.release.drafting is not None),
        )
    )
    path = _directory(state_dir, site.name) / f"proof-{proof.finished_at:%Y%m%dT%H%M%SZ}.json"
    atomic.write_text(path, proof.model_dump_json(indent=2) + "\n", mode=0o600)
    return proof, path


def take_baseline(site: str, host: Host, canaries: Canaries, state_dir: Path) -> Baseline:
    """Record what is reachable now, before isolation. A destination counts when the canary heard it (ICMP: answered).

    An earlier baseline of the same canary that reached more is kept: once a box is closed nothing is reachable. When it
    reached everything there is nothing to learn, and the box is not asked again.
    """
    spec = canaries.spec()
    earlier = read_baseline(state_dir, site)
    if earlier and earlier.canary != canaries.identity:
        earlier = None
    if earlier and set(earlier.reached) >= {destination(target) for target in spec.targets}:
        return earlier
    report = _ask(site, host, "baseline", spec)
    heard = canaries.heard(spec)
    answered = {each.target_id for each in report.attempts if each.outcome is Outcome.REACHED}
    baseline = Baseline(
        site=site,
        canary=canaries.identity,
        taken_at=report.started_at,
        reached=tuple(
            destination(target) for target in spec.targets if target.id in answered and heard.get(target.id, ("icmp",))
        ),
        ruleset_digest=report.ruleset_digest,
    )
    if earlier and set(earlier.reached) >= set(baseline.reached):
        return earlier
    atomic.write_text(_baseline_path(state_dir, site), baseline.model_dump_json(indent=2) + "\n", mode=0o600)
    return baseline


def read_baseline(state_dir: Path, site: str) -> Baseline | None:
    """The baseline of a site, None when none was taken. Raises ConfigError when the file cannot be understood."""
    path = _baseline_path(state_dir, site)
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise ConfigError(
            f"{path}: no baseline can be read from it: {error}", hint=f"remove it and provision {site} again"
        ) from error


def latest_proof(state_dir: Path, site: str) -> EgressProof | None:
    """The newest recorded proof of a site, None when there is none. Raises ConfigError when it cannot be read."""
    paths = sorted(_directory(state_dir, site).glob("proof-*.json"))
    if not paths:
        return None
    try:
        return EgressProof.model_validate_json(paths[-1].read_bytes())
    except (OSError, ValidationError) as error:
        raise ConfigError(f"{paths[-1]}: no proof can be read from it", hint=f"fleetctl egress prove {site}") from error


def _directory(state_dir: Path, site: str) -> Path:
    directory = state_dir / "egress" / site
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    return directory


def _baseline_path(state_dir: Path, site: str) -> Path:
    return _directory(state_dir, site) / "baseline.json"


def _ask(site: str, host: Host, what: str, spec: ProbeSpec) -> EgressReport:
    """Run the probes on the box. Raises UnreachableError unless the answer is a report."""
    done = host.run(
        ["appliancectl", "egress", what, "--spec", "-"], timeout_s=PROVE_TIMEOUT_S, stdin=spec.model_dump_json()
    )
    try:
        return EgressReport.model_validate_json(done.stdout)
    except ValidationError as error:
        words = (done.stderr.strip() or done.stdout.strip() or "no output")[-300:]
        raise UnreachableError(
            f"the probes gave no report (exit code {done.exit_code}): {words}",
            host=site,
            hint="the box may run an older appliance than this fleetctl: fleetctl site verify",
        ) from error


def _sealed_digest(site: str, host: Host) -> str | None:
    """The ruleset digest of the box's seal; None when it was never sealed. Raises UnreachableError if unreadable."""
    facts = host.gather([SEAL])[SEAL.name]
    if isinstance(facts, Unreadable):
        raise UnreachableError(
            f"the box's seal cannot be read: {facts.reason}",
            host=site,
            hint=f"fleetctl site provision {site} seals it again",
        )
    return facts.seal.ruleset_digest if facts.seal else None
