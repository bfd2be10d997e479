"""The key with which the box signs its snapshots: made at the first start, on the encrypted state volume, for ever."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from appliance.contract.envelope import public_key_text
from appliance.contract.signed import PUBLIC_KEY_PATH
from appliance.errors import UnknownStateError

DIRECTORY = Path(PUBLIC_KEY_PATH).parent
_PRIVATE, _PUBLIC = "health.key", Path(PUBLIC_KEY_PATH).name
_HINT = "open the state volume; then systemctl restart appliance-health.service"


def ensure_key(directory: Path = DIRECTORY, root: Path = Path("/")) -> Ed25519PrivateKey:
    """Return the key, made where there is none. Raises UnknownStateError when it cannot be kept as it must be.

    It is refused on the root file system: before the state volume is open, a key made there would be another one.
    """
    try:
        if directory.stat().st_dev == root.stat().st_dev:
            raise UnknownStateError(f"{directory} is not on the state volume", hint=_HINT)
        path = directory / _PRIVATE
        if not path.exists():
            _make(directory)
    except OSError as error:
        raise UnknownStateError(f"{directory}: {error.strerror}", hint=_HINT) from None
    key = read_key(directory)
    if not (directory / _PUBLIC).exists():  # a crash came between the two
        _write(directory, _PUBLIC, f"{public_key_text(key.public_key())}\n".encode(), 0o644)
    return key


def read_key(directory: Path = DIRECTORY) -> Ed25519PrivateKey:
    """Return the key that the agent made. Raises UnknownStateError when it is not there or not kept as it must be."""
    path = directory / _PRIVATE
    try:
        found = path.stat()
        if found.st_mode & 0o077:
            raise UnknownStateError(f"{path} can be read by others (mode {found.st_mode & 0o777:o})", hint=_HINT)
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise UnknownStateError(f"{directory}: {error.strerror}", hint=_HINT) from None
    except ValueError:
        raise UnknownStateError(f"{path} is no private key", hint="the disk may be damaged") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UnknownStateError(f"{path} is no Ed25519 key", hint="find out who put it there")
    return key


def read_public_key(path: Path = Path(PUBLIC_KEY_PATH)) -> str:
    """Return the public key as it is pinned. Raises UnknownStateError while there is none."""
    try:
        return path.read_text().strip()
    except OSError as error:
        raise UnknownStateError(f"no health key: {path}: {error.strerror}", hint=_HINT) from None


def _make(directory: Path) -> None:
    key = Ed25519PrivateKey.generate()
    _write(directory, _PRIVATE, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)


def _write(directory: Path, name: str, data: bytes, mode: int) -> None:
    """Write it durably, in one step: a key of which half is on the disk is another key."""
    temporary = directory / f".{name}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(directory / name)
    parent = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
