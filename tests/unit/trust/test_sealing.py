"""The passphrase reaches openssl through a pipe, and stands nowhere that another user can look."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from fleetctl.errors import ChangeError
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.sealing import open_key, seal_pkcs8

WRAPPER = """#!/bin/sh
{{ cat /proc/$$/cmdline; cat /proc/$$/environ; }} > {log}
exec {openssl} "$@"
"""


def test_secret_is_neither_in_argv_nor_in_the_environment(
    tmp_path: Path, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    (tmp_path / "openssl").write_text(WRAPPER.format(log=log, openssl=shutil.which("openssl")))
    (tmp_path / "openssl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    key = ec.generate_private_key(ec.SECP256R1())
    sealed = seal_pkcs8(key, passphrase)
    opened = open_key(sealed, passphrase, "x.key")
    assert isinstance(opened, ec.EllipticCurvePrivateKey)
    assert opened.private_numbers() == key.private_numbers()
    seen = log.read_bytes()
    assert b"pkcs8" in seen
    assert b"PATH=" in seen
    assert passphrase.reveal().encode() not in seen


def test_openssl_that_is_missing_or_fails_is_told(
    tmp_path: Path, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ChangeError, match="openssl is not installed"):
        seal_pkcs8(key, passphrase)
    (tmp_path / "openssl").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "openssl").chmod(0o755)
    with pytest.raises(ChangeError, match=r"exit 3"):
        seal_pkcs8(key, passphrase)
