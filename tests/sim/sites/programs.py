"""The programs that are first on a simulated site's PATH.

`appliancectl` is the real one. `rsync` is the real one behind a door that can slow the link, count transfers and flip a
byte of what has arrived. `systemctl` is simulated: it asks `SimulatedSystemd`.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.sim.sites.places import Places

_REPOSITORY = Path(__file__).resolve().parents[3]

_SYSTEMCTL = """\
#!/usr/bin/python3 -IS
# Simulated: asks SimulatedSystemd (tests/sim/sites/services.py) over the site's socket.
import json, socket, sys
asked = socket.socket(socket.AF_UNIX)
try:
    asked.connect({socket!r})
    asked.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
    answer = asked.makefile("rb").readline()
    code, text = json.loads(answer)
except (OSError, ValueError):
    sys.exit("Failed to connect to bus: the simulated machine is off")
(sys.stdout if code in (0, 3) else sys.stderr).write(text)
sys.exit(code)
"""

_APPLIANCECTL = """\
#!/bin/sh
exec {python} -m appliance.ctl "$@"
"""

_RSYNC = """\
#!/bin/sh
exec {python} -IS {door} {root} {rsync} "$@"
"""


def install(places: Places) -> None:
    """Write the programs of one site."""
    rsync = shutil.which("rsync")
    if rsync is None:
        raise RuntimeError("no rsync; hint: setup/host.sh test")
    door = Path(__file__).with_name("rsync_door.py")
    contents = {
        "systemctl": _SYSTEMCTL.format(socket=str(places.systemd_socket)),
        "appliancectl": _APPLIANCECTL.format(python=sys.executable),
        "rsync": _RSYNC.format(python=sys.executable, door=door, root=places.root, rsync=rsync),
    }
    places.programs.mkdir(parents=True, exist_ok=True)
    (places.root / "root").mkdir(exist_ok=True)
    for name, text in contents.items():
        path = places.programs / name
        path.write_text(text)
        path.chmod(0o755)


def environment(places: Places) -> dict[str, str]:
    """What a program of the site finds in its environment."""
    return {
        "APPLIANCE_RELEASE_ROOT": str(places.root),
        "SIMULATED_SITE": str(places.root),
        # Away from this machine's own start-up files of root.
        "HOME": str(places.root / "root"),
        "PYTHONPATH": f"{Path(__file__).parent / 'clock'}:{_REPOSITORY}",
        "PATH": f"{places.programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }
