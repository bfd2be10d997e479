"""Puts a snapshot together: reads each input once, judges each part by itself."""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from appliance.contract import audit_check, gpu_watch
from appliance.contract import health as contract
from appliance.contract.audit_check import AuditCheck
from appliance.contract.gateway_health import GatewayHealth
from appliance.contract.gpu_watch import GpuWatch
from appliance.contract.health import HealthSnapshot, worst
from appliance.contract.model import ContractModel
from appliance.contract.seal import ModelTask
from appliance.facts.reading import UnreadableError, read_text
from appliance.health.asking import Asker
from appliance.health.concerns import (
    audit,
    boot,
    certificates,
    clock,
    disk,
    engines,
    gateway,
    gpus,
    image,
    isolation,
    models,
    services,
    storage,
)
from appliance.health.concerns.part import part
from appliance.health.concerns.services import RestartWatch
from appliance.health.engines import EngineAnswer, ask_engine, ask_gateway
from appliance.health.inputs import Facts, read_facts
from appliance.version import appliance_version, image_version

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
M = TypeVar("M", bound=ContractModel)
T = TypeVar("T")


def boot_id() -> str:
    """Return the boot id: systemd gives it to the agent, whose /proc does not show it."""
    try:
        return os.environ.get("APPLIANCE_BOOT_ID") or read_text(BOOT_ID).replace("-", "")
    except UnreadableError:
        return "unknown"


class Sequence:
    """Numbers that only rise within a boot, also over a restart of the agent: milliseconds since boot."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        """Return a number larger than any before."""
        self._last = max(self._last + 1, int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000))
        return self._last


def read_watch(path: Path = gpu_watch.PATH) -> GpuWatch:
    """Read the GPU watch's document. Raises UnreadableError."""
    return _document(path, GpuWatch, gpu_watch.MAX_BYTES)


def read_audit_check(path: Path = audit_check.PATH) -> AuditCheck | None:
    """Read what the last verification of the audit log found; None while there was none since the boot."""
    return _document(path, AuditCheck, 4096) if path.exists() else None


def _document(path: Path, kind: type[M], limit_bytes: int) -> M:
    text = read_text(path)
    try:
        if len(text) > limit_bytes:
            raise UnreadableError(f"{path}: larger than expected")
        return kind.model_validate_json(text)
    except ValidationError:
        raise UnreadableError(f"{path} is not understood") from None


@dataclass
class Sources:
    """Where everything but root's facts comes from, and what is remembered from one snapshot to the next."""

    engine: Callable[[ModelTask], EngineAnswer] = ask_engine
    gateway: Callable[[], GatewayHealth] = ask_gateway
    watch: Callable[[], GpuWatch] = read_watch
    audit_check: Callable[[], AuditCheck | None] = read_audit_check
    asker: Asker = field(default_factory=Asker)
    restarts: RestartWatch = field(default_factory=RestartWatch)
    sequence: Sequence = field(default_factory=Sequence)


def _known(answer: T | UnreadableError) -> T:
    if isinstance(answer, UnreadableError):
        raise answer
    return answer


def _or_error(read: Callable[[], T]) -> T | UnreadableError:
    try:
        return read()
    except UnreadableError as error:
        return error


def take(sources: Sources, facts: Facts | None = None) -> HealthSnapshot:
    """Return a snapshot of now."""
    known = read_facts() if facts is None else facts
    uptime_s = time.clock_gettime(time.CLOCK_BOOTTIME)

    def seal() -> dict[str, Any] | None:
        found: dict[str, Any] | None = known.get("seal")
        return found

    tasks = _tasks(known.values.get("seal"))
    answers = sources.asker.all(
        {"the gateway": sources.gateway, **{f"the {task} service": _asking(sources, task) for task in tasks}}
    )
    said = answers.pop("the gateway")
    of_task = dict(zip(tasks, answers.values(), strict=True))
    watched = _or_error(sources.watch)
    parts = {
        "image": part(contract.ImagePart, lambda: image.judge(known.get("verity"), seal(), image_version())),
        "boot": part(contract.BootPart, lambda: boot.judge(known.get("boot"), image_version())),
        "services": part(
            contract.ServicesPart, lambda: services.judge(known.get("units"), seal(), sources.restarts, uptime_s)
        ),
        "engines": part(
            contract.EnginesPart, lambda: engines.judge(of_task, known.values.get("units") or (), seal())
        ),
        "models": part(
            contract.ModelsPart,
            lambda: models.judge(lambda task: cast(EngineAnswer, _known(of_task[task])), known.get("verity"), seal()),
        ),
        "gateway": part(contract.GatewayPart, lambda: gateway.judge(_known(said), seal())),
        "audit": part(contract.AuditPart, lambda: audit.judge(said, _or_error(sources.audit_check))),
        "gpus": part(contract.GpusPart, lambda: gpus.judge(known.get("gpus"), lambda: _known(watched), uptime_s)),
        "storage": part(
            contract.StoragePart,
            lambda: storage.judge(
                known.get("state_volume"), known.get("unencrypted_swaps"), seal(), known.get("luks"),
                known.get("drives"),
            ),
        ),
        "isolation": part(
            contract.IsolationPart, lambda: isolation.judge(known.get("firewall"), seal(), known.get("proof"))
        ),
        "certificates": part(
            contract.CertificatesPart, lambda: certificates.judge(known.get("certificates"))
        ),
        "disk": part(contract.DiskPart, lambda: disk.judge(known.get("room"))),
        "clock": part(contract.ClockPart, lambda: clock.judge(known.get("clock"), uptime_s)),
    }  # fmt: skip
    sealed = known.values.get("seal")
    faults, left_out = gpus.shown_faults(watched.faults) if isinstance(watched, GpuWatch) else ((), 0)
    return HealthSnapshot(
        box=platform.node()[:100] or "unknown",
        site=str(sealed["site"])[:63] if isinstance(sealed, dict) and "site" in sealed else None,
        appliance_version=appliance_version(),
        taken_at=datetime.now(UTC),
        boot_id=boot_id(),
        sequence=sources.sequence.next(),
        uptime_s=round(uptime_s, 1),
        facts_age_s=None if known.age_s is None else round(known.age_s, 1),
        verdict=worst([found.verdict for found in parts.values()]),
        faults=faults,
        faults_left_out=left_out,
        **parts,
    )


def _tasks(seal: Any) -> tuple[ModelTask, ...]:
    """The tasks of the seal; transcription alone, which every site has, on a box that is not sealed or not readable."""
    if not isinstance(seal, dict):
        return ("transcription",)
    return tuple(model["task"] for model in seal["models"]) or ("transcription",)


def _asking(sources: Sources, task: ModelTask) -> Callable[[], EngineAnswer]:
    return lambda: sources.engine(task)
