"""The image holds every program and unit that facts, the playbooks' modules and the appliance call."""

from __future__ import annotations

import ast
import configparser

from appliance.burnin import drive_load, memory_load
from fleetctl.facts.gpus import GPUS
from fleetctl.facts.host import ALL_FACTS, HARDWARE_FACTS
from fleetctl.resources import resource_dir

EDGE = resource_dir("images") / "edge"

# What Debian 13 brings each program in. A program that a module starts to call needs its line here.
PACKAGE_OF = {
    "age": "age",
    "blkdiscard": "util-linux",
    "blkid": "util-linux",
    "blockdev": "util-linux",
    "cryptsetup": "cryptsetup-bin",
    "journalctl": "systemd",
    "mdadm": "mdadm",
    "mkfs.ext4": "e2fsprogs",
    "nft": "nftables",
    "nginx": "nginx",
    "openssl": "openssl",
    "systemctl": "systemd",
    "systemd-cryptenroll": "systemd-cryptsetup",
    "systemd-cryptsetup": "systemd-cryptsetup",
    "udevadm": "udev",
    "wipefs": "util-linux",
}
PACKAGE_OF_UNIT = {
    "nftables.service": "nftables",
    "systemd-timesyncd.service": "systemd-timesyncd",  # its own package since Debian 13, which nothing pulls in
}


# The same for the programs that facts run. ALWAYS_THERE: coreutils is essential, appliancectl is ours.
PACKAGE_OF_READER = {
    "blkid": "util-linux",
    "cryptsetup": "cryptsetup-bin",
    "dmidecode": "dmidecode",
    "dmsetup": "dmsetup",
    "ethtool": "ethtool",
    "ip": "iproute2",
    "lsblk": "util-linux",
    "mdadm": "mdadm",
    "nft": "nftables",
    "nvme": "nvme-cli",
    "p11-kit": "p11-kit",
    "ss": "iproute2",
    "systemctl": "systemd",
    "timedatectl": "systemd",
    "tpm2_getcap": "tpm2-tools",
    "tpm2_nvreadpublic": "tpm2-tools",
}
# And for those that a burn-in starts. dcgmi is NVIDIA's, and not in the image.
PACKAGE_OF_LOAD = {
    drive_load.TOOL: "fio",
    drive_load.LSBLK[0]: "util-linux",
    memory_load.TOOL: "stress-ng",
    "setpriv": "util-linux",
}
# And for what an operator's program starts at the box.
PACKAGE_OF_PEER = {"rsync": "rsync", "sshd": "openssh-server"}
ALWAYS_THERE = {"appliancectl", "cat", "date", "ls", "od", "readlink"}


def packages() -> set[str]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(EDGE / "mkosi.conf")
    return set(parser["Content"]["Packages"].split())


def trees() -> list[ast.Module]:
    found = [ast.parse(path.read_text()) for path in sorted(resource_dir("playbooks").rglob("*.py"))]
    assert len(found) > 10
    return found


def called_programs() -> set[str]:
    """First words of the literal argument lists that are given to a `run`."""
    return {
        call.args[0].elts[0].value
        for tree in trees()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "run"
        and call.args
        and isinstance(call.args[0], ast.List)
        and call.args[0].elts
        and isinstance(call.args[0].elts[0], ast.Constant)
    }


def called_units() -> set[str]:
    """Units of the distribution that a module names: those that are not written by us."""
    own = {path.name for path in (EDGE / "mkosi.extra").rglob("*.service")}
    named = {
        node.value
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(".service")
    }
    return {name for name in named if " " not in name and "/" not in name and "@" not in name} - own


def test_every_called_program_is_in_the_image() -> None:
    called = called_programs() | {"age", "openssl"}
    assert {"cryptsetup", "mdadm", "nft", "nginx", "systemctl"} <= called
    assert not called - set(PACKAGE_OF), "say here which package brings it"
    assert not {PACKAGE_OF[name] for name in called} - packages()


def test_every_program_that_a_fact_runs_is_in_the_image() -> None:
    commands = [command for fact in (*ALL_FACTS, *HARDWARE_FACTS, GPUS) for command in fact.commands]
    called = {argv[0] for command in commands for argv in (command.argv, command.for_each) if argv} - ALWAYS_THERE
    assert {"dmidecode", "nvme", "p11-kit"} <= called
    assert not called - set(PACKAGE_OF_READER), "say here which package brings it"
    assert not {PACKAGE_OF_READER[name] for name in called} - packages()


def test_every_program_that_a_burn_in_starts_is_in_the_image() -> None:
    assert not set(PACKAGE_OF_LOAD.values()) - packages()


def test_the_other_end_of_a_transfer_is_in_the_image() -> None:
    assert not set(PACKAGE_OF_PEER.values()) - packages()


def test_the_registers_of_memory_encryption_are_readable() -> None:
    """/dev/cpu/*/msr appears with the module."""
    configured = (EDGE / "mkosi.extra/usr/lib/modules-load.d/edge.conf").read_text().splitlines()
    assert "msr" in configured


def test_every_unit_that_a_module_names_is_in_the_image() -> None:
    units = called_units()
    assert "systemd-timesyncd.service" in units
    assert not units - set(PACKAGE_OF_UNIT), "say here which package brings it"
    assert not {PACKAGE_OF_UNIT[name] for name in units} - packages()


def test_time_is_set_only_where_the_site_file_names_a_server() -> None:
    for preset in EDGE.rglob("*.preset"):
        assert "timesyncd" not in preset.read_text()
