"""Checks of what runs: services_running, services_sandboxed, model_loaded, clock_right, health_answers."""

from __future__ import annotations

from appliance.contract.health import HealthSnapshot, Verdict
from appliance.contract.seal import ModelTask
from appliance.contract.units import phi_units
from fleetctl.checks.context import CheckContext
from fleetctl.checks.result import CheckResult, critical, degraded, first_unreadable, ok, unknown
from fleetctl.checks.snapshot import summarised
from fleetctl.facts.base import Unreadable
from fleetctl.facts.services import Process, ServiceFacts
from fleetctl.facts.verity import VerityFacts

BESIDE_PHI_UNITS = ("appliance-nginx.service", "nftables.service")

# Certificates and audit entries carry the time, and a clinician reads it beside a note. An unsynchronised PC clock
# drifts some seconds a week, so five mean that nobody set it for that long.
CLOCK_TOLERANCE_S = 5.0


def services_running(context: CheckContext) -> CheckResult:
    """Every unit that makes the appliance is active."""
    required = (*_phi_units(context), *BESIDE_PHI_UNITS)
    name, wanted = "services_running", f"active: {', '.join(required)}"
    facts = context.facts.services
    if isinstance(facts, Unreadable):
        return unknown(name, wanted=wanted, because=facts)
    states = {unit: _state(facts, unit) for unit in required}
    seen = ", ".join(f"{unit} {state}" for unit, state in states.items())
    down = [unit for unit, state in states.items() if not state.startswith("active")]
    if down:
        return critical(
            name,
            seen=seen,
            wanted=wanted,
            reason=f"not active: {', '.join(down)}",
            next_action=f"journalctl -u {down[0]} on the machine's console",
        )
    return ok(name, seen=seen, wanted=wanted, reason="compared systemd's ActiveState of each")


def _phi_units(context: CheckContext) -> tuple[str, ...]:
    """By the site file: what the box says of itself must not shorten the list."""
    return phi_units(drafting=context.site.spec.release.drafting is not None)


def _state(facts: ServiceFacts, unit: str) -> str:
    service = facts.named(unit)
    return f"{service.active_state} ({service.sub_state})" if service else "not loaded"


def services_sandboxed(context: CheckContext) -> CheckResult:
    """Each service that touches patient data has no network, no privileges and a system-call filter, in the kernel."""
    name = "services_sandboxed"
    wanted = "each PHI service: own network namespace, not root, no capability, no new privileges, seccomp filter"
    facts = context.facts.services
    if isinstance(facts, Unreadable):
        return unknown(name, wanted=wanted, because=facts)
    problems = []
    for unit in _phi_units(context):
        service = facts.named(unit)
        if service is None or service.process is None:
            problems.append(f"{unit} has no process to look at")
            continue
        faults = _faults(service.process, facts.host_network_namespace)
        if faults:
            problems.append(f"{unit}: {', '.join(faults)}")
    if problems:
        return critical(
            name,
            seen="/proc/PID/status and network namespace of each main process",
            wanted=wanted,
            reason="; ".join(problems),
            next_action="stop it: systemctl stop appliance.target on the machine's console; then provision again",
        )
    return ok(
        name,
        seen=", ".join(_phi_units(context)),
        wanted=wanted,
        reason="compared /proc/PID/status and the network namespace of each main process",
    )


def _faults(process: Process, host_network_namespace: int) -> list[str]:
    faults = {
        "shares the host's network": process.network_namespace == host_network_namespace,
        "runs as root": process.uid == 0,
        f"has capabilities {process.capabilities:#x}": process.capabilities != 0,
        "may gain privileges": not process.no_new_privileges,
        "has no system-call filter": process.seccomp != 2,
    }
    return [words for words, present in faults.items() if present]


def model_loaded(context: CheckContext) -> CheckResult:
    """The weights in use are the approved ones, for each task: the engine's word, and the kernel's dm-verity device."""
    name, names = "model_loaded", context.site.spec.release.models()
    wanted = f"root hash of {', '.join(names.values())}, in the health snapshot and in the kernel"
    verity, health, hashes = context.facts.verity, context.health, context.wanted.model_root_hashes
    missing = first_unreadable(verity, health, *(hashes.get(task, _NOT_BUILT) for task in names))
    if missing or isinstance(verity, Unreadable) or isinstance(health, Unreadable):
        return unknown(name, wanted=wanted, because=missing or "")
    problems, seen = [], []
    for task in names:
        words, faults = _weights(task, str(hashes[task]), health, verity)
        seen.append(words)
        problems += faults
    extra = sorted({loaded.task for loaded in health.models.loaded} - set(names))
    problems += [f"{task} is loaded, and {context.wanted.named_by()} names no model for it" for task in extra]
    if problems:
        approved = ", ".join(f"{task} {str(hashes[task])[:12]}…" for task in names)
        return critical(
            name,
            seen="; ".join(seen),
            wanted=f"{wanted} ({approved})",
            reason="; ".join(problems),
            next_action=f"fleetctl site provision {context.site.name} installs the approved image",
        )
    return ok(
        name,
        seen="; ".join(seen),
        wanted=wanted,
        reason="health snapshot, kernel and built images agree; root hashes were signed",
    )


_NOT_BUILT = Unreadable("model", "this task has no built model image")


def _weights(task: ModelTask, wanted: str, health: HealthSnapshot, verity: VerityFacts) -> tuple[str, list[str]]:
    """What is seen of one task's weights, and what is wrong with them."""
    loaded = next((each for each in health.models.loaded if each.task == task), None)
    reported = (loaded.root_hash if loaded else None) or "none"
    devices = [device for device in verity.devices if device.root_hash == wanted]
    faults = []
    if reported != wanted:
        faults.append(f"{task}: health reports {reported[:12]}")
    if not devices:
        faults.append(f"{task}: the kernel runs no dm-verity device with that root hash")
    faults += [f"the kernel met a wrong block on {device.name}" for device in devices if device.corrupted]
    faults += [f"{device.name} was opened without a signature" for device in devices if not device.signed]
    loaded_name = loaded.name if loaded else "nothing"
    return f"{task}: health: {loaded_name} {reported[:12]}…; kernel: {len(devices)} device(s)", faults


def clock_right(context: CheckContext) -> CheckResult:
    """The box's clock agrees with the operator's."""
    name, wanted = "clock_right", f"at most {CLOCK_TOLERANCE_S:g} s from the operator's clock"
    facts, read = context.facts.clock, context.facts.read
    if isinstance(facts, Unreadable):
        return unknown(name, wanted=wanted, because=facts)
    # The answer came at some moment between the two readings: only what lies outside is a difference.
    offset_s = max(read.started_s - facts.unix_s, facts.unix_s - read.ended_s, 0.0)
    between = f"between our two readings, {read.ended_s - read.started_s:.0f} s apart"
    seen = f"at least {offset_s:.1f} s away" if offset_s else between
    if offset_s > CLOCK_TOLERANCE_S:
        return degraded(
            name,
            seen=seen,
            wanted=wanted,
            reason=f"the clocks differ by at least {offset_s:.1f} s",
            next_action="check the time server in spec.egress.allow, and this machine's own clock",
        )
    return ok(name, seen=seen, wanted=wanted, reason="compared the box's clock with this machine's around the reading")


def health_answers(context: CheckContext) -> CheckResult:
    """The box answers over mutual TLS, and calls itself and each of its parts ok."""
    name, wanted = "health_answers", "a snapshot of now with every verdict ok"
    health = context.health
    if isinstance(health, Unreadable):
        return unknown(name, wanted=wanted, because=health)
    summary = summarised(health)
    seen = f"verdict {health.verdict.value}, snapshot {health.sequence}"
    # An older box cannot tell of them: that is said, and is neither ok nor a fault.
    if absent := health.not_reported():
        seen += f"; not reported by {health.schema_version}: {', '.join(absent)}"
    if summary.verdict is Verdict.OK:
        return ok(
            name, seen=seen, wanted=wanted, reason="each part and the whole, over HTTPS with both certificates; recent"
        )
    return CheckResult(
        check=name,
        verdict=summary.verdict,
        seen=seen,
        wanted=wanted,
        reason=summary.reason,
        next_action=summary.next_action,
    )
