"""A fake box behind a real sshd: it says what a test gives it to say, but makes ready for a transfer truly."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fleetctl.trust.keystore import KeyStore
from tests.fakes.ports import free_port
from tests.fakes.sshd import LoopbackSshd, sshd_or_skip

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
    sshd_or_skip()
    folder, root, says = under / "sshd", under / "box", under / "says"
    for each in (folder, root, says, folder / "bin"):
        each.mkdir()
    (folder / "bin" / "appliancectl").write_text(FAKE.format(python=sys.executable))
    (folder / "bin" / "appliancectl").chmod(0o755)
    (folder / "authorized").write_text(keystore.text("ssh_ed25519.pub") + "\n")
    given = {"PATH": f"{folder}/bin:/usr/bin:/bin", "SAYS": str(says), "APPLIANCE_RELEASE_ROOT": str(root)}
    sshd = LoopbackSshd(folder, "127.0.0.1", free_port(), folder / "authorized", given)
    sshd.start()
    try:
        sshd.wait()
        yield SshFake(root, says, sshd.port, sshd.host_key)
    finally:
        sshd.stop()
