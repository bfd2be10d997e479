"""SecureBootFacts: what the firmware's variables say about Secure Boot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of

# EFI_GLOBAL_VARIABLE, UEFI specification 2.10, section 3.3.
_GUID = "8be4df61-93ca-11d2-aa0d-00e098032b8c"


@dataclass(frozen=True)
class SecureBootFacts:
    """`setup_mode`: keys can be replaced without a signature, so that Secure Boot means nothing."""

    uefi: bool
    enabled: bool
    setup_mode: bool


def parse(outputs: Sequence[Output]) -> SecureBootFacts:
    listing, secure_boot, setup_mode = outputs
    if "efi" not in stdout_of(listing, "ls /sys/firmware").split():
        return SecureBootFacts(uefi=False, enabled=False, setup_mode=False)
    return SecureBootFacts(
        uefi=True,
        enabled=_flag(stdout_of(secure_boot, "SecureBoot")) == 1,
        setup_mode=_flag(stdout_of(setup_mode, "SetupMode")) == 1,
    )


def _flag(dump: str) -> int:
    """An efivarfs file is four bytes of attributes and then the value, here one byte."""
    values = [int(word, 16) for word in dump.split()]
    if len(values) != 5 or values[4] not in (0, 1):
        raise UnreadableError(f"an EFI variable has the bytes {dump.strip()!r}, wanted five with 0 or 1 at the end")
    return values[4]


def _variable(name: str) -> tuple[str, ...]:
    return ("od", "-An", "-v", "-tx1", f"/sys/firmware/efi/efivars/{name}-{_GUID}")


SECURE_BOOT = Fact(
    "secure_boot",
    (command("ls", "/sys/firmware/"), command(*_variable("SecureBoot")), command(*_variable("SetupMode"))),
    parse,
)
