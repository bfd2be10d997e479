"""QEMU's command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleetctl.lab.accel import AccelKind
from fleetctl.lab.hosttools import HostTools
from fleetctl.lab.qemu import GuestFiles, qemu_argv
from fleetctl.lab.record import LabRecord


@pytest.fixture
def argv(record: LabRecord, tools: HostTools) -> list[str]:
    return qemu_argv(record, GuestFiles(Path("/run/lab/lab-1")), tools, AccelKind.TCG, ("ssh.authorized_keys.root",))


def values(argv: list[str], option: str) -> list[str]:
    return [argv[at + 1] for at, word in enumerate(argv) if word == option]


def nodes(argv: list[str]) -> dict[str, dict]:
    return {node["node-name"]: node for node in map(json.loads, values(argv, "-blockdev"))}


def test_secure_boot_needs_system_management_mode(argv: list[str]) -> None:
    assert "smm=on" in values(argv, "-machine")[0]
    assert "driver=cfi.pflash01,property=secure,value=on" in values(argv, "-global")
    assert nodes(argv)["firmware-code"]["read-only"] is True
    assert nodes(argv)["firmware-variables"]["file"]["filename"] == "/run/lab/lab-1/vars.fd"


def test_processor_fits_the_accelerator(record: LabRecord, tools: HostTools, argv: list[str]) -> None:
    kvm = qemu_argv(record, GuestFiles(Path("/r")), tools, AccelKind.KVM, ())
    assert (values(kvm, "-accel"), values(kvm, "-cpu")) == (["kvm"], ["host"])
    assert values(argv, "-accel")[0].startswith("tcg")
    assert values(argv, "-cpu") == ["max"]


def test_disks_in_order_with_their_serials(argv: list[str]) -> None:
    disks = [device for device in values(argv, "-device") if device.startswith("virtio-blk-pci")]
    assert disks == [
        "virtio-blk-pci,drive=disk0,serial=LAB-1-SYS,bootindex=0",
        "virtio-blk-pci,drive=disk1,serial=LAB-1-DATA0",
        "virtio-blk-pci,drive=disk2,serial=LAB-1-DATA1",
    ]
    assert nodes(argv)["disk2"]["file"]["filename"] == "/run/lab/lab-1/data1.raw"


def test_every_forwarded_port_listens_on_loopback_only(argv: list[str]) -> None:
    forwards = [part for net in values(argv, "-netdev") for part in net.split(",") if part.startswith("hostfwd=")]
    assert forwards == [
        "hostfwd=tcp:127.0.0.1:20001-:22",
        "hostfwd=tcp:127.0.0.1:20002-:9443",
        "hostfwd=tcp:127.0.0.1:20003-:443",
    ]


def test_both_networks_have_ipv6_and_no_boot_rom(argv: list[str]) -> None:
    assert all("ipv6=on" in net and "restrict" not in net for net in values(argv, "-netdev"))
    cards = [device for device in values(argv, "-device") if device.startswith("virtio-net-pci")]
    assert len(cards) == 2
    assert all(card.endswith("romfile=") for card in cards)


def test_credentials_are_named_never_shown(argv: list[str]) -> None:
    assert values(argv, "-smbios") == ["type=11,path=/run/lab/lab-1/credentials/ssh.authorized_keys.root"]


def test_serial_console_is_logged_and_can_be_typed_into(argv: list[str]) -> None:
    console = next(value for value in values(argv, "-chardev") if "id=console" in value)
    assert "server=on,wait=off" in console
    assert "logfile=serial.log,logappend=on" in console
    assert values(argv, "-serial") == ["chardev:console"]


def test_an_odd_path_cannot_become_an_option(record: LabRecord, tools: HostTools) -> None:
    odd = qemu_argv(record, GuestFiles(Path('/a b,read-only=on"x')), tools, AccelKind.TCG, ())
    assert nodes(odd)["disk0"]["file"]["filename"] == '/a b,read-only=on"x/system.raw'
