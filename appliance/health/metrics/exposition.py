"""The whole exposition: the snapshot's own numbers under `fleetctl_`, then the GPUs."""

from collections import Counter
from datetime import datetime

from appliance.contract.health import EngineState, HealthSnapshot, Verdict
from appliance.health.metrics import gpus
from appliance.health.metrics.family import Family


def render(snapshot: HealthSnapshot) -> bytes:
    """Return the snapshot in Prometheus' text format. No text of a reason is in it, and nothing of a patient."""
    found = [
        *_whole(snapshot), *_engines(snapshot), *_audit(snapshot), *_machine(snapshot), *_faults(snapshot),
        *(gpus.families(snapshot.gpus, snapshot.box) if snapshot.gpus else ()),
    ]  # fmt: skip
    return "".join(str(family) for family in found).encode()


def _whole(snapshot: HealthSnapshot) -> list[Family]:
    info = Family("fleetctl_up_info", "gauge", "Versions of the box that answers; always 1.")
    info.add(
        1, box=snapshot.box, site=snapshot.site, appliance_version=snapshot.appliance_version,
        image_version=snapshot.image.version, schema_version=snapshot.schema_version,
    )  # fmt: skip
    whole = Family("fleetctl_verdict", "gauge", "Whether this is the verdict on the whole box.")
    parts = Family("fleetctl_part_verdict", "gauge", "Whether this is the verdict on this part of the box.")
    for verdict in Verdict:
        whole.add(snapshot.verdict is verdict, verdict=verdict.value)
    for name, part in snapshot.parts().items():
        for verdict in Verdict:
            parts.add(part.verdict is verdict, part=name, verdict=verdict.value)
    taken = Family("fleetctl_snapshot_timestamp_seconds", "gauge", "When the snapshot was taken, by the box's clock.")
    taken.add(snapshot.taken_at.timestamp())
    sequence = Family("fleetctl_snapshot_sequence", "gauge", "Sequence number of the snapshot; it rises within a boot.")
    sequence.add(snapshot.sequence)
    uptime = Family("fleetctl_uptime_seconds", "gauge", "Time since the box was started.")
    uptime.add(snapshot.uptime_s)
    facts = Family("fleetctl_facts_age_seconds", "gauge", "Age of the facts that only root can read.")
    facts.add(snapshot.facts_age_s)
    unread = Family("fleetctl_unreadable_values", "gauge", "Values that should be here and could not be read.")
    drives = sum(drive.kind == "unread" for drive in snapshot.storage.drives)
    unread.add(drives + (gpus.unreadable(snapshot.gpus) if snapshot.gpus else 0))
    return [info, whole, parts, taken, sequence, uptime, facts, unread]


def _engines(snapshot: HealthSnapshot) -> list[Family]:
    up = Family("fleetctl_engine_up", "gauge", "Whether the engine answers.")
    info = Family("fleetctl_engine_info", "gauge", "Program and weights of the engine; always 1.")
    waiting = Family("fleetctl_engine_queue_length", "gauge", "Requests that wait or are queued.")
    limit = Family("fleetctl_engine_queue_limit", "gauge", "Requests that may wait.")
    running = Family("fleetctl_engine_running_requests", "gauge", "Requests in work.")
    requests = Family("fleetctl_engine_requests_total", "counter", "Requests since the engine was started, by outcome.")
    window = Family("fleetctl_engine_window_requests", "gauge", "Requests that ended in the last ten minutes.")
    latency = Family("fleetctl_engine_latency_seconds", "gauge", "Time of a request in the last ten minutes.")
    tokens = Family("fleetctl_engine_tokens_per_second", "gauge", "Tokens made for one request at a time.")
    for engine in snapshot.engines.engines if snapshot.engines else ():
        task = engine.task
        up.add(engine.answers, task=task)
        if engine.answers:
            info.add(
                1, task=task, program=engine.program, version=engine.version, model=engine.model,
                root_hash=engine.root_hash,
            )  # fmt: skip
        waiting.add(engine.queue_length, task=task)
        limit.add(engine.queue_limit, task=task)
        running.add(engine.running, task=task)
        tokens.add(engine.tokens_per_s, task=task)
        for outcome in ("done", "refused", "failed"):
            requests.add(getattr(engine, f"requests_{outcome}"), task=task, outcome=outcome)
        _latency(engine, window, latency)
    return [up, info, waiting, limit, running, requests, window, latency, tokens]


def _latency(engine: EngineState, window: Family, latency: Family) -> None:
    if engine.latency is None:
        return
    window.add(engine.latency.count - engine.latency.failed, task=engine.task, outcome="done")
    window.add(engine.latency.failed, task=engine.task, outcome="failed")
    for percentile in (50, 95, 99):
        value = getattr(engine.latency, f"p{percentile}_ms")
        latency.add(None if value is None else value / 1000, task=engine.task, percentile=percentile)


def _audit(snapshot: HealthSnapshot) -> list[Family]:
    size = Family("fleetctl_audit_log_entries", "gauge", "Entries of the audit log.")
    age = Family("fleetctl_audit_checkpoint_age_seconds", "gauge", "Age of the newest signed checkpoint.")
    verified = Family("fleetctl_audit_verified", "gauge", "Whether the last verification on the box succeeded.")
    when = Family("fleetctl_audit_verified_timestamp_seconds", "gauge", "When the log was last verified on the box.")
    if snapshot.audit is not None:
        size.add(snapshot.audit.size)
        age.add(snapshot.audit.checkpoint_age_s)
        verified.add(snapshot.audit.verified)
        when.add(_seconds(snapshot.audit.verified_at))
    expiry = Family("fleetctl_certificate_not_after_timestamp_seconds", "gauge", "When the certificate expires.")
    for certificate in snapshot.certificates.certificates if snapshot.certificates else ():
        expiry.add(_seconds(certificate.not_after), file=certificate.file)
    return [size, age, verified, when, expiry]


def _machine(snapshot: HealthSnapshot) -> list[Family]:
    free = Family("fleetctl_filesystem_free_bytes", "gauge", "Room that is left for services.")
    size = Family("fleetctl_filesystem_size_bytes", "gauge", "Size of the file system.")
    for each in snapshot.disk.file_systems:
        free.add(each.free_mib << 20, mount=each.mount)
        size.add(each.size_mib << 20, mount=each.mount)
    restarts = Family("fleetctl_unit_restarts_total", "counter", "How often systemd restarted the unit by itself.")
    active = Family("fleetctl_unit_active", "gauge", "Whether the unit is active.")
    for unit in snapshot.services.services:
        restarts.add(unit.restarts, unit=unit.unit)
        active.add(unit.active == "active", unit=unit.unit)
    denied = Family("fleetctl_denied_packets_total", "counter", "Packets that the firewall refused.")
    denied.add(snapshot.isolation.egress_denied_packets, direction="egress")
    denied.add(snapshot.isolation.ingress_denied_packets, direction="ingress")
    proof = Family("fleetctl_egress_proof_timestamp_seconds", "gauge", "When it was last tried to get out.")
    if snapshot.isolation.last_proof is not None:
        proof.add(_seconds(snapshot.isolation.last_proof.finished_at), verdict=snapshot.isolation.last_proof.verdict)
    members = Family("fleetctl_array_members", "gauge", "Members of the array below the state volume.")
    members.add(snapshot.storage.members_wanted, state="wanted")
    members.add(snapshot.storage.members_active, state="active")
    used = Family("fleetctl_drive_used_ratio", "gauge", "Share of the drive's rated endurance that is used up.")
    spare = Family("fleetctl_drive_spare_ratio", "gauge", "Share of the drive's spare blocks that is left.")
    errors = Family("fleetctl_drive_media_errors_total", "counter", "Times that the drive found data that it lost.")
    for drive in snapshot.storage.drives:
        used.add(None if drive.used_percent is None else drive.used_percent / 100, device=drive.device)
        spare.add(None if drive.spare_percent is None else drive.spare_percent / 100, device=drive.device)
        errors.add(drive.media_errors, device=drive.device)
    error = Family("fleetctl_clock_max_error_seconds", "gauge", "The kernel's own bound on the error of its clock.")
    error.add(None if snapshot.clock.max_error_ms is None else snapshot.clock.max_error_ms / 1000)
    return [free, size, restarts, active, denied, proof, members, used, spare, errors, error]


def _faults(snapshot: HealthSnapshot) -> list[Family]:
    family = Family("fleetctl_faults", "gauge", "Faults that are not cleared.")
    counts = Counter((fault.check, fault.state) for fault in snapshot.faults)
    for (check, state), count in sorted(counts.items()):
        family.add(count, check=check, state=state)
    left_out = Family("fleetctl_faults_left_out", "gauge", "Faults that the snapshot has no room for.")
    left_out.add(snapshot.faults_left_out)
    return [family, left_out]


def _seconds(when: datetime | None) -> float | None:
    return None if when is None else when.timestamp()
