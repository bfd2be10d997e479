"""TpmFacts: whether a TPM is there, its version, and the PCR values that volumes are bound to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of

# 7: Secure Boot state; 11: the unified kernel image; 15: the root volume's key (systemd's use of the registers).
PCRS = (7, 11, 15)


@dataclass(frozen=True)
class TpmFacts:
    """`version_major` 0 means that the kernel has no TPM. `pcrs`: register → SHA-256 value. `banks`: the hash
    algorithms whose registers the firmware has switched on, like ("sha256",)."""

    version_major: int
    pcrs: dict[int, str]
    banks: tuple[str, ...]


def parse(outputs: Sequence[Output]) -> TpmFacts:
    classes, chips, files, version, *registers = outputs
    # Without the driver there is no /sys/class/tpm at all: that reads as "no TPM", not as a failed reading.
    if "tpm" not in stdout_of(classes, "ls /sys/class").split():
        return TpmFacts(0, {}, ())
    if "tpm0" not in stdout_of(chips, "ls /sys/class/tpm").split():
        return TpmFacts(0, {}, ())
    values = {
        number: stdout_of(output, f"PCR {number}").strip().lower()
        for number, output in zip(PCRS, registers, strict=True)
    }
    major = stdout_of(version, "tpm_version_major").strip()
    if major not in ("1", "2"):
        raise UnreadableError(f"unknown TPM version {major!r}")
    names = stdout_of(files, "ls /sys/class/tpm/tpm0").split()
    return TpmFacts(int(major), values, tuple(sorted(name[4:] for name in names if name.startswith("pcr-"))))


TPM = Fact(
    "tpm",
    (
        command("ls", "/sys/class/"),
        command("ls", "/sys/class/tpm/"),
        command("ls", "/sys/class/tpm/tpm0/"),
        command("cat", "/sys/class/tpm/tpm0/tpm_version_major"),
        *(command("cat", f"/sys/class/tpm/tpm0/pcr-sha256/{number}") for number in PCRS),
    ),
    parse,
)
