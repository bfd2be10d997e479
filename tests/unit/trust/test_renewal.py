"""Certificates of the key directory: judged by their dates, renewed for the same keys, by openssl's judgement too."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from fleetctl.__main__ import run
from fleetctl.errors import VerificationError
from fleetctl.trust import ca
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.renewal import RENEW_BEFORE, Validity, renew, states

NOW = datetime.now(UTC)
# A day behind the first moment: the keys are made when a test first asks for them, hours behind NOW in a long run.
DUE = NOW + timedelta(days=ca.CLIENT_DAYS) - RENEW_BEFORE + timedelta(days=1)


@pytest.fixture
def keys(keystore: KeyStore, tmp_path: Path) -> KeyStore:
    """A copy that may be changed."""
    return KeyStore(Path(shutil.copytree(keystore.directory, tmp_path / "keys")))


def validity(keys: KeyStore, now: datetime) -> dict[str, Validity]:
    return {one.file: one.validity for one in states(keys, now)}


def test_dates_decide(keys: KeyStore) -> None:
    assert set(validity(keys, NOW).values()) == {Validity.OK}
    due = validity(keys, DUE)
    assert (due["operator.crt"], due["clinical.crt"], due["ca.crt"]) == (Validity.DUE, Validity.DUE, Validity.OK)
    assert validity(keys, DUE + RENEW_BEFORE)["operator.crt"] is Validity.EXPIRED
    assert validity(keys, NOW - timedelta(days=2))["operator.crt"] is Validity.NOT_YET


def test_what_is_due_is_renewed_for_the_same_key(keys: KeyStore, passphrase: Passphrase) -> None:
    before = {name: (keys.directory / name).read_bytes() for name in ("ca.crt", "operator.crt", "operator.key")}
    assert renew(keys, "north", passphrase) == []
    assert (keys.directory / "operator.crt").read_bytes() == before["operator.crt"]
    assert renew(keys, "north", passphrase, now=DUE) == ["operator.crt", "clinical.crt"]
    old = x509.load_pem_x509_certificate(before["operator.crt"])
    new = keys.certificate("operator.crt")
    assert (new.subject, new.public_key()) == (old.subject, old.public_key())
    assert new.serial_number != old.serial_number
    assert (keys.directory / "ca.crt").read_bytes() == before["ca.crt"]
    assert (keys.directory / "operator.key").read_bytes() == before["operator.key"]
    verified = subprocess.run(
        ["openssl", "verify", "-purpose", "sslclient", "-CAfile", keys.path("ca.crt"), keys.path("operator.crt")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert verified.returncode == 0, verified.stderr


def test_a_key_of_another_certificate_is_not_certified(keys: KeyStore, passphrase: Passphrase) -> None:
    shutil.copy(keys.directory / "clinical.key", keys.directory / "operator.key")
    before = (keys.directory / "operator.crt").read_bytes()
    with pytest.raises(VerificationError, match=r"operator\.key does not belong to operator\.crt"):
        renew(keys, "north", passphrase, early=True)
    assert (keys.directory / "operator.crt").read_bytes() == before


def _fleet(tmp_path: Path, keys: KeyStore) -> Path:
    fleet = tmp_path / "fleet"
    (fleet / "sites").mkdir(parents=True)
    (fleet / "fleet.yaml").write_text(
        "apiVersion: fleetctl/v1\nkind: Fleet\nmetadata: {name: north}\nspec:\n"
        f"  keys_directory: {keys.directory}\n  escrow_recipients: [{keys.text('escrow.pub')}]\n"
    )
    return fleet


def test_the_commands(
    keys: KeyStore, passphrase: Passphrase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = ["--fleet", str(_fleet(tmp_path, keys))]
    word = tmp_path / "word"
    word.touch(mode=0o600)
    word.write_text(passphrase.reveal())
    assert run(["keys", "show", *fleet, "-o", "json"]) == 0
    shown = {one["file"]: one for one in json.loads(capsys.readouterr().out)}
    assert shown["operator.crt"]["validity"] == "ok"
    assert shown["operator.crt"]["days_left"] >= ca.CLIENT_DAYS - 2
    assert run(["keys", "renew", *fleet, "--passphrase-file", str(word)]) == 0
    assert "nothing is due" in capsys.readouterr().out
    assert run(["keys", "renew", "--early", *fleet, "--passphrase-file", str(word)]) == 0
    assert "renewed: operator.crt, clinical.crt" in capsys.readouterr().out


@pytest.mark.parametrize(("days", "code", "word"), [(80, 3, "renew"), (-1, 4, "expired")])
def test_show_tells_by_its_exit_code(
    keys: KeyStore, passphrase: Passphrase, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, days: int, code: int, word: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(ca, "CLIENT_DAYS", days)
    monkeypatch.setattr(ca, "BACKDATED", timedelta(days=3))
    renew(keys, "north", passphrase, early=True)
    assert run(["keys", "show", "--fleet", str(_fleet(tmp_path, keys))]) == code
    shown = capsys.readouterr()
    assert word in shown.out
    assert "operator.crt" in shown.err
    assert "fleetctl keys renew" in shown.err
