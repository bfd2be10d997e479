"""The fleet's key directory: what is in it, who may read it, and how a key is opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fleetctl.errors import ConfigError, RefusedError
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.sealing import PrivateKey, open_key
from fleetctl.trust.tmpfs import private_tmpfs_dir

PrivateName = Literal["ca.key", "secureboot.key", "pcr.key", "ssh_ed25519", "operator.key", "clinical.key"]
CertificateName = Literal["ca.crt", "secureboot.crt", "operator.crt", "clinical.crt"]

PRIVATE_FILES = ("ca.key", "secureboot.key", "pcr.key", "ssh_ed25519", "operator.key", "clinical.key", "escrow.age")
PUBLIC_FILES = (
    "ca.crt",
    "secureboot.crt",
    "pcr.pub",
    "ssh_ed25519.pub",
    "operator.crt",
    "clinical.crt",
    "escrow.pub",
)


class KeyStore:
    """Reads the directory; `fleetctl.trust.generate` makes it. Every access checks its rights first."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def exists(self) -> bool:
        return self.directory.is_dir()

    def path(self, name: str) -> Path:
        """The file `name`. Raises `ConfigError` if it is missing, `RefusedError` if others can read the keys."""
        self.check()
        path = self.directory / name
        if not path.is_file():
            raise ConfigError(
                f"{path} is missing", hint="restore the key directory from its backup; the other keys depend on it"
            )
        if name in PRIVATE_FILES and path.stat().st_mode & 0o077:
            raise RefusedError(f"{path} can be read by others", hint=f"chmod 600 {path}")
        return path

    def check(self) -> None:
        """Refuse a directory that others can enter, that is not ours, or that git could commit."""
        if not self.exists():
            raise ConfigError(
                f"the key directory {self.directory} does not exist",
                hint="restore it from its backup, or set spec.keys_directory in fleet.yaml to where it is",
            )
        status = self.directory.stat()
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise RefusedError(f"{self.directory} can be entered by others", hint=f"chmod 700 {self.directory}")
        if status.st_uid not in (os.geteuid(), 0):
            raise RefusedError(
                f"{self.directory} belongs to user {status.st_uid}",
                hint=f"run as its owner, or: chown {self.directory}",
            )
        refuse_git(self.directory)

    def certificate(self, name: CertificateName) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.path(name).read_bytes())

    def text(self, name: str) -> str:
        """A public file as text: `ssh_ed25519.pub`, `escrow.pub`, a certificate in PEM."""
        if name not in PUBLIC_FILES:
            raise ValueError(f"{name} is no public file of a key directory")
        return self.path(name).read_text(encoding="ascii").strip()

    def load_private(self, name: PrivateName, passphrase: Passphrase) -> PrivateKey:
        """Open one private key. Raises `VerificationError` if the passphrase is wrong."""
        path = self.path(name)
        return open_key(path.read_bytes(), passphrase, path.name)

    @contextmanager
    def unlocked(self, passphrase: Passphrase, names: Sequence[PrivateName]) -> Iterator[Path]:
        """A folder in memory, mode 0700, with the named keys unencrypted, for tools that read key files.

        Overwritten and removed at the end, on SIGTERM too; what a kill -9 leaves, the next call removes.
        """
        keys = {name: self.load_private(name, passphrase) for name in names}
        with private_tmpfs_dir("keys") as directory:
            for name, key in keys.items():
                form = PrivateFormat.OpenSSH if name == "ssh_ed25519" else PrivateFormat.PKCS8
                file = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(file, "wb") as out:
                    out.write(key.private_bytes(Encoding.PEM, form, NoEncryption()))
            yield directory


def refuse_git(directory: Path) -> None:
    """Raise `RefusedError` if `directory` is inside a git work tree: one `git add` would publish the keys."""
    resolved = directory.resolve()
    for parent in (resolved, *resolved.parents):
        if (parent / ".git").exists():
            raise RefusedError(
                f"the key directory {directory} is inside the git work tree {parent}",
                hint="choose a directory outside git: fleetctl init --keys-directory DIR",
            )
