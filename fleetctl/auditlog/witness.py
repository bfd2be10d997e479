"""A small witness: remembers the largest tree it saw of a log, and cosigns only what continues it."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fleetctl.atomic import write_bytes, write_text
from fleetctl.auditlog.files import LogCopy, read, text
from fleetctl.auditlog.notes import LARGEST_NOTE, NAME, WITNESS, PublicKey, TreeHead, cosign, read_head
from fleetctl.auditlog.tree import wrong
from fleetctl.auditlog.verify import verify_log
from fleetctl.errors import LockHeldError, RefusedError, UnreachableError, UsageError


@dataclass(frozen=True, repr=False)
class WitnessKey:
    """A witness's own key."""

    private: Ed25519PrivateKey
    public: PublicKey

    @classmethod
    def make(cls, path: Path, witness: str) -> WitnessKey:
        """A new key in a new file, 0600, with the name in a first line. Raises RefusedError where a file is."""
        if not re.fullmatch(NAME, witness):
            raise UsageError("the witness's name has blanks, a + or control characters", hint="such as example.org/w1")
        key = cls._of(Ed25519PrivateKey.generate(), witness)
        pem = key.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            write_bytes(path, f"{witness}\n".encode() + pem, mode=0o600, replace=False)
        except FileExistsError:
            raise RefusedError(f"{path} exists", hint="a key is never overwritten; give another name") from None
        except OSError as error:
            raise UnreachableError(f"{path}: {error.strerror}", hint="give a folder that can be written") from None
        return key

    @classmethod
    def load(cls, path: Path) -> WitnessKey:
        """Raises UnreachableError, RefusedError when others may read it, UsageError when it is no key."""
        data = read(path, 8192)
        if data is None:
            raise UnreachableError(
                f"{path}: no such file", hint="fleetctl audit witness-key FILE --name NAME makes one"
            )
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise RefusedError(f"{path}: others may read the witness's key", hint="chmod 0600, or make a new one")
        witness, _, pem = data.partition(b"\n")
        try:
            private = serialization.load_pem_private_key(pem, None)
        except (ValueError, TypeError):
            private = None
        if not isinstance(private, Ed25519PrivateKey):
            raise UsageError(
                f"{path}: no key of a witness", hint="fleetctl audit witness-key FILE --name NAME makes one"
            )
        return cls._of(private, text(witness))

    @classmethod
    def _of(cls, private: Ed25519PrivateKey, witness: str) -> WitnessKey:
        return cls(private, PublicKey(witness, WITNESS, private.public_key().public_bytes_raw()))


def witness(
    copy: LogCopy, log: PublicKey, state: Path, key: WitnessKey, *, now_s: int | None = None
) -> tuple[TreeHead, str]:
    """Verify the whole copy against what was seen last, remember it, and return it with its cosigned note.

    The state is on the disk before the cosignature is given out: a crash never lets a second, different tree of one
    size be signed. Raises VerificationError for a rollback or a fork; the state stays as it was.
    """
    lock = _locked(state)
    try:
        seen = _seen(state, log)
        head = read_head(copy.checkpoint(), log)
        if seen and seen.size == head.size and seen.root != head.root:
            raise wrong(f"a fork: two different trees of {head.size} entries were signed")
        verify_log(copy, head, seen)
        write_text(state, head.note, mode=0o600)
        return head, cosign(head, key.private, key.public, int(time.time()) if now_s is None else now_s)
    except OSError as error:
        raise UnreachableError(
            f"{state}: {error.strerror}", hint="the witness cosigns nothing it cannot remember"
        ) from None
    finally:
        os.close(lock)


def _seen(state: Path, log: PublicKey) -> TreeHead | None:
    data = read(state, LARGEST_NOTE)
    # A state that does not verify is not "nothing seen": that would make the witness forget by damage.
    return read_head(text(data), log) if data is not None else None


def _locked(state: Path) -> int:
    try:
        descriptor = os.open(f"{state}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UnreachableError(f"{state}: {error.strerror}", hint="give a folder that can be written") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise LockHeldError(f"{state}: another witness runs on it", hint="wait for it") from None
    return descriptor
