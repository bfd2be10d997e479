"""Recovery keys: 256 random bits as eight groups of eight modhex letters, the form that systemd asks for.

Modhex (Yubico) uses 16 letters that sit on the same keys in most keyboard layouts, so the key can be typed at a console
whose layout nobody knows. systemd-cryptsetup accepts it with or without dashes for slots that have a recovery token.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets

_MODHEX = "cbdefghijklnrtuv"
_SHAPE = re.compile(rf"(?:[{_MODHEX}]{{8}}-){{7}}[{_MODHEX}]{{8}}")
_RECIPIENT = re.compile(r"age1[02-9ac-hj-np-z]{58}")
KEY_BYTES = 32


def new_recovery_key() -> str:
    """A fresh key, 71 characters with the dashes, which are part of the passphrase."""
    return recovery_key_from(secrets.token_bytes(KEY_BYTES))


def recovery_key_from(random: bytes) -> str:
    """The typed form of 32 bytes."""
    if len(random) != KEY_BYTES:
        raise ValueError(f"a recovery key has {KEY_BYTES} bytes, not {len(random)}")
    letters = "".join(_MODHEX[byte >> 4] + _MODHEX[byte & 15] for byte in random)
    return "-".join(letters[start : start + 8] for start in range(0, len(letters), 8))


def find_recovery_key(output: str) -> str | None:
    """The key in what systemd-cryptenroll printed, or None when there is not exactly one."""
    found = set(_SHAPE.findall(output))
    return found.pop() if len(found) == 1 else None


def bad_recipients(recipients: list[str]) -> list[str]:
    """Those that are not age X25519 recipients; age would refuse them only after the key exists."""
    return [recipient for recipient in recipients if not _RECIPIENT.fullmatch(recipient)]


def encrypt_argv(recipients: list[str]) -> list[str]:
    """The command that encrypts its standard input to all recipients, armoured."""
    return ["age", "--encrypt", "--armor", *(word for recipient in recipients for word in ("--recipient", recipient))]


def ciphertext_sha256(ciphertext: str) -> str:
    """How both sides name one ciphertext, so that a confirmation cannot be for another."""
    return hashlib.sha256(ciphertext.encode()).hexdigest()


def recovery_token(slot: int) -> bytes:
    """The LUKS2 token that tells systemd that the slot takes a recovery key."""
    return json.dumps({"type": "systemd-recovery", "keyslots": [str(slot)]}).encode()
