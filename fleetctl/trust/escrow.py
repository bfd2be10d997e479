"""The escrow identity: opens the recovery keys that boxes encrypted to the fleet."""

from __future__ import annotations

import pyrage

from fleetctl.errors import VerificationError
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase

MAX_BYTES = 64 * 1024  # a recovery key is 72 characters; age's header a few hundred bytes a recipient

_ARMOR_BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----"


def new_identity(passphrase: Passphrase) -> tuple[bytes, str]:
    """A fresh age identity: encrypted with the passphrase (age's scrypt form, armoured), and its recipient."""
    identity = pyrage.x25519.Identity.generate()
    sealed = pyrage.passphrase.encrypt(str(identity).encode(), passphrase.reveal(), armored=True)
    return sealed, str(identity.to_public())


def decrypt_recovery_key(ciphertext: str | bytes, keys: KeyStore, passphrase: Passphrase) -> str:
    """The recovery key in an escrow file (armoured or binary age). Raises `VerificationError` if it does not open."""
    content = ciphertext.encode() if isinstance(ciphertext, str) else ciphertext
    if len(content) > MAX_BYTES:
        raise VerificationError("the escrow file is too large to be one", hint="restore the escrow file from git")
    sealed = keys.path("escrow.age").read_bytes()
    try:
        identity = pyrage.x25519.Identity.from_str(pyrage.passphrase.decrypt(sealed, passphrase.reveal()).decode())
    except (pyrage.DecryptError, pyrage.IdentityError, ValueError):
        raise VerificationError("the passphrase does not open escrow.age", hint="check the passphrase") from None
    try:
        return pyrage.decrypt(content, [identity]).decode("ascii").strip()
    except (pyrage.DecryptError, ValueError):
        raise VerificationError(
            "the escrow file does not open with this fleet's escrow identity",
            hint="is it whole, and was it encrypted to a recipient of this fleet (fleet.yaml, escrow_recipients)?",
        ) from None
