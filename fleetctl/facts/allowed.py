"""The read commands that a fact may use; anything else is refused before it reaches a host."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fleetctl.errors import FleetctlError

# What `cat`, `ls`, `od` and `readlink` may look at. Private keys live in /etc/appliance/tls and are not here: only the
# certificate request and the certificate, which are public, may leave the box.
READABLE_PATHS: tuple[str, ...] = (
    "/etc/os-release",
    "/usr/lib/os-release",
    "/proc/",
    "/sys/",
    "/var/lib/fleetctl/",
    "/etc/appliance/tls/box.csr",
    "/etc/appliance/tls/box.crt",
)
# Folders whose names may be listed though most files in them may not be read.
LISTABLE_FOLDERS: tuple[str, ...] = (
    "/etc/appliance/tls/",
    "/dev/cpu/",
    "/usr/share/p11-kit/modules/",
    "/etc/pkcs11/modules/",
)

# program → the first arguments that make it a reader; an empty tuple means that every use of it only reads.
READERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "appliancectl": (("version",), ("health", "snapshot"), ("gpu",)),
    "blkid": (("-c", "/dev/null"),),  # without -c it rewrites its cache file
    "cryptsetup": (("luksDump", "--dump-json-metadata"), ("luksUUID",)),
    "date": (("+%s.%N",),),
    "dmsetup": (("table",), ("status",), ("info",)),
    "findmnt": ((),),
    "ip": (
        ("-j", "address", "show"),
        ("-j", "link", "show"),
        ("-j", "-d", "link", "show"),
        ("-j", "route", "show"),
    ),
    "lsblk": ((),),
    "mdadm": (("--detail", "--export"), ("--detail", "--scan")),
    "nft": (("-j", "list", "ruleset"),),
    "ss": (("-H", "-l"),),
    "systemctl": (("show",), ("is-system-running",)),
}
PATH_READERS = frozenset({"cat", "ls", "od", "readlink"})

# Programs that can change things too, with the only arguments that they may be given.
_TPM = ("-T", "device:/dev/tpmrm0")
EXACT_READERS: dict[str, tuple[tuple[str, ...], ...]] = {
    # No --no-sysfs and no --dev-mem: the tables come from /sys/firmware/dmi, which the kernel copied at boot.
    "dmidecode": (("--type", "16", "--type", "17"),),
    "nvme": (("list", "-v", "-o", "json"),),
    "p11-kit": (("list-modules",),),
    "timedatectl": (("show",), ("show-timesync", "--all"), ("timesync-status",)),
    "tpm2_getcap": ((*_TPM, "properties-fixed"),),
    "tpm2_nvreadpublic": (_TPM,),
}
# The same, with one operand more: the device or interface that is asked.
OPERAND_READERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "ethtool": (("-i",),),
    "nvme": (("id-ctrl", "-o", "json"), ("smart-log", "-o", "json"), ("sed", "discover")),
}
_OPERAND = re.compile(r"(/dev/)?[A-Za-z0-9][A-Za-z0-9_.:@-]*")
# Two registers of a processor, eight bytes at the register's number: IA32_TME_ACTIVATE and AMD's SYS_CFG.
_REGISTER_READ = re.compile(r"od -An -v -tx8 -j (0x982|0xc0010010) -N 8 /dev/cpu/[0-9]+/msr")


def refuse_unless_reader(argv: Sequence[str]) -> None:
    """Raise `FleetctlError` unless `argv` is on the list of commands that only read."""
    program, arguments = argv[0], tuple(argv[1:])
    reads = _looks_at_paths if program in PATH_READERS else _reads
    if not reads(program, arguments):
        raise FleetctlError(
            f"not a read command: {' '.join(argv)}",
            hint="facts may only use the commands listed in fleetctl/facts/allowed.py",
        )


def _looks_at_paths(program: str, arguments: tuple[str, ...]) -> bool:
    if _REGISTER_READ.fullmatch(" ".join((program, *arguments))):
        return True
    paths = [argument for argument in arguments if argument.startswith("/")]
    listed = program == "ls" and all(path in LISTABLE_FOLDERS for path in paths)
    return bool(paths) and (listed or all(_readable(path) for path in paths))


def _reads(program: str, arguments: tuple[str, ...]) -> bool:
    if arguments in EXACT_READERS.get(program, ()) or _asks_one(program, arguments):
        return True
    # dmsetup would print volume keys with --showkeys.
    return "--showkeys" not in arguments and any(
        arguments[: len(prefix)] == prefix for prefix in READERS.get(program, ())
    )


def _asks_one(program: str, arguments: tuple[str, ...]) -> bool:
    """A known question, and one operand that is no option."""
    known = bool(arguments) and arguments[:-1] in OPERAND_READERS.get(program, ())
    return known and _OPERAND.fullmatch(arguments[-1]) is not None


def _readable(path: str) -> bool:
    if ".." in path.split("/"):
        return False
    return any(path == allowed or (allowed.endswith("/") and path.startswith(allowed)) for allowed in READABLE_PATHS)
