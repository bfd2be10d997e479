"""A fake box behind a real sshd: it says what a test gives it to say, but makes ready for a transfer truly."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleetctl.trust.keystore import KeyStore

# FAKE appliancectl: answers with the files of `says`; only receive-prepare is the product's own.
FAKE = """\
#!/bin/sh
echo "$@" >> "$SAYS/asked"
if [ "$2" = receive-prepare ]; then
    shift 2
    {python} -c 'import typer; from appliance.ctl.__main__ import ApplianceError, sys
from appliance.ctl.release_incoming import receive_prepare
try:
    typer.run(receive_prepare)
except ApplianceError as error:
    print(f"error: {{error}}\\n  hint: {{error.hint}}", file=sys.stderr); sys.exit(error.exit_code)' "$@" || exit
    if [ -e "$SAYS/fill" ]; then rm "$SAYS/fill"; head -c 100M /dev/zero > "$APPLIANCE_RELEASE_ROOT/filler"; fi
    exit 0
fi
while [ -e "$SAYS/$2.hang" ]; do sleep 0.1; done
cat "$SAYS/$2.out" 2>/dev/null
cat "$SAYS/$2.err" >&2 2>/dev/null
if [ -e "$SAYS/$2.cut" ]; then
    session=$PPID
    until grep -q sshd /proc/$session/comm; do session=$(cut -d' ' -f4 /proc/$session/stat); done
    kill -9 $session
fi
exit $(cat "$SAYS/$2.code" 2>/dev/null || echo 0)
"""


@dataclass(frozen=True)
class SshFake:
    """The folder that stands for the box, and what its `appliancectl` says."""

    root: Path
    says: Path
    port: int
    host_key: str

    @property
    def releases(self) -> Path:
        return self.root / "var/lib/appliance/releases"

    def say(self, command: str, out: str, err: str = "", code: int = 0) -> None:
        (self.says / f"{command}.out").write_text(out)
        (self.says / f"{command}.err").write_text(err)
        (self.says / f"{command}.code").write_text(str(code))

    def asked(self) -> list[str]:
        return (self.says / "asked").read_text().splitlines()


@contextmanager
def served(under: Path, keystore: KeyStore) -> Iterator[SshFake]:
    """A real sshd whose sessions find the fake appliancectl. Skips the test where sshd cannot be run."""
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if sshd is None or os.geteuid() != 0:
        pytest.skip("logging in as root needs an sshd that runs as root")
    Path("/run/sshd").mkdir(exist_ok=True)
    folder, root, says = under / "sshd", under / "box", under / "says"
    for each in (folder, root, says, folder / "bin"):
        each.mkdir()
    (folder / "bin" / "appliancectl").write_text(FAKE.format(python=sys.executable))
    (folder / "bin" / "appliancectl").chmod(0o755)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / "host"], check=True)
    (folder / "authorized").write_text(keystore.text("ssh_ed25519.pub") + "\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        "PasswordAuthentication no\nPermitRootLogin prohibit-password\nStrictModes no\nUsePAM no\nPidFile none\n"
        f"SetEnv PATH={folder}/bin:/usr/bin:/bin SAYS={says} APPLIANCE_RELEASE_ROOT={root}\n"
    )
    server = subprocess.Popen([sshd, "-D", "-E", folder / "log", "-f", folder / "config"])
    try:
        deadline_s = time.monotonic() + 30
        while not _listens(port):
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
        yield SshFake(root, says, port, (folder / "host.pub").read_text().strip())
    finally:
        server.terminate()
        server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
