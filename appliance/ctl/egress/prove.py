"""The whole proof on the box's side: host and services, counters before and after, and what it all was made against."""

import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from appliance.contract.egress import (
    Attempt,
    CounterReading,
    EgressReport,
    InspectedService,
    Outcome,
    ProbeSpec,
    Variant,
)
from appliance.contract.seal import Seal
from appliance.contract.units import DRAFTING_UNIT, phi_units
from appliance.ctl.egress.places import Tried, from_host, from_services
from appliance.ctl.seal_check import read_seal
from appliance.errors import UnknownStateError
from appliance.facts.firewall import Firewall, firewall
from appliance.facts.reading import UnreadableError
from appliance.facts.services import Unit, appliance_units
from appliance.health.snapshot import boot_id

Services = Callable[[Sequence[tuple[Unit, Variant]], ProbeSpec], dict[tuple[str, Variant], Tried]]


def namespace_of(pid: int | str) -> str | None:
    """Return a process's network namespace as the kernel names it, or None if it cannot be read."""
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return None


def _counters(read: Callable[[], Firewall], problems: list[str]) -> tuple[str | None, dict[str, CounterReading]]:
    try:
        found = read()
    except UnreadableError as error:
        problems.append(f"the firewall cannot be read: {error}"[:300])
        return None, {}
    return found.digest, {name: CounterReading(packets=p, bytes=b) for name, (p, b) in found.counters.items()}


def places(units: Sequence[Unit]) -> list[tuple[Unit, Variant]]:
    """Return from where to try: every running service's sandbox, and its bare namespace if it should have its own."""
    running = [unit for unit in units if unit.kind != "oneshot" and unit.main_pid]
    wanted = [(unit, Variant.SERVICE) for unit in running]
    return wanted + [(unit, Variant.NAMESPACE) for unit in running if unit.private_network]


def inspect(unit: Unit, host_namespace: str, tried: Sequence[Tried], namespace: str | None) -> InspectedService:
    """Say whether the probes of a unit really ran where the unit runs."""
    return InspectedService(
        unit=unit.unit,
        main_pid=unit.main_pid,
        private_network=None if namespace is None else namespace != host_namespace,
        network_namespace=namespace,
        joined=namespace is not None and bool(tried) and all(each.network_namespace == namespace for each in tried),
    )


def baseline(spec: ProbeSpec, *, read: Callable[[], Firewall] = firewall) -> EgressReport:
    """Try from the host only, before the network is closed: what is reached then is a control for later."""
    return _report("baseline", spec, [], read=read, services=from_services)


def prove(
    spec: ProbeSpec,
    *,
    read: Callable[[], Firewall] = firewall,
    list_units: Callable[[], list[Unit]] = appliance_units,
    services: Services = from_services,
    seal: Callable[[], Seal] = read_seal,
) -> EgressReport:
    """Try from the host and from inside every service."""
    try:
        units = list_units()
    except UnreadableError as error:
        return _report("prove", spec, [], read=read, services=services, problem=f"the services are not known: {error}")
    return _report("prove", spec, units, read=read, services=services, drafting=_has_drafting(seal))


def _has_drafting(seal: Callable[[], Seal]) -> bool:
    """Whether the drafting unit must be tried. A box that is not sealed, or whose seal cannot be read, says yes."""
    try:
        return seal().model_for("drafting") is not None
    except UnknownStateError:
        return True


def _not_running(units: Sequence[Unit], *, drafting: bool) -> list[str]:
    """Every service that nothing could be tried from. A drafting unit that runs is tried whatever the seal says."""
    names = {unit.unit for unit in units if unit.kind != "oneshot"} | set(phi_units(drafting=drafting))
    if not drafting:
        names.discard(DRAFTING_UNIT)
    running = {unit.unit for unit in units if unit.main_pid}
    return [f"{name} does not run, so nothing was tried from it" for name in sorted(names - running)]


def _report(
    kind: str,
    spec: ProbeSpec,
    units: Sequence[Unit],
    *,
    read: Callable[[], Firewall],
    services: Services,
    drafting: bool = True,
    problem: str = "",
) -> EgressReport:
    problems = [problem[:300]] if problem else []
    started_at = datetime.now(UTC)
    digest_before, before = _counters(read, problems)
    host = from_host(spec)
    attempts: list[Attempt] = list(host.attempts)
    problems += [host.problem] if host.problem else []
    host_namespace = namespace_of("self") or "unknown"
    inspected = []
    if kind == "prove" and not problem:
        problems += _not_running(units, drafting=drafting)
        wanted = places(units)
        tried = services(wanted, spec) if wanted else {}
        for unit, variant in wanted:
            attempts += tried[(unit.unit, variant)].attempts
        problems += [each.problem for each in tried.values() if each.problem]
        for unit in dict.fromkeys(unit for unit, _ in wanted):
            mine = [each for (name, _), each in tried.items() if name == unit.unit]
            inspected.append(inspect(unit, host_namespace, mine, namespace_of(unit.main_pid)))
        problems += [f"the probes of {each.unit} did not run in its namespace" for each in inspected if not each.joined]
    digest, after = _counters(read, problems)
    if digest != digest_before:
        problems.append("the firewall rules changed during the run")
    return EgressReport(
        kind="baseline" if kind == "baseline" else "prove",
        box=platform.node()[:100] or "unknown",
        boot_id=boot_id(),
        started_at=started_at,
        finished_at=datetime.now(UTC),
        ruleset_digest=digest,
        counters_before=before,
        counters_after=after,
        host_network_namespace=host_namespace,
        services=tuple(inspected),
        attempts=tuple(attempts),
        complete=not problems and all(each.outcome is not Outcome.ERROR for each in attempts),
        problems=tuple(dict.fromkeys(problems)),
    )
