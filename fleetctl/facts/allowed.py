"""The read commands that a fact may use; anything else is refused before it reaches a host."""

from __future__ import annotations

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
LISTABLE_FOLDERS: tuple[str, ...] = ("/etc/appliance/tls/",)

# program → the first arguments that make it a reader; an empty tuple means that every use of it only reads.
READERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "appliancectl": (("version",), ("health", "snapshot")),
    "blkid": (("-c", "/dev/null"),),  # without -c it rewrites its cache file
    "cryptsetup": (("luksDump", "--dump-json-metadata"), ("luksUUID",)),
    "date": (("+%s.%N",),),
    "dmsetup": (("table",), ("status",), ("info",)),
    "findmnt": ((),),
    "ip": (("-j", "address", "show"), ("-j", "link", "show"), ("-j", "route", "show")),
    "lsblk": ((),),
    "mdadm": (("--detail", "--export"), ("--detail", "--scan")),
    "nft": (("-j", "list", "ruleset"),),
    "ss": (("-H", "-l"),),
    "systemctl": (("show",), ("is-system-running",)),
}
PATH_READERS = frozenset({"cat", "ls", "od", "readlink"})


def refuse_unless_reader(argv: Sequence[str]) -> None:
    """Raise `FleetctlError` unless `argv` is on the list of commands that only read."""
    program, arguments = argv[0], tuple(argv[1:])
    if program in PATH_READERS:
        paths = [argument for argument in arguments if argument.startswith("/")]
        listed = program == "ls" and all(path in LISTABLE_FOLDERS for path in paths)
        if paths and (listed or all(_readable(path) for path in paths)):
            return
    # dmsetup would print volume keys with --showkeys.
    elif "--showkeys" not in arguments and any(
        arguments[: len(prefix)] == prefix for prefix in READERS.get(program, ())
    ):
        return
    raise FleetctlError(
        f"not a read command: {' '.join(argv)}",
        hint="facts may only use the commands listed in fleetctl/facts/allowed.py",
    )


def _readable(path: str) -> bool:
    if ".." in path.split("/"):
        return False
    return any(path == allowed or (allowed.endswith("/") and path.startswith(allowed)) for allowed in READABLE_PATHS)
