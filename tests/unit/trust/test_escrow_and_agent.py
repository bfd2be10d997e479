"""Recovery keys open with the escrow identity; the agent holds the key and dies with its user."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyrage
import pytest

from fleetctl.errors import ChangeError, VerificationError
from fleetctl.trust import ssh_agent as agents
from fleetctl.trust.escrow import decrypt_recovery_key
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.ssh_agent import AgentKeeper, ssh_agent

pytestmark = pytest.mark.slow

RECOVERY_KEY = "ldkdjvtc-hgdvchbi-kbnhvbcc-jgdrbhfl-tnbdkgfc-gbkgrjti-vghbjuhn-lrhhddif"


def test_recovery_key_opens(keystore: KeyStore, passphrase: Passphrase) -> None:
    recipient = pyrage.x25519.Recipient.from_str(keystore.text("escrow.pub"))
    sealed = pyrage.encrypt(f"{RECOVERY_KEY}\n".encode(), [recipient], armored=True)
    assert decrypt_recovery_key(sealed, keystore, passphrase) == RECOVERY_KEY


def test_what_does_not_open_is_a_verification_error(keystore: KeyStore, passphrase: Passphrase) -> None:
    stranger = pyrage.x25519.Identity.generate().to_public()
    sealed = pyrage.encrypt(RECOVERY_KEY.encode(), [stranger], armored=True)
    with pytest.raises(VerificationError, match="this fleet's escrow identity"):
        decrypt_recovery_key(sealed, keystore, passphrase)
    with pytest.raises(VerificationError, match="too large"):
        decrypt_recovery_key("x" * 100_000, keystore, passphrase)
    with pytest.raises(VerificationError, match=r"does not open escrow\.age"):
        decrypt_recovery_key(sealed, keystore, Passphrase("wrong but long enough"))


def listed(socket: Path) -> str:
    environment = {"PATH": os.environ["PATH"], "SSH_AUTH_SOCK": str(socket)}
    return subprocess.run(["ssh-add", "-L"], env=environment, capture_output=True, text=True, check=False).stdout


def test_agent_holds_the_fleets_key_and_no_other(keystore: KeyStore, passphrase: Passphrase) -> None:
    with ssh_agent(keystore, passphrase) as socket:
        assert listed(socket).split()[:2] == keystore.text("ssh_ed25519.pub").split()[:2]
        assert len(listed(socket).splitlines()) == 1
        assert socket.parent.stat().st_mode & 0o777 == 0o700
    assert not socket.parent.exists()


CHILD = """
import signal, sys
from pathlib import Path
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.ssh_agent import ssh_agent

with ssh_agent(KeyStore(Path(sys.argv[1])), Passphrase(sys.stdin.readline().strip())) as socket:
    print(socket, flush=True)
    signal.pause()
"""


def test_agent_dies_with_a_killed_user(keystore: KeyStore, passphrase: Passphrase) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(keystore.directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin
    assert child.stdout
    with child:
        child.stdin.write(passphrase.reveal() + "\n")
        child.stdin.flush()
        socket = Path(child.stdout.readline().strip())
        assert "ssh-ed25519" in listed(socket)
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=60)
    deadline_s = time.monotonic() + 30
    while (seen := listed(socket)) and time.monotonic() < deadline_s:
        pass
    assert seen == ""


def test_a_kept_agent_has_the_key_longer_than_one_that_is_not(
    keystore: KeyStore, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [0.0]
    monkeypatch.setattr(agents, "KEY_LIFETIME_S", 2)
    with (
        ssh_agent(keystore, passphrase) as other,
        AgentKeeper.opened(keystore, passphrase, lambda: now_s[0]) as keeper,
    ):
        monkeypatch.setattr(agents, "KEY_LIFETIME_S", 3600)
        socket = keeper.socket()  # too early: nothing is added
        now_s[0] = agents.RENEW_AFTER_S
        assert keeper.socket() == socket
        deadline_s = time.monotonic() + 60
        while listed(other).startswith("ssh-ed25519"):
            assert time.monotonic() < deadline_s
            time.sleep(0.1)
        assert listed(socket).split()[:2] == keystore.text("ssh_ed25519.pub").split()[:2]
        assert len(listed(socket).splitlines()) == 1


def test_a_kept_agent_is_renewed_when_it_is_due_and_not_before(
    keystore: KeyStore, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s, added = [0.0], []
    keeper = AgentKeeper(keystore, passphrase, Path("/run/agent"), lambda: now_s[0])
    monkeypatch.setattr(agents, "_add", lambda socket, content: added.append((socket, content)))
    keeper.socket()
    now_s[0] = agents.RENEW_AFTER_S - 1
    keeper.socket()
    assert not added
    now_s[0] += 1
    keeper.socket()
    keeper.socket()
    assert len(added) == 1
    assert b"OPENSSH PRIVATE KEY" in added[0][1]


def test_a_dead_agent_cannot_be_renewed_and_that_is_told(keystore: KeyStore, passphrase: Passphrase) -> None:
    now_s = [0.0]
    with ssh_agent(keystore, passphrase) as socket:
        keeper = AgentKeeper(keystore, passphrase, socket, lambda: now_s[0])
    now_s[0] = agents.RENEW_AFTER_S
    with pytest.raises(ChangeError, match="ssh-add"):
        keeper.socket()
