"""Firmware variables with the fleet's Secure Boot keys enrolled, so that the first boot is already verified."""

from __future__ import annotations

import ssl
import subprocess
import sys
import uuid
from pathlib import Path

from fleetctl.errors import ChangeError, PreflightError

# Owner of the signature entries. The firmware only shows it; derived, so that the file can be reproduced.
OWNER = str(uuid.uuid5(uuid.NAMESPACE_DNS, "secureboot.fleetctl"))
_ENROLLED_IN = ("PK", "KEK", "db")
_INSTALL_HINT = "pip install 'fleetctl[lab]' brings virt-firmware, which writes the variable store"


def enrol_argv(template: Path, certificate: Path, output: Path) -> list[str]:
    """virt-fw-vars as a program: it is GPL, and it exits instead of raising when a store is broken."""
    argv = [sys.executable, "-m", "virt.firmware.vars", "--loglevel", "error", "--input", str(template)]
    for option in ("--set-pk", "--add-kek", "--add-db"):
        argv += [option, OWNER, str(certificate)]
    return [*argv, "--secure-boot", "--output", str(output)]


def make_variables(template: Path, certificate: Path, output: Path) -> None:
    """Write `output`, whole or not at all. Only the fleet's certificate is in it: no vendor's key boots here.

    Raises PreflightError without virt-firmware, ChangeError when the result does not hold the certificate.
    """
    partial = output.with_name(f".{output.name}.partial")
    try:
        subprocess.run(
            enrol_argv(template, certificate, partial), capture_output=True, text=True, timeout=120, check=True
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines()[-1:] or ["nothing"]
        raise PreflightError(
            f"enrolling the Secure Boot keys failed; virt-fw-vars says: {said[0]}", hint=_INSTALL_HINT
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PreflightError(f"virt-fw-vars did not run: {error}", hint=_INSTALL_HINT) from error
    found = count_enrolled(partial.read_bytes(), certificate.read_text(encoding="ascii"))
    if found != len(_ENROLLED_IN):
        partial.unlink()
        raise ChangeError(
            f"the variable store holds the fleet's certificate {found} times, wanted "
            f"{len(_ENROLLED_IN)} ({', '.join(_ENROLLED_IN)})",
            hint=_INSTALL_HINT,
        )
    partial.replace(output)


def count_enrolled(store: bytes, certificate_pem: str) -> int:
    """How often the certificate stands in a variable store, read without the program that wrote it."""
    return store.count(ssl.PEM_cert_to_DER_cert(certificate_pem))
