"""A sealed site, judged from outside by other tools than those that made it."""

from __future__ import annotations

import re
import secrets
import socket
import ssl
from pathlib import Path

import pytest

from appliance.contract.envelope import public_key_of
from appliance.contract.health import Verdict
from appliance.contract.signed import open_snapshot
from appliance.contract.units import PHI_UNITS
from fleetctl.lab.record import LabRecord
from tests.e2e import rawdisk
from tests.e2e.operator import SITE, Operator

AUDIO = Path(__file__).parent.parent / "data" / "audio"


@pytest.fixture(scope="module")
def record(sealed_site: Operator) -> LabRecord:
    return LabRecord.model_validate_json((sealed_site.lab / "lab.json").read_bytes())


def test_a_second_provisioning_changes_nothing(sealed_site: Operator) -> None:
    events = sealed_site.run("site", "provision", SITE, "--yes", "-o", "json").events
    changed = [event for event in events if event.get("status") == "changed" and event.get("task")]
    assert changed == []
    assert any(event.get("status") == "ok" and event.get("task") for event in events)


def test_verify_and_status_find_it_healthy(sealed_site: Operator) -> None:
    results = sealed_site.run("site", "verify", SITE, "-o", "json").out
    assert '"critical"' not in results
    sealed_site.run("status")


def test_a_visit_ends_as_a_signed_note_with_a_proof(sealed_site: Operator) -> None:
    """Consent, refusal, real weights of both engines, the clinician's acts, and the proof under the pinned key."""
    visit = sealed_site.run("lab", "visit", SITE, str(AUDIO / "jfk.flac"), "-o", "json").data
    assert visit["refused"] == {"status": 403, "code": "consent-missing"}
    assert visit["consent"]["events"] == 2
    words = " ".join(re.findall(r"[a-z]+", visit["transcript"]["text"].lower()))
    assert "ask not what your country can do for you" in words
    assert visit["events"]["begun"] == visit["events"]["finished"] == 1
    statements = [each for section in visit["document"]["sections"] for each in section["statements"]]
    assert {each["id"] for each in statements} >= set(visit["unsupported"])
    assert visit["proof"]["verdict"] == "verified"
    assert visit["proof"]["index"] == visit["signature"]["audit_index"] < visit["proof"]["size"]


def test_the_log_on_the_box_is_the_pinned_one(sealed_site: Operator) -> None:
    site, key = (sealed_site.fleet / "audit_keys").read_text().split()
    assert site == SITE
    assert sealed_site.ssh("appliancectl audit key").out.strip() == key
    sealed_site.ssh(f"appliancectl audit verify --key {key}")


def test_no_way_leads_past_the_gateway(sealed_site: Operator, record: LabRecord) -> None:
    """The listener's user may not open an engine's socket, and the port without a name says 401."""
    for engine in ("transcription", "drafting"):
        mode = sealed_site.ssh(f"stat -c '%a %G' /run/appliance-{engine} /run/appliance-{engine}/http.sock").out
        assert mode.split() == ["750", "appliance-engine", "660", "appliance-engine"]
    groups = sealed_site.ssh("grep ^Groups: /proc/$(systemctl show -P MainPID appliance-nginx)/status").out
    engine_gid = sealed_site.ssh("getent group appliance-engine").out.split(":")[2]
    assert engine_gid not in groups.split()
    context = ssl.create_default_context(cafile=str(sealed_site.base / "keys" / "ca.crt"))
    raw = socket.create_connection(("127.0.0.1", record.ports.clinical), 60)
    with raw, context.wrap_socket(raw, server_hostname=SITE) as tls:
        tls.sendall(
            b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        answer = b"".join(iter(lambda: tls.recv(4096), b""))
    assert b" 401 " in answer.split(b"\r\n")[0], answer[:200]


def test_nothing_gets_out_and_the_controls_do(sealed_site: Operator) -> None:
    proof = sealed_site.run("egress", "prove", SITE, "-o", "json").data
    assert proof["verdict"] == "proven"
    assert {row["verdict"] for row in proof["rows"]} == {"blocked", "allowed"}
    tried = {(row["origin"], row["target"].split()[0]) for row in proof["rows"] if row["verdict"] == "blocked"}
    for origin in ("host", *PHI_UNITS):
        assert {protocol for where, protocol in tried if where == origin} == {"tcp", "udp", "dns", "icmp"}
    assert proof["egress_denied_packets"] > 0
    assert any("fec0" in row["target"] for row in proof["rows"]), "IPv6 was not tried"


def test_the_data_disks_are_md_and_luks2(sealed_site: Operator, record: LabRecord) -> None:
    for disk in record.data_disks:
        path = sealed_site.lab / disk.file
        assert rawdisk.read_at(path, 4096, 4) == rawdisk.MD_MAGIC, f"{disk.serial} is no md member"
        assert rawdisk.contains(path, rawdisk.LUKS2_MAGIC), f"{disk.serial} has no LUKS2 header"


def test_plain_text_is_not_on_the_raw_disks(sealed_site: Operator, record: LabRecord) -> None:
    """A marker goes into the state and root volumes; one on the unencrypted boot partition shows that search works."""
    hidden, shown = (f"MARKER-{secrets.token_hex(24)}" for _ in range(2))
    write = "printf '%s' {text} > {path} && sync {path}"
    paths = {"/var/lib/appliance/marker": hidden, "/var/lib/marker": hidden}
    commands = [write.format(text=f"{text}-{text}", path=path) for path, text in paths.items()]
    boot = "mkdir -p /run/esp && mount /dev/disk/by-partlabel/esp /run/esp"
    commands.append(f"{boot} && printf '%s' {shown} > /run/esp/marker && sync && umount /run/esp")
    sealed_site.ssh(" && ".join(commands))
    sealed_site.ssh("sync; echo 3 > /proc/sys/vm/drop_caches; cat /var/lib/appliance/marker | grep -q MARKER")
    disks = [sealed_site.lab / disk.file for disk in record.disks]
    assert any(rawdisk.contains(disk, shown.encode()) for disk in disks), "the search would find nothing anywhere"
    assert not any(rawdisk.contains(disk, hidden.encode()) for disk in disks)
    sealed_site.ssh("rm /var/lib/appliance/marker /var/lib/marker")


def test_usr_cannot_be_written(sealed_site: Operator) -> None:
    result = sealed_site.ssh("touch /usr/bin/added; mount -o remount,rw /usr; touch /usr/bin/added", expect=None)
    assert result.code != 0
    assert "Read-only file system" in result.out + result.err


def test_the_health_port_wants_an_operators_certificate(sealed_site: Operator, record: LabRecord) -> None:
    context = ssl.create_default_context(cafile=str(sealed_site.base / "keys" / "ca.crt"))
    raw = socket.create_connection(("127.0.0.1", record.ports.health), 60)
    with raw, context.wrap_socket(raw, server_hostname=SITE) as tls:
        tls.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: tls.recv(4096), b""))
    assert b" 400 " in answer.split(b"\r\n")[0], answer[:200]


def test_the_snapshot_is_signed_by_the_pinned_key(sealed_site: Operator) -> None:
    site, key = (sealed_site.fleet / "health_keys").read_text().split()
    assert site == SITE
    assert sealed_site.ssh("appliancectl health key").out.strip() == key
    python = (
        "import sys; sys.path.insert(0, '/usr/lib/appliance/site'); from appliance.health.inputs import ask; "
        "from appliance.health.agent import SOCKET; sys.stdout.buffer.write(ask(SOCKET, sys.argv[1], timeout_s=60))"
    )
    envelope = sealed_site.ssh(f'python3 -I -c "{python}" /v1/health/signed').out.strip().encode()
    found = open_snapshot(envelope, public_key_of(key))
    assert (found.schema_version, found.site) == ("health/v3", SITE)
    assert {name: part.reason for name, part in found.parts().items() if part.verdict is not Verdict.OK} == {}
    metrics = sealed_site.ssh(f'python3 -I -c "{python}" /metrics').out
    assert 'fleetctl_part_verdict{part="boot",verdict="ok"} 1' in metrics


def test_no_secret_and_no_transcript_is_in_the_journal(sealed_site: Operator) -> None:
    journal = sealed_site.ssh("journalctl --no-pager -o cat | grep -ciE 'fellow americans|BEGIN .*PRIVATE' || true").out
    assert journal.strip() == "0"
