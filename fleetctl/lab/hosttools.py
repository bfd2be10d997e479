"""Programs and firmware of the host that the lab needs: where they are, and the words that get a missing one.

Which packages bring them on which distribution is in setup/distributions.sh.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from fleetctl.errors import PreflightError

QEMU = "qemu-system-x86_64"
SWTPM = "swtpm"

# Debian 12 and 13 and Ubuntu 24.04 all ship the 4 MiB build under these names (package ovmf).
FIRMWARE_CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd")
FIRMWARE_VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")

# Debian 12's own 7.2 double-faults guests under emulation; 10.0.2 was measured to work. 8.2 (Ubuntu 24.04) is the
# oldest later series that a supported system ships; nothing between the two was tried.
MINIMUM_QEMU_FOR_EMULATION = (8, 2)

_INSTALL_HINT = "setup/host.sh lab installs them; by hand: qemu-system-x86 (on Debian 12 from backports), ovmf, swtpm"
_VERSION = re.compile(r"QEMU emulator version (\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, order=True)
class QemuVersion:
    """Version of the QEMU program; later ones are greater."""

    major: int
    minor: int
    micro: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.micro}"

    @property
    def emulates_reliably(self) -> bool:
        """False for the versions that crash guests under TCG."""
        return (self.major, self.minor) >= MINIMUM_QEMU_FOR_EMULATION


@dataclass(frozen=True)
class HostTools:
    """Absolute paths of what a site is started with."""

    qemu: Path
    qemu_version: QemuVersion
    swtpm: Path
    firmware_code: Path
    firmware_variables: Path


def parse_qemu_version(text: str) -> QemuVersion | None:
    """Version out of `qemu-system-x86_64 --version`, or None when the text is something else."""
    match = _VERSION.search(text)
    return QemuVersion(*(int(part or 0) for part in match.groups())) if match else None


def find_host_tools() -> HostTools:
    """Locate everything at once, so that one message names all that is missing. Raises PreflightError."""
    programs = {name: shutil.which(name) for name in (QEMU, SWTPM)}
    missing = [name for name, path in programs.items() if path is None]
    missing += [str(path) for path in (FIRMWARE_CODE, FIRMWARE_VARIABLES) if not path.is_file()]
    if missing:
        raise PreflightError(
            f"the lab needs {', '.join(missing)}, which this machine does not have", hint=_INSTALL_HINT
        )
    qemu = Path(str(programs[QEMU]))
    return HostTools(
        qemu=qemu,
        qemu_version=_qemu_version(qemu),
        swtpm=Path(str(programs[SWTPM])),
        firmware_code=FIRMWARE_CODE,
        firmware_variables=FIRMWARE_VARIABLES,
    )


def require_reliable_emulation(version: QemuVersion) -> None:
    """Refuse a QEMU that is known to crash guests without hardware virtualization. Raises PreflightError."""
    if version.emulates_reliably:
        return
    wanted = ".".join(str(part) for part in MINIMUM_QEMU_FOR_EMULATION)
    raise PreflightError(
        f"QEMU {version} crashes guests when it emulates the processor; {wanted} or later is needed here",
        hint="setup/host.sh lab installs a newer one (Debian 12: from backports); or use a machine with KVM",
    )


def _qemu_version(qemu: Path) -> QemuVersion:
    try:
        answer = subprocess.run([str(qemu), "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise PreflightError(f"{qemu} does not run: {error}", hint=_INSTALL_HINT) from error
    version = parse_qemu_version(answer.stdout)
    if version is None:
        raise PreflightError(
            f"{qemu} --version says {answer.stdout[:80]!r}, which names no version", hint=_INSTALL_HINT
        )
    return version
