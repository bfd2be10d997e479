"""`health`: one site's checks and GPUs, who runs what, and a fault acknowledged on the box."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from appliance.contract.faults import Fault
from appliance.contract.gpu import NotSupported, Unread, Value
from appliance.contract.health import HealthSnapshot, Verdict
from fleetctl.checks.site_health import SiteHealth, every_check
from fleetctl.errors import ChangeError, RefusedError, UsageError
from fleetctl.remote.connection import Host

_ACK_S = 60.0
# As the contract spells it (FaultId); anything else could be an option of the command on the box.
_FAULT = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
# appliancectl's exit codes are ours (docs/reference/cli.md).
_USAGE, _REFUSED = 2, 6


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CheckRow(_Row):
    """One thing that was compared at one site."""

    site: str
    check: str
    verdict: Verdict
    said: str
    next_action: str = ""


class GpuRow(_Row):
    """One value of one GPU; `state` says whether it is one."""

    gpu: str
    name: str
    state: str
    value: str


class GpuAnswer(_Row):
    """The GPUs of a site: what was judged, every value that was read, and the faults."""

    site: str
    verdict: Verdict
    reason: str
    checks: tuple[CheckRow, ...]
    values: tuple[GpuRow, ...]
    faults: tuple[Fault, ...]


class DriftRow(_Row):
    """What runs at one site for the image or a task, beside what is wanted. `verdict` is unknown without an answer."""

    site: str
    check: str
    verdict: Verdict
    said: str
    next_action: str = ""


def check_rows(healths: Sequence[SiteHealth]) -> list[CheckRow]:
    return [
        CheckRow(
            site=health.site.name,
            check=each.check,
            verdict=each.verdict,
            said=each.said,
            next_action=each.next_action,
        )
        for health in healths
        for each in every_check(health)
    ]


def gpu_answer(health: SiteHealth) -> GpuAnswer:
    """What the box says of its GPUs; unknown where it says nothing."""
    name, snapshot = health.site.name, health.snapshot
    if snapshot is None or snapshot.gpus is None:
        why = health.why if snapshot is None else f"{snapshot.schema_version} of the box reports no GPUs: update it"
        return GpuAnswer(site=name, verdict=Verdict.UNKNOWN, reason=why, checks=(), values=(), faults=())
    gpus = snapshot.gpus
    checks = tuple(
        CheckRow(site=name, check=each.check, verdict=each.verdict, said=each.reason, next_action=each.next_action)
        for each in gpus.checks
    )
    return GpuAnswer(
        site=name,
        verdict=gpus.verdict,
        reason=gpus.reason,
        checks=checks,
        values=tuple(_values(snapshot)),
        faults=snapshot.faults,
    )


def _values(snapshot: HealthSnapshot) -> list[GpuRow]:
    gpus = snapshot.gpus
    read = list(gpus.report.gpus) if gpus and gpus.report else []
    every: list[BaseModel] = [*read, *(gpus.activity if gpus else ()), *(gpus.rates if gpus else ())]
    rows = []
    for each in every:
        gpu = f"GPU {each.index}"  # type: ignore[attr-defined]
        for field in type(each).model_fields:
            found = getattr(each, field)
            if isinstance(found, Value | NotSupported | Unread):
                rows.append(GpuRow(gpu=gpu, name=field, state=found.state, value=_said(found)))
    return sorted(rows, key=lambda row: row.gpu)


def _said(reading: Value[object] | NotSupported | Unread) -> str:
    if isinstance(reading, Value):
        value = reading.value
        if isinstance(value, BaseModel):
            return ", ".join(f"{name} {held}" for name, held in value.model_dump().items())
        return str(value)
    return "not supported" if isinstance(reading, NotSupported) else f"unreadable: {reading.reason}"


def drift_rows(healths: Sequence[SiteHealth]) -> list[DriftRow]:
    """What each site runs against what it is to run."""
    rows = []
    for health in healths:
        name = health.site.name
        if health.snapshot is None:
            said = f"not known: {health.why}"
            rows.append(DriftRow(site=name, check="reachable", verdict=Verdict.UNKNOWN, said=said,
                                 next_action=health.next_action))  # fmt: skip
        rows += [
            DriftRow(site=name, check=each.check, verdict=each.verdict, said=each.said, next_action=each.next_action)
            for each in health.drift
        ]
    return rows


def running(healths: Sequence[SiteHealth], release: str) -> list[DriftRow]:
    """Who runs `release`: an image version, a model's name, or the beginning of a root hash (6 digits or more)."""
    rows = []
    for health in healths:
        snapshot, name = health.snapshot, health.site.name
        if snapshot is None:
            rows.append(
                DriftRow(site=name, check="reachable", verdict=Verdict.UNKNOWN, said=f"not known: {health.why}")
            )
            continue
        runs = [("image", snapshot.image.version or "", snapshot.image.usr_root_hash or "")]
        runs += [(model.task, model.name, model.root_hash or "") for model in snapshot.models.loaded]
        rows += [
            DriftRow(site=name, check=what, verdict=health.verdict, said=f"{called} {root_hash[:12]}".strip())
            for what, called, root_hash in runs
            if called == release or (len(release) >= 6 and root_hash.startswith(release.lower()))
        ]
    return rows


def acknowledge(host: Host, site: str, fault: str, note: str) -> str:
    """Acknowledge a fault on the box, in the name of whoever runs this; what the box answers."""
    if not _FAULT.fullmatch(fault):
        raise UsageError(f"{fault[:60]!r} is no fault's id", hint=f"fleetctl health gpu {site} lists them")
    who = f"{getpass.getuser()}@{socket.gethostname()}"[:100]
    done = host.run(["appliancectl", "health", "ack", fault, "--note", note, "--by", who], timeout_s=_ACK_S)
    if done.exit_code == 0:
        return done.stdout.strip()
    said = (done.stderr.strip().splitlines() or [f"appliancectl ended with {done.exit_code}"])[0]
    said = said.removeprefix("error: ")[:300]
    kind = {_USAGE: UsageError, _REFUSED: RefusedError}.get(done.exit_code, ChangeError)
    raise kind(said, hint=f"fleetctl health gpu {site} lists the faults and what they are", host=site)
