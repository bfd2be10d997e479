"""Encrypts private keys with the passphrase, and opens them."""

from __future__ import annotations

import os
import subprocess
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from fleetctl.errors import ChangeError, VerificationError
from fleetctl.trust.passphrase import Passphrase

PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey | Ed25519PrivateKey

# OWASP Password Storage Cheat Sheet (2023): 600,000 for PBKDF2-HMAC-SHA256; about 0.2 s a key.
PBKDF2_ITERATIONS = 600_000
# OpenSSH's own default is 16 rounds of bcrypt-pbkdf; 64 take about 0.7 s.
BCRYPT_ROUNDS = 64


_PKCS8_COMMAND = ["openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256"]
_PKCS8_COMMAND += ["-iter", str(PBKDF2_ITERATIONS), "-passout"]


def seal_pkcs8(key: PrivateKey, passphrase: Passphrase) -> bytes:
    """The key as encrypted PKCS8 PEM: AES-256, PBKDF2 with our iteration count.

    Through openssl: the cryptography package fixes PBKDF2 at 2048 iterations, too few for a passphrase.
    The passphrase goes through a pipe, the key through stdin; neither stands in argv or the environment.
    """
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    reader, writer = os.pipe()
    try:
        os.write(writer, passphrase.reveal().encode() + b"\n")
        os.close(writer)
        done = subprocess.run(
            [*_PKCS8_COMMAND, f"fd:{reader}"],
            input=plain,
            capture_output=True,
            pass_fds=(reader,),
            check=False,
        )
    except FileNotFoundError:
        raise ChangeError("openssl is not installed", hint="apt install openssl (fleetctl doctor)") from None
    finally:
        os.close(reader)
    if done.returncode != 0:
        raise ChangeError(f"openssl could not encrypt a key (exit {done.returncode})", hint="openssl version")
    return done.stdout


def seal_openssh(key: Ed25519PrivateKey, passphrase: Passphrase) -> bytes:
    """The key as OpenSSH stores its own, encrypted."""
    encryption = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(BCRYPT_ROUNDS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption.build(passphrase.reveal().encode()))


def open_key(content: bytes, passphrase: Passphrase, name: str) -> PrivateKey:
    """The private key in `content`. Raises `VerificationError` if the passphrase does not open it."""
    load = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in content else load_pem_private_key
    try:
        return cast(PrivateKey, load(content, passphrase.reveal().encode()))
    except (ValueError, TypeError):
        # The library's words differ between formats and can quote input; one sentence of ours instead.
        raise VerificationError(
            f"the passphrase does not open {name}", hint="check the passphrase, and that the file is whole"
        ) from None
