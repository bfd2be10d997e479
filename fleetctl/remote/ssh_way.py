"""The way of SSH to a site behind `management.via`: a program whose stdin and stdout are the connection.

One word for all three that speak SSH: paramiko takes it as a socket, rsync and Ansible as ProxyCommand of ssh. What
goes through is SSH itself, with the site's own pinned key, so bastion and proxy see nothing and can change nothing.
"""

from __future__ import annotations

import shlex
import socket
import subprocess
import sys
from pathlib import Path

from fleetctl.models.site import Site
from fleetctl.models.via import Via
from fleetctl.remote.ssh_options import NO_CONFIGURATION, bastion_options, option_words

# A login through a slow line, as for health.
_LOGIN_S = 15.0
_END_S = 5.0


def way_words(site: Site, known_hosts: Path, agent: Path) -> list[str]:
    """The program and its arguments; empty for a site that is reached directly."""
    management = site.spec.management
    if management.via is None:
        return []
    via = Via.of(management.via)
    address = f"[{management.address}]" if ":" in management.address else management.address
    target = f"{address}:{management.ssh_port}"
    if via.kind == "connect":
        # -I: nothing of the environment decides what is imported.
        return [sys.executable, "-I", "-m", "fleetctl.remote.connect_proxy", via.host, str(via.port), target]
    options = bastion_options(via, known_hosts, agent, login_s=_LOGIN_S) | {"LogLevel": "ERROR"}
    argv = ["ssh", *NO_CONFIGURATION, "-T", "-p", str(via.port), "-l", via.user, *option_words(options)]
    return [*argv, "-W", target, "--", via.host]


def way_options(site: Site, known_hosts: Path, agent: Path) -> dict[str, str]:
    """For OpenSSH, which expands a % of its own and then has a shell exec the command."""
    words = way_words(site, known_hosts, agent)
    return {"ProxyCommand": shlex.join(words).replace("%", "%%")} if words else {}


class Way(socket.socket):
    """The same for paramiko: our end of a pair of sockets, of which the program has the other as stdin and stdout.

    paramiko's own ProxyCommand reads on for ever when the program has ended, and leaves it behind.
    """

    def __init__(self, words: list[str]) -> None:
        ours, theirs = socket.socketpair()
        super().__init__(fileno=ours.detach())
        with theirs:
            try:
                end = theirs.fileno()
                self._process = subprocess.Popen(
                    words, stdin=end, stdout=end, stderr=subprocess.DEVNULL, start_new_session=True
                )
            except OSError:
                super().close()
                raise

    def close(self) -> None:
        """End the program as well."""
        super().close()
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
