"""EndorsementFacts: who made the TPM, its firmware, and which endorsement certificates its maker put into it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of
from fleetctl.facts.bounds import text

# TCG EK Credential Profile for TPM Family 2.0, version 2.5, section 2.2.1: where a maker stores the certificate of
# which endorsement key.
EK_CERTIFICATES = {
    0x01C00002: "RSA 2048",
    0x01C0000A: "ECC NIST P-256",
    0x01C00012: "RSA 2048",
    0x01C00014: "ECC NIST P-256",
    0x01C00016: "ECC NIST P-384",
    0x01C00018: "ECC NIST P-521",
    0x01C0001A: "ECC SM2 P-256",
    0x01C0001C: "RSA 3072",
    0x01C0001E: "RSA 4096",
}
# Only capabilities are asked for: no session, no key, nothing that a TPM would have to write.
_DEVICE = ("-T", "device:/dev/tpmrm0")
_TOP_LEVEL = re.compile(r"^(\S[^:]*):$")


@dataclass(frozen=True)
class EkCertificate:
    """A written NV index where the TCG's profile has an endorsement certificate. Its content was not looked at."""

    nv_index: int
    key: str
    size_bytes: int


@dataclass(frozen=True)
class TpmChip:
    """`manufacturer` is the TCG's vendor id (like IFX, NTC, STM, INTC, AMD; IBM is the software TPM of swtpm);
    `firmware` the two words of the firmware's version, as hexadecimal numbers."""

    manufacturer: str
    model: str
    firmware: str
    certificates: tuple[EkCertificate, ...]


@dataclass(frozen=True)
class EndorsementFacts:
    """`chip` is None when the kernel has no TPM."""

    chip: TpmChip | None


def parse(outputs: Sequence[Output]) -> EndorsementFacts:
    classes, chips, properties, indices = outputs
    if "tpm" not in stdout_of(classes, "ls /sys/class").split():
        return EndorsementFacts(None)
    if "tpm0" not in stdout_of(chips, "ls /sys/class/tpm").split():
        return EndorsementFacts(None)
    fixed = _blocks(stdout_of(properties, "tpm2_getcap properties-fixed"))
    strings = [fixed[f"TPM2_PT_VENDOR_STRING_{position}"].get("value", "") for position in range(1, 5)]
    words = [int(fixed[f"TPM2_PT_FIRMWARE_VERSION_{position}"]["raw"], 16) for position in (1, 2)]
    return EndorsementFacts(
        TpmChip(
            manufacturer=text(fixed["TPM2_PT_MANUFACTURER"]["value"], "manufacturer"),
            model=text(" ".join(filter(None, strings)), "vendor string"),
            firmware=".".join(f"{word:#x}" for word in words),
            certificates=_certificates(_blocks(stdout_of(indices, "tpm2_nvreadpublic"))),
        )
    )


def _blocks(printed: str) -> dict[str, dict[str, str]]:
    """tpm2-tools prints YAML of one form: a name at the margin, below it "key: value" lines. The inner names of NV
    attributes repeat (`friendly`, `value`); the attributes come last and win."""
    found: dict[str, dict[str, str]] = {}
    for line in printed.splitlines():
        head = _TOP_LEVEL.match(line)
        if head:
            found[head[1]] = {}
        elif line.strip() and not found:
            raise UnreadableError(f"tpm2-tools printed an unexpected line: {line[:80]!r}")
        elif ": " in line:
            key, value = line.strip().split(": ", 1)
            found[next(reversed(found))][key] = value.strip().strip('"')
    return found


def _certificates(indices: dict[str, dict[str, str]]) -> tuple[EkCertificate, ...]:
    found = []
    for name, public in indices.items():
        key = EK_CERTIFICATES.get(int(name, 16))
        if key is not None and "written" in public["friendly"].split("|"):
            found.append(EkCertificate(int(name, 16), key, int(public["size"])))
    return tuple(found)


ENDORSEMENT = Fact(
    "endorsement",
    (
        command("ls", "/sys/class/"),
        command("ls", "/sys/class/tpm/"),
        command("tpm2_getcap", *_DEVICE, "properties-fixed"),
        command("tpm2_nvreadpublic", *_DEVICE),
    ),
    parse,
)
