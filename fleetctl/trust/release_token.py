"""Release keys on a PKCS#11 token: ECDSA P-256 or P-384, the private key never leaves it.

The module (a shared library) is named by the operator, never by a record: a record may come from a foreign medium, and
a library is code. The PIN comes from a callback, at each signature.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pkcs11.exceptions import PinIncorrect, PinLocked, PKCS11Error
from securesystemslib.signer import HSMSigner, Signature, Signer, SSlibKey

from fleetctl.errors import ChangeError, ConfigError, UsageError, VerificationError
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.release_keys import KeyRecord

ENVIRONMENT_MODULE = "FLEETCTL_PKCS11_MODULE"
_LIBRARY = "PYKCS11LIB"  # where securesystemslib looks


def module_path(given: Path | None) -> Path:
    """The PKCS#11 module: the option, else the environment. Raises `UsageError` when neither names one that exists."""
    path = given or (Path(os.environ[ENVIRONMENT_MODULE]) if os.environ.get(ENVIRONMENT_MODULE) else None)
    if path is None:
        raise UsageError(
            "a key is on a token, and no PKCS#11 module is named",
            hint=f"--pkcs11-module FILE or {ENVIRONMENT_MODULE}, for instance /usr/lib/softhsm/libsofthsm2.so",
        )
    if not path.is_file():
        raise UsageError(f"there is no PKCS#11 module {path}", hint="install the token's driver, or name its file")
    return path


def import_key(name: str, module: Path, label: str, object_id: int, pin: Callable[[], Passphrase]) -> KeyRecord:
    """The record of a key that is on a token already. Raises `ConfigError` when there is no such key.

    The PIN is asked for only when the token hides its public keys.
    """
    with _speaking(module, f"token {label}, object {object_id}"):
        uri, key = HSMSigner.import_(object_id, label, lambda what: pin().reveal())
    return KeyRecord.of(name, key, token=uri)


class TokenSigner(Signer):
    """Signs on a token; what goes wrong there is told in the program's own errors."""

    def __init__(self, record: KeyRecord, module: Path, pin: Callable[[], Passphrase]) -> None:
        self._record = record
        self._module = module
        self._inner = HSMSigner.from_priv_key_uri(record.token or "", record.key, lambda what: pin().reveal())

    @property
    def public_key(self) -> SSlibKey:
        return self._record.key

    @classmethod
    def from_priv_key_uri(cls, priv_key_uri: str, public_key: object, secrets_handler: object = None) -> Signer:
        raise NotImplementedError("a TokenSigner is made of a record")

    def sign(self, payload: bytes) -> Signature:
        with _speaking(self._module, f"key {self._record.name} ({self._record.token})"):
            return self._inner.sign(payload)


@contextmanager
def _speaking(module: Path, what: str) -> Iterator[None]:
    before = os.environ.get(_LIBRARY)
    os.environ[_LIBRARY] = str(module)
    try:
        yield
    except PinIncorrect:
        raise VerificationError(
            f"{what}: the token says that the PIN is wrong", hint="a token locks itself after a few wrong PINs"
        ) from None
    except PinLocked:
        raise VerificationError(
            f"{what}: the token is locked", hint="unlock it with its security officer's PIN"
        ) from None
    except ValueError as error:
        raise ConfigError(
            f"{what}: {error}", hint="plug the token in; p11-kit list-tokens shows what is seen"
        ) from None
    except (PKCS11Error, RuntimeError) as error:
        raise ChangeError(
            f"{what}: the PKCS#11 module answers {type(error).__name__}", hint=f"check the token and {module}"
        ) from None
    finally:
        if before is None:
            del os.environ[_LIBRARY]
        else:
            os.environ[_LIBRARY] = before
