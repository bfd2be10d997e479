"""The exposition: Prometheus' own checker reads it, names and labels are those that dashboards know."""

import re
import shutil
import subprocess
from typing import Any

import pytest

from appliance.contract.gpu import Gpu
from appliance.contract.health import HealthSnapshot
from appliance.health.metrics.exposition import render
from appliance.health.metrics.family import MAX_LABEL_CHARS, Family
from tests.fakes.site import snapshot

PART = {"verdict": "ok", "reason": "compared"}
ABSENT, LOST = {"state": "not_supported"}, {"state": "unreadable", "reason": "lost"}


def value(of: Any) -> dict[str, Any]:
    return {"state": "value", "value": of}


def gpu(**changes: Any) -> dict[str, Any]:
    readings = {name: value(1) for name in Gpu.model_fields if name not in ("index",)}
    return {
        **readings, "index": 0, "uuid": value("GPU-1"), "pci_id": value("0000:17:00.0"), "name": value('L40S "x"'),
        "serial": value("s"), "vbios": value("v"), "compute_capability": value("8.9"),
        "ecc": value({"current": True, "pending": True}), "sram": ABSENT, "spare_rows": ABSENT,
        "rows": value({"correctable": 1, "uncorrectable": 2, "pending": True, "failed": False}),
        "inforom_valid": value(True), "persistence": value(True), **changes,
    }  # fmt: skip


ACTIVITY = {
    "index": 0, "sm_clock_mhz": value(2520), "memory_clock_mhz": value(9001), "memory_temperature_c": ABSENT,
    "power_w": value(87.25), "energy_mj": value(10**12), "gpu_util_percent": value(40),
    "memory_util_percent": value(10), "encoder_util_percent": value(0), "decoder_util_percent": value(0),
    "memory_free_mib": value(1000), "memory_used_mib": value(45000), "memory_reserved_mib": value(600),
    "corrected_ecc": value(0), "corrected_ecc_ever": value(0), "uncorrected_ecc_ever": LOST, "last_xid": value(79),
}  # fmt: skip


def full() -> HealthSnapshot:
    """A snapshot that has a value for every metric."""
    report = {
        "call_limit_s": 10, "reading_limit_s": 40, "count": value(1), "gpus": [gpu()],
        "library": {"state": "ready", "driver_version": value("580.95"), "nvml_version": value("12.580")},
        "bus": value(["0000:17:00.0"]),
    }  # fmt: skip
    return snapshot(
        gpus={**PART, "wanted": 1, "age_s": 1.0, "report": report, "activity": [ACTIVITY]},
        engines={
            **PART,
            "engines": [
                {
                    "task": "transcription", "answers": True, "program": "faster-whisper", "version": "1.2.1",
                    "queue_length": 1, "queue_limit": 4, "running": 1, "requests_done": 7, "requests_refused": 1,
                    "requests_failed": 0, "tokens_per_s": 12.5,
                    "latency": {
                        "window_s": 600, "count": 7, "failed": 1, "p50_ms": 1500.0, "p95_ms": 2000.0, "p99_ms": 2e3,
                    },
                }
            ],
        },
        audit={**PART, "size": 5, "checkpoint_age_s": 2.5, "verified_at": "2026-11-22T12:00:00Z", "verified": True},
        certificates={
            **PART, "certificates": [{"file": "box.crt", "subject": "CN=a", "not_after": "2027-11-22T12:00:00Z"}],
        },
        disk={**PART, "file_systems": [{"mount": "/", "size_mib": 100, "free_mib": 50}]},
        services={
            **PART,
            "services": [
                {"unit": "a.service", "active": "active", "sub": "running", "result": "success", "restarts": 2}
            ],
        },
        isolation={
            **PART, "egress_denied_packets": 7, "ingress_denied_packets": 8,
            "last_proof": {
                "finished_at": "2026-11-22T12:00:00Z", "verdict": "nothing_reached", "ruleset_digest": None,
                "attempts": 8, "reached": 0,
            },
        },
        storage={
            **PART, "members_wanted": 2, "members_active": 2,
            "drives": [
                {"device": "nvme0n1", "kind": "nvme", "used_percent": 3, "spare_percent": 99, "media_errors": 0},
                {"device": "sda", "kind": "unread"},
            ],
        },
        clock={**PART, "max_error_ms": 1.5},
        facts_age_s=3.0,
        faults=[
            {
                "id": "xid79-3b1c9a", "check": "gpu_xid", "code": 79, "subject": "0000:17:00.0",
                "first_seen": "2026-11-22T12:00:00Z", "last_seen": "2026-11-22T12:00:00Z", "first_boot_id": "ab",
                "last_boot_id": "ab", "count": 1, "count_24h": 1, "state": "open", "verdict": "critical",
                "reason": "Xid 79",
            }
        ],
    )  # fmt: skip


TEXT = render(full()).decode()


def promtool(text: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (Debian package prometheus)")
def test_prometheus_own_checker_finds_nothing_in_our_names() -> None:
    own = "".join(line for line in TEXT.splitlines(keepends=True) if "DCGM_FI" not in line)
    done = promtool(own)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    # The names of dcgm-exporter are not ours to choose: they are read, and what is said of them is about names only.
    done = promtool(TEXT)
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if line]
    assert all(line.startswith("DCGM_FI_") for line in complaints)
    assert all(re.search("_total|camelCase|type 'counter'", line) for line in complaints)
    # The checker can fail.
    assert promtool(own + "fleetctl_again{a=b} 1\n").returncode == 1


def samples(name: str) -> dict[str, float]:
    found = re.findall(rf"^{name}(\{{.*\}})? (\S+)$", TEXT, re.MULTILINE)
    return {labels: float(number) for labels, number in found}


def test_gpus_have_the_labels_of_dcgm_exporter() -> None:
    (labels,) = samples("DCGM_FI_DEV_SM_CLOCK")
    assert labels == (
        '{gpu="0",UUID="GPU-1",pci_bus_id="00000000:17:00.0",device="nvidia0",modelName="L40S \\"x\\"",'
        'Hostname="lab-1",DCGM_FI_DRIVER_VERSION="580.95"}'
    )
    assert samples("DCGM_FI_DEV_POWER_USAGE") == {labels: 87.25}
    assert samples("DCGM_FI_DEV_XID_ERRORS") == {labels: 79}
    assert samples("DCGM_FI_DEV_ROW_REMAP_PENDING") == {labels: 1}


def test_what_is_not_supported_or_not_readable_is_absent_and_the_second_is_counted() -> None:
    assert "DCGM_FI_DEV_MEMORY_TEMP" not in TEXT
    assert "DCGM_FI_DEV_ECC_DBE_AGG_TOTAL" not in TEXT
    assert samples("fleetctl_unreadable_values") == {"": 2}  # one value of the GPU, one drive


def test_our_own_numbers() -> None:
    assert samples("fleetctl_part_verdict")['{part="clock",verdict="ok"}'] == 1
    assert samples("fleetctl_part_verdict")['{part="clock",verdict="critical"}'] == 0
    assert len(samples("fleetctl_part_verdict")) == 4 * len(full().parts())
    assert samples("fleetctl_snapshot_timestamp_seconds") == {"": 1795348800}
    assert samples("fleetctl_engine_latency_seconds")['{task="transcription",percentile="95"}'] == 2
    assert samples("fleetctl_filesystem_free_bytes") == {'{mount="/"}': 50 << 20}
    assert samples("fleetctl_faults") == {'{check="gpu_xid",state="open"}': 1}
    assert samples("fleetctl_denied_packets_total")['{direction="egress"}'] == 7
    assert samples("fleetctl_up_info")
    assert samples("fleetctl_certificate_not_after_timestamp_seconds") == {'{file="box.crt"}': 1826884800}


def test_no_reason_and_no_action_is_in_it() -> None:
    text = render(snapshot(clock={"verdict": "degraded", "reason": "SAID", "next_action": "DONE"}))
    assert b"SAID" not in text
    assert b"DONE" not in text


def test_a_label_is_escaped_and_bounded() -> None:
    family = Family("a_total", "counter", "What\nit \\ is.")
    family.add(1, label='a"b\\c\nd\x1b[31m' + "x" * 1000)
    family.add(float("nan"), label="nan")
    family.add(None, label="none")
    head, kind, sample = str(family).splitlines()
    assert (head, kind) == ("# HELP a_total What it \\\\ is.", "# TYPE a_total counter")
    assert sample.startswith('a_total{label="a\\"b\\\\c\\nd[31mxxx')
    assert len(sample) < MAX_LABEL_CHARS + 40
    family.add(1, **{"a-b": "c"})
    with pytest.raises(ValueError, match="label name"):
        str(family)
    assert str(Family("empty", "gauge", "Nothing.")) == ""
