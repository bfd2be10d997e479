"""The box's TLS identity, made with the real openssl."""

import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.ctl.identity import ensure
from appliance.errors import ApplianceError

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


def openssl(*arguments: str) -> str:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True).stdout


def test_key_and_request_are_made_once_and_belong_together(tmp_path: Path) -> None:
    assert ensure(tmp_path, "lab-1")
    key, request = tmp_path / "box.key", tmp_path / "box.csr"
    assert (key.stat().st_mode & 0o777, request.stat().st_mode & 0o777) == (0o600, 0o644)
    assert "prime256v1" in openssl("pkey", "-in", str(key), "-noout", "-text")
    assert (
        openssl("req", "-in", str(request), "-noout", "-subject", "-nameopt", "RFC2253").strip() == "subject=CN=lab-1"
    )
    before = key.read_bytes(), request.read_bytes()
    assert not ensure(tmp_path, "lab-1")
    assert (key.read_bytes(), request.read_bytes()) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["box.csr", "box.key"]


@pytest.mark.parametrize("left", ["", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA"])
def test_an_interrupted_run_is_finished_with_the_same_key(tmp_path: Path, left: str) -> None:
    ensure(tmp_path, "lab-1")
    key = (tmp_path / "box.key").read_bytes()
    (tmp_path / "box.csr").write_text(left)
    (tmp_path / ".box.key.new").write_text("half")
    assert ensure(tmp_path, "lab-1")
    assert (tmp_path / "box.key").read_bytes() == key
    openssl("req", "-in", str(tmp_path / "box.csr"), "-noout", "-verify")


def test_a_request_of_another_key_is_made_anew(tmp_path: Path) -> None:
    ensure(tmp_path / "a", "lab-1")
    ensure(tmp_path / "b", "lab-1")
    shutil.copy(tmp_path / "a/box.csr", tmp_path / "b/box.csr")
    assert ensure(tmp_path / "b", "lab-1")
    wanted = openssl("pkey", "-in", str(tmp_path / "b/box.key"), "-pubout")
    assert openssl("req", "-in", str(tmp_path / "b/box.csr"), "-noout", "-pubkey") == wanted


def test_a_damaged_key_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "box.key").write_text("damaged")
    with pytest.raises(ApplianceError):
        ensure(tmp_path, "lab-1")
    assert (tmp_path / "box.key").read_text() == "damaged"


def test_a_strange_host_name_cannot_change_the_subject(tmp_path: Path) -> None:
    ensure(tmp_path, "x/OU=operator/CN=y\n")
    subject = openssl("req", "-in", str(tmp_path / "box.csr"), "-noout", "-subject", "-nameopt", "RFC2253").strip()
    assert subject == "subject=CN=xOUoperatorCNy"
