"""Puts a snapshot together: reads each input once, judges each part by itself."""

import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance.contract import health as contract
from appliance.contract.gateway_health import GatewayHealth
from appliance.contract.health import HealthSnapshot, worst
from appliance.contract.seal import ModelTask
from appliance.facts.reading import UnreadableError, read_text
from appliance.health.concerns import clock, disk, gateway, image, isolation, models, services, storage
from appliance.health.concerns.part import part
from appliance.health.engines import EngineAnswer, ask_engine, ask_gateway
from appliance.health.inputs import FILE_SYSTEMS, Facts, Space, read_facts, space
from appliance.version import appliance_version, image_version

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


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


def take(
    sequence: Sequence,
    *,
    facts: Facts | None = None,
    engine: Callable[[ModelTask], EngineAnswer] = ask_engine,
    ask_gateway: Callable[[], GatewayHealth] = ask_gateway,
    room: Callable[[str], Space] = space,
) -> HealthSnapshot:
    """Return a snapshot of now."""
    known = read_facts() if facts is None else facts
    uptime_s = time.clock_gettime(time.CLOCK_BOOTTIME)

    def seal() -> dict[str, Any] | None:
        found: dict[str, Any] | None = known.get("seal")
        return found

    parts = {
        "image": part(contract.ImagePart, lambda: image.judge(known.get("verity"), seal(), image_version())),
        "services": part(contract.ServicesPart, lambda: services.judge(known.get("units"), seal())),
        "models": part(contract.ModelsPart, lambda: models.judge(engine, known.get("verity"), seal())),
        "gateway": part(contract.GatewayPart, lambda: gateway.judge(ask_gateway(), seal())),
        "storage": part(
            contract.StoragePart,
            lambda: storage.judge(known.get("state_volume"), known.get("unencrypted_swaps"), seal()),
        ),
        "isolation": part(contract.IsolationPart, lambda: isolation.judge(known.get("firewall"), seal())),
        "disk": part(contract.DiskPart, lambda: disk.judge([room(mount) for mount in FILE_SYSTEMS])),
        "clock": part(contract.ClockPart, lambda: clock.judge(known.get("clock"), uptime_s)),
    }
    sealed = known.values.get("seal")
    return HealthSnapshot(
        schema_version="health/v2",
        box=platform.node()[:100] or "unknown",
        site=str(sealed["site"])[:63] if isinstance(sealed, dict) and "site" in sealed else None,
        appliance_version=appliance_version(),
        taken_at=datetime.now(UTC),
        boot_id=boot_id(),
        sequence=sequence.next(),
        uptime_s=round(uptime_s, 1),
        facts_age_s=None if known.age_s is None else round(known.age_s, 1),
        verdict=worst([found.verdict for found in parts.values()]),
        **parts,
    )
