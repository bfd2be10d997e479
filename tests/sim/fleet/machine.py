"""The machine below a simulated agent: facts as root would have read them, and services that answer. Nothing is wrong
with it until a fault is named."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

from appliance.contract.gateway_health import GatewayHealth
from appliance.contract.health import Latency
from appliance.contract.seal import ModelTask
from appliance.facts.reading import UnreadableError
from appliance.health.engines import EngineAnswer
from appliance.health.inputs import Facts, parse_facts
from tests.fakes.certificate import certificate
from tests.sim.fleet.directory import SimSite

USR = hashlib.sha256(b"usr").hexdigest()
RULES = hashlib.sha256(b"rules").hexdigest()
MODELS: dict[ModelTask, str] = {"transcription": "whisper-tiny.en", "drafting": "smollm2-135m-instruct"}
UUID = "01234567-89ab-cdef-0123-456789abcdef"
_GIB_MIB = 1024


def root_hash(task: ModelTask) -> str:
    """The root hash of a task's weights, the same at every site."""
    return hashlib.sha256(task.encode()).hexdigest()


def values(site: SimSite) -> dict[str, Any]:
    """Fact → value of a sound, sealed machine without GPUs."""
    return {
        "firewall": {"digest": RULES, "counters": {"egress_denied": [0, 0], "ingress_denied": [7, 420]}},
        "verity": {
            name: {"name": name, "root_hash": found, "corrupted": False, "signed": True}
            for name, found in (
                ("usr", USR), ("model", root_hash("transcription")), ("drafting", root_hash("drafting")),
            )
        },
        "state_volume": {
            "mounted": True, "mount": "/var/lib/appliance", "encrypted": True, "luks_uuid": UUID, "read_only": False,
            "array_level": "raid1", "members_wanted": 2, "members_active": 2,
        },
        "root_volume": {
            "mounted": True, "mount": "/", "encrypted": True, "luks_uuid": UUID, "read_only": False,
            "array_level": None, "members_wanted": None, "members_active": None,
        },
        "unencrypted_swaps": [],
        "units": [
            {
                "unit": f"appliance-{name}.service", "active": "active", "sub": "running", "result": "success",
                "restarts": 0, "main_pid": 1, "kind": "exec", "active_since_s": 50.0, "sandbox_differs": [],
                "private_network": True,
            }
            for name in ("transcription", "drafting", "gateway", "health")
        ],
        "seal": {
            "site": site.name, "usr_root_hash": USR, "ruleset_digest": RULES,
            "models": [{"task": task, "name": name, "root_hash": root_hash(task)} for task, name in MODELS.items()],
            "state_volume": {"luks_uuid": UUID},
        },
        "clock": {"synchronized": True, "max_error_ms": 1.0, "time_server": True, "time_client": True},
        "room": [{"mount": "/", "size_mib": 100 * _GIB_MIB, "free_mib": 50 * _GIB_MIB},
                 {"mount": "/var/lib/appliance", "size_mib": 900 * _GIB_MIB, "free_mib": 700 * _GIB_MIB}],
        "proof": None,
        "gpus": {"wanted": None, "cards": []},
        "certificates": {"box.crt": site.certificate.read_text(), "ca.crt": certificate(3650)},
        "luks": {
            "state": {
                "uuid": UUID, "slots": [{"number": 0, "kind": "recovery"}, {"number": 1, "kind": "tpm2"}],
                "tpm": [{"pcrs": [7, 15], "signed_pcrs": [11], "bank": "sha256"}],
            }
        },
        "drives": [{"device": "nvme0n1", "kind": "virtual"}, {"device": "nvme1n1", "kind": "virtual"}],
        "boot": {
            "slot": "edge_1.0", "uefi": True, "secure_boot": True, "setup_mode": False, "lockdown": "integrity",
            "reboot_required": False, "waiting": None,
        },
    }  # fmt: skip


Break = Callable[[dict[str, Any]], None]


def _set(*path: str | int, to: Any) -> Break:
    def broken(found: dict[str, Any]) -> None:
        inside: Any = found
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = to

    return broken


# What can be wrong with the machine, by the name that a scenario gives it.
FAULTS: dict[str, Break] = {
    "array-degraded": _set("state_volume", "members_active", to=1),
    "not-encrypted": _set("state_volume", "encrypted", to=False),
    "disk-full": _set("room", 1, "free_mib", to=10),
    "clock-free": _set("clock", "synchronized", to=False),
    "rules-changed": _set("firewall", "digest", to=hashlib.sha256(b"other rules").hexdigest()),
    "service-failed": _set("units", 2, "active", to="failed"),
    "certificate-ends": lambda found: found["certificates"].update({"box.crt": certificate(3)}),
    "secure-boot-off": _set("boot", "secure_boot", to=False),
    "other-usr": _set("verity", "usr", "root_hash", to=hashlib.sha256(b"other usr").hexdigest()),
    "swap-in-clear": _set("unencrypted_swaps", to=["/dev/sda2"]),
}
SERVICE_FAULTS = ("drafting-down", "transcription-down", "gateway-down", "audit-stuck", "facts-stopped")


class Machine:
    """One site's machine. `faults` are names of FAULTS and SERVICE_FAULTS; they may change while it runs."""

    def __init__(self, site: SimSite) -> None:
        self._values = values(site)
        self.faults: set[str] = set()

    def has_gpus(self, wanted: str | None, cards: list[str]) -> None:
        """What the profile wants of GPUs, and what the bus shows."""
        self._values = {**self._values, "gpus": {"wanted": wanted, "cards": cards}}

    def facts(self) -> Facts:
        """As the agent reads them now."""
        import copy

        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        found = copy.deepcopy(self._values) if self.faults else self._values
        for name in sorted(self.faults & FAULTS.keys()):
            FAULTS[name](found)
        at = now - (3600 if "facts-stopped" in self.faults else 5)
        return parse_facts(
            {
                "schema": "facts/v2",
                "boottime_s": at,
                "facts": {name: {"at_s": at, "good_for_s": 150.0, "value": value} for name, value in found.items()},
            },
            now,
        )

    def engine(self, task: ModelTask) -> EngineAnswer:
        """What a task's engine says about itself."""
        if f"{task}-down" in self.faults:
            raise UnreadableError("http.sock: Connection refused")
        return EngineAnswer(
            MODELS[task], root_hash(task), "dm-verity", program="simulated", version="1",
            queue_length=0, queue_limit=8, running=1, running_limit=4, requests_done=100, requests_refused=0,
            requests_failed=0, latency=Latency(window_s=600, count=20, failed=0, p50_ms=900, p95_ms=1500, p99_ms=1900),
            tokens_per_s=40.0 if task == "drafting" else None,
        )  # fmt: skip

    def gateway(self) -> GatewayHealth:
        """What the gateway says about itself."""
        if "gateway-down" in self.faults:
            raise UnreadableError("http.sock: No such file or directory")
        audit = {"size": 1000, "root_hash": USR, "checkpoint_age_s": 20.0, "writable": "audit-stuck" not in self.faults}
        engines = {
            "transcription": "transcription-down" not in self.faults,
            "drafting": "drafting-down" not in self.faults,
        }
        return GatewayHealth.model_validate(
            {
                "status": "ok" if all(engines.values()) else "degraded", "audit": audit, "database": {"ok": True},
                "engines": engines, "open_transcripts": 0, "failed_transcripts": 0,
            }
        )  # fmt: skip
