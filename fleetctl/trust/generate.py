"""Makes all keys of a new fleet at once: the directory appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fleetctl import atomic
from fleetctl.errors import RefusedError
from fleetctl.trust import ca, escrow
from fleetctl.trust.keystore import PRIVATE_FILES, KeyStore, refuse_git
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.sealing import seal_openssh, seal_pkcs8

RSA_BITS = 2048  # what firmware is sure to accept, and what TPMs verify PCR policies with

# What a killed run leaves beside the target; only encrypted keys, and nothing refers to it.
_STAGING = ".fleetctl-init-"


def generate_keys(
    directory: Path, fleet: str, passphrase: Passphrase, note: Callable[[str], None] = lambda text: None
) -> KeyStore:
    """Make `directory` with all keys. Raises `RefusedError` if it exists or is inside a git work tree.

    Works in a folder beside it that is renamed at the end, so an interrupted run leaves no half key directory.
    """
    if directory.exists():
        raise RefusedError(f"{directory} exists", hint="keys are never overwritten; choose another --keys-directory")
    directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    refuse_git(directory)
    for stale in directory.parent.glob(f"{_STAGING}*"):
        if stale.stat().st_uid == os.geteuid():
            shutil.rmtree(stale)
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=directory.parent))
    try:
        for name, content in _make(fleet, passphrase, note).items():
            atomic.write_bytes(staging / name, content, mode=0o600 if name in PRIVATE_FILES else 0o644)
        staging.rename(directory)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    atomic.sync_directory(directory.parent)
    return KeyStore(directory)


def _make(fleet: str, passphrase: Passphrase, note: Callable[[str], None]) -> dict[str, bytes]:
    """Name → content of every file of the directory."""
    files: dict[str, bytes] = {}

    note("certificate authority")
    authority = ca.make_authority(fleet, ec.generate_private_key(ec.SECP256R1()))
    files["ca.key"] = seal_pkcs8(authority.key, passphrase)
    files["ca.crt"] = ca.pem(authority.certificate).encode()
    for role in ("operator", "clinical"):
        note(f"{role} certificate")
        client = ec.generate_private_key(ec.SECP256R1())
        files[f"{role}.key"] = seal_pkcs8(client, passphrase)
        files[f"{role}.crt"] = ca.pem(ca.make_client(authority, fleet, role, client.public_key())).encode()

    note("Secure Boot key")
    secure_boot = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    files["secureboot.key"] = seal_pkcs8(secure_boot, passphrase)
    files["secureboot.crt"] = ca.pem(ca.make_secure_boot(fleet, secure_boot)).encode()

    note("PCR policy key")
    pcr = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    files["pcr.key"] = seal_pkcs8(pcr, passphrase)
    files["pcr.pub"] = pcr.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    note("SSH key")
    ssh = ed25519.Ed25519PrivateKey.generate()
    files["ssh_ed25519"] = seal_openssh(ssh, passphrase)
    public = ssh.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    files["ssh_ed25519.pub"] = public + f" fleetctl@{fleet}\n".encode()

    note("escrow identity")
    sealed, recipient = escrow.new_identity(passphrase)
    files["escrow.age"] = sealed
    files["escrow.pub"] = f"{recipient}\n".encode()
    return files
