"""Keys: everything of an encounter is sealed under a key of its own, and is gone when that key is.

The encounter's key is random (256 bit), wrapped by the site's master key (AES-256-GCM). Three keys are derived from it
(HKDF-SHA-256): one seals (AES-256-GCM, a random nonce of 96 bits; NIST SP 800-38D allows 2^32 of them under one key),
one makes the commitments that stand in the audit log (HMAC-SHA-256), one draws surrogates (`appliance.deid`). The disk
below is encrypted as well; this is what makes a deletion final and a commitment void.

A patient has a random secret of their own, wrapped by the master key as well: their dates move by it, in every
encounter by as much. The store finds it by a tag, an HMAC of the practice's reference to the patient.
"""

import hashlib
import hmac
import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.errors import ApplianceError, UnknownStateError

KEY_BYTES = 32
NONCE_BYTES = 12


class IntegrityError(ApplianceError):
    """What was stored is not what was sealed."""

    exit_code = 9


@dataclass(frozen=True)
class EncounterKey:
    """What one encounter is sealed with. `repr` shows nothing."""

    _sealing: AESGCM
    _committing: bytes
    _replacing: bytes

    def __repr__(self) -> str:
        return "EncounterKey()"

    def seal(self, plain: bytes, place: str) -> bytes:
        """Return nonce + ciphertext. `place` (table, row, version) is bound to it, so that it opens nowhere else."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._sealing.encrypt(nonce, plain, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """Return what was sealed. Raises IntegrityError when it was changed or moved."""
        try:
            return self._sealing.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError):
            raise IntegrityError(
                f"{place} is not what was stored", hint="keep the disk as it is and compare with the audit log"
            ) from None

    def commit(self, content: bytes) -> str:
        """Return the commitment to a content, in hexadecimal: it says nothing to who has not the key."""
        return hmac.new(self._committing, content, hashlib.sha256).hexdigest()

    def surrogate_key(self) -> bytes:
        """Return the key that surrogates of identifiers are drawn with: it goes when the encounter's key does."""
        return self._replacing


def _derive(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"fleetctl encounter {purpose} v1".encode()).derive(key)


class Vault:
    """Makes, wraps and unwraps the keys of encounters."""

    def __init__(self, master: bytes) -> None:
        if len(master) != KEY_BYTES:
            raise UnknownStateError(
                f"the master key has {len(master)} bytes, not {KEY_BYTES}", hint="restore it; never make another one"
            )
        self._master = AESGCM(master)
        self._tagging = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"fleetctl patient tag v1").derive(master)

    def patient_tag(self, patient_ref: str) -> str:
        """Return what the store knows a patient by, in hexadecimal. Case and spacing of the reference do not count."""
        plain = " ".join(unicodedata.normalize("NFKC", patient_ref).split()).casefold()
        return hmac.new(self._tagging, plain.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def new_patient_secret(self, tag: str) -> bytes:
        """Return a fresh secret of a patient in its wrapped form."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, os.urandom(KEY_BYTES), f"patient/{tag}".encode())

    def patient_secret(self, tag: str, wrapped: bytes) -> bytes:
        """Return a patient's secret. Raises IntegrityError if the wrapped form is not of this patient."""
        try:
            return self._master.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], f"patient/{tag}".encode())
        except (InvalidTag, ValueError):
            raise IntegrityError(
                "the secret that a patient's dates move by does not unwrap",
                hint="is the master key of this site in place? compare with the audit log",
            ) from None

    def new_key(self, encounter: str) -> tuple[EncounterKey, bytes]:
        """Return a fresh key and its wrapped form."""
        key, nonce = os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)
        return _usable(key), nonce + self._master.encrypt(nonce, key, encounter.encode())

    def unwrap(self, encounter: str, wrapped: bytes) -> EncounterKey:
        """Return the key of an encounter. Raises IntegrityError if the wrapped form is not of this encounter."""
        try:
            key = self._master.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], encounter.encode())
        except (InvalidTag, ValueError):
            raise IntegrityError(
                f"the key of encounter {encounter} does not unwrap",
                hint="is the master key of this site in place? compare with the audit log",
            ) from None
        return _usable(key)


def _usable(key: bytes) -> EncounterKey:
    return EncounterKey(AESGCM(_derive(key, "sealing")), _derive(key, "commitment"), _derive(key, "surrogates"))


def master_key(path: Path, *, may_make: bool) -> bytes:
    """Read the master key; make it where there is none and nothing that needs it yet.

    Raises UnknownStateError when it is missing beside a store: another key would open nothing of it.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        if not may_make:
            raise UnknownStateError(
                f"{path} is missing, and there are encounters that only it opens",
                hint="restore it from the state volume's backup; a new key would lose them",
            ) from None
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = os.urandom(KEY_BYTES)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return key
