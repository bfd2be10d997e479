"""A whole virtual site with real QEMU, TPM and firmware, and an empty disk in place of an image: it never boots."""

from __future__ import annotations

import datetime
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from fleetctl.errors import ConfigError, PreflightError, RefusedError, UsageError
from fleetctl.image.manifest import ImageManifest, write_manifest
from fleetctl.lab import disks
from fleetctl.lab.accel import AccelKind, cpu_flags
from fleetctl.lab.firmware import count_enrolled
from fleetctl.lab.hosttools import FIRMWARE_CODE, QEMU, SWTPM
from fleetctl.lab.make import Shape
from fleetctl.lab.process import wait_for_exit
from fleetctl.lab.site import LabSite
from fleetctl.lab.status import site_status
from fleetctl.models.fleetdir import FleetDir

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which(QEMU) and shutil.which(SWTPM) and FIRMWARE_CODE.exists()),
        reason="QEMU, swtpm or OVMF is not on this machine",
    ),
]

FLEET = """\
apiVersion: fleetctl/v1
kind: Fleet
metadata: {name: demo}
spec:
  keys_directory: KEYS
  escrow_recipients: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]
"""
SMALL = {"memory_mib": 512, "cpus": 1, "data_disks": 2, "data_disk_gib": 0.125, "system_disk_gib": 0.125}


def certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "secure boot of a test")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.fixture
def fleetdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FleetDir:
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("FLEETCTL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(disks, "WORKING_SPACE_BYTES", 0)
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    (keys / "secureboot.crt").write_bytes(certificate())
    (keys / "ssh_ed25519.pub").write_text("ssh-ed25519 AAAA operator\n")
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet" / "fleet.yaml").write_text(FLEET.replace("KEYS", str(keys)))
    image = tmp_path / "cache/images/demo/edge-lab.raw"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"\0" * 1024 * 1024)
    manifest = ImageManifest(
        profile="lab", version="7", usr_root_hash="ab", input_digest="x", inputs={}, files=[], packages="p"
    )
    write_manifest(image.with_suffix(".json"), manifest)
    return FleetDir(tmp_path / "fleet")


@pytest.fixture
def site(fleetdir: FleetDir) -> Iterator[LabSite]:
    site = LabSite.ensure(fleetdir, "lab-1", Shape(**SMALL))
    yield site
    site.destroy()


def test_made_once_with_the_fleets_key_in_the_firmware(site: LabSite, fleetdir: FleetDir) -> None:
    before = site.record
    assert before.image.version == "7"
    assert LabSite.ensure(fleetdir, "lab-1").record == before
    pem = (fleetdir.fleet.keys_path / "secureboot.crt").read_text()
    assert count_enrolled(site.files.variables.read_bytes(), pem) == 3
    assert [path.stat().st_size for path in site.raw_image_paths] == [128 * 1024**2] * 3
    assert site_status(site).state == "off"


def test_power_on_twice_then_pull_the_plug(site: LabSite) -> None:
    assert site.start("tcg") is True
    status = site_status(site)
    assert (status.state, sorted(status.pids), status.booted) == ("running", ["canary", "qemu", "swtpm"], False)
    emulated = status.accel == AccelKind.TCG and cpu_flags(Path("/proc/cpuinfo").read_text("utf-8")) >= {"avx", "fma"}
    assert ("/upper_halves.so" in Path(f"/proc/{status.pids['qemu']}/maps").read_text()) == emulated
    assert site.start("tcg") is False
    assert site_status(site).pids == status.pids
    credential = (site.files.credentials_dir / "ssh.authorized_keys.root").read_text()
    assert credential.startswith("io.systemd.credential.binary:ssh.authorized_keys.root=c3NoLWVkMjU1MTkg")
    assert site.canary.status().pid == status.pids["canary"]
    with pytest.raises(RefusedError, match="is on"):
        site.fresh_tpm()
    with pytest.raises(UsageError, match="runs with 512 MiB"):
        LabSite.ensure(site.fleetdir, "lab-1", Shape(memory_mib=1024))
    assert site.stop(power_cut=True) == 3
    assert site_status(site).state == "off"
    assert site.stop() == 0


def test_what_a_killed_qemu_leaves_is_cleaned_and_started_over(site: LabSite) -> None:
    site.start("tcg")
    first = site_status(site).pids
    os.kill(first["qemu"], signal.SIGKILL)
    assert wait_for_exit(first["qemu"], 20)
    assert not site.running
    assert site.start("tcg") is True
    assert not set(site_status(site).pids.values()) & set(first.values())
    assert site.record.starts == 2
    assert site.stop(power_cut=True) == 3


def test_dead_canary_is_started_again_without_touching_the_guest(site: LabSite) -> None:
    site.start("tcg")
    before = site_status(site).pids
    site.processes.stop("canary", 5)
    assert site.start("tcg") is False
    after = site_status(site).pids
    assert after["qemu"] == before["qemu"]
    assert after["canary"] != before["canary"]


def test_down_works_without_a_readable_record_or_pid_files(site: LabSite) -> None:
    site.start("tcg")
    (site.runtime_dir / "lab.json").write_text("{")
    shutil.rmtree(site.runtime_dir / "pids")
    assert site.stop() == 3
    with pytest.raises(ConfigError):
        site_status(site)


def test_port_taken_meanwhile_is_named_and_nothing_stays_behind(site: LabSite) -> None:
    port = site.record.ports.clinical
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PreflightError, match=f"port {port} "):
        site.start("tcg")
    assert site.stop() == 0


def test_another_tpm_and_back(site: LabSite) -> None:
    site.start("tcg")
    site.stop(power_cut=True)
    state = site.runtime_dir / "tpm"
    mine = {path.name for path in state.iterdir()}
    assert mine
    (state / "mark").touch()
    site.fresh_tpm()
    assert list(state.iterdir()) == []
    site.fresh_tpm()
    assert site.original_tpm() is True
    assert (state / "mark").exists()
    assert site.original_tpm() is False


def test_shape_of_existing_disks_cannot_change(site: LabSite) -> None:
    with pytest.raises(UsageError, match="was made with 2 data disks, not 4"):
        LabSite.ensure(site.fleetdir, "lab-1", Shape(data_disks=4))
    assert LabSite.ensure(site.fleetdir, "lab-1", Shape(memory_mib=1024)).record.memory_mib == 1024


def test_destroy_leaves_nothing_and_can_be_repeated(site: LabSite) -> None:
    site.start("tcg")
    assert site.destroy() == 3
    assert not site.runtime_dir.exists()
    assert site.destroy() == 0


def test_without_an_image_there_is_a_way_to_one(fleetdir: FleetDir) -> None:
    with pytest.raises(ConfigError, match="there is no image") as caught:
        LabSite.ensure(fleetdir, "lab-2", Shape(image=fleetdir.path / "absent.raw"))
    assert "fleetctl image build" in caught.value.hint
    assert LabSite(fleetdir, "lab-2").store.find("lab-2") is None


@pytest.mark.parametrize("name", ["../lab-1", "Lab", "a b", ""])
def test_name_that_is_no_name_becomes_no_path(fleetdir: FleetDir, name: str) -> None:
    with pytest.raises(UsageError):
        LabSite(fleetdir, name)
