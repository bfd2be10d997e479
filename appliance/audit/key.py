"""The log's signing key: an Ed25519 key in a file that only its owner reads."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.audit.disk import Disk
from appliance.audit.errors import AuditUnavailableError, LogUnreadableError
from appliance.audit.merkle import HASH_BYTES
from appliance.audit.note import ED25519, Checkpoint, VerifierKey, check_name, sign_checkpoint

_MAX_KEY_BYTES = 4096


@dataclass(frozen=True, repr=False)
class SigningKey:
    """The private key with the name it signs under, which is the log's origin."""

    private: Ed25519PrivateKey
    verifier: VerifierKey

    @classmethod
    def make(cls, origin: str) -> "SigningKey":
        """A new one, in memory. Raises NoteError for an origin that cannot stand in a checkpoint."""
        return cls._of(Ed25519PrivateKey.generate(), origin)

    @classmethod
    def _of(cls, private: Ed25519PrivateKey, origin: str) -> "SigningKey":
        public = private.public_key().public_bytes_raw()
        return cls(private, VerifierKey(check_name(origin), ED25519, public))

    @classmethod
    def load(cls, path: Path, origin: str) -> "SigningKey | None":
        """The key of the file; None where there is none. Raises AuditUnavailableError for one that others may read."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LogUnreadableError(f"{path}: {error.strerror}", hint="run as the log's owner") from None
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode) or stat.S_IMODE(mode) & 0o077:
                raise AuditUnavailableError(
                    f"{path}: the audit log's key may be read by others (mode {stat.S_IMODE(mode):04o})",
                    hint="find out who read it: with it a history can be signed anew; then chmod 0600",
                )
            data = file.read(_MAX_KEY_BYTES)
        try:
            private = serialization.load_pem_private_key(data, None)
        except (ValueError, TypeError):
            private = None
        if not isinstance(private, Ed25519PrivateKey):
            raise AuditUnavailableError(f"{path}: no Ed25519 key", hint="restore the log's key from its backup")
        return cls._of(private, origin)

    def store(self, path: Path, disk: Disk) -> None:
        """Write it, durably, readable by its owner alone."""
        disk.replace(
            path,
            self.private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
            mode=0o600,
        )

    def sign(self, size: int, root: bytes) -> Checkpoint:
        """The checkpoint of a tree."""
        if len(root) != HASH_BYTES:
            raise ValueError("a root has 32 bytes")
        return sign_checkpoint(self.private, self.verifier, size, root)
