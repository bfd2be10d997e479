"""SSH bastions before sites: one ssh process for each, with a private local socket for every site behind it.

OpenSSH forwards each socket to the site's health port inside one connection, so that a thousand sites behind a bastion
cost one login. TLS stays between us and the site: a bastion sees ciphertext.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.models.via import Via
from fleetctl.remote.ssh_options import NO_CONFIGURATION, bastion_options, option_words
from fleetctl.trust.passphrase import Passphrase

# A login through a slow line; who needs longer is not there.
LOGIN_S = 15.0
_POLL_S = 0.02


def command(via: Via, known_hosts: Path, agent: Path, sockets: Mapping[Path, str]) -> list[str]:
    """The ssh that forwards each socket to its `address:port`. Nothing of the person's own settings is read."""
    options = bastion_options(via, known_hosts, agent, login_s=LOGIN_S) | {
        "ExitOnForwardFailure": "yes",
        "StreamLocalBindMask": "0177",
    }
    argv = ["ssh", *NO_CONFIGURATION, "-N", "-T", "-p", str(via.port), "-l", via.user, *option_words(options)]
    for socket, target in sockets.items():
        argv += ["-L", f"{socket}:{target}"]
    return [*argv, "--", via.host]


@contextmanager
def bastions(fleetdir: FleetDir, sites: Sequence[Site], passphrase: Passphrase) -> Iterator[dict[str, Path]]:
    """The local socket of every site behind a bastion that could be reached. A bastion that cannot be leaves its sites
    out, which the poller calls `via_failed`."""
    behind: dict[Via, list[Site]] = {}
    for site in sites:
        text = site.spec.management.via
        if text is not None and (via := Via.of(text)).kind == "ssh":
            behind.setdefault(via, []).append(site)
    if not behind:
        yield {}
        return
    from fleetctl.trust.ssh_agent import ssh_agent
    from fleetctl.trust.tmpfs import private_tmpfs_dir

    with ExitStack() as stack:
        agent = stack.enter_context(ssh_agent(fleetdir.keys, passphrase))
        folder = stack.enter_context(private_tmpfs_dir("bastion"))
        forwarded: dict[str, Path] = {}
        started: list[tuple[subprocess.Popen[bytes], dict[str, Path]]] = []
        for number, (via, members) in enumerate(behind.items()):
            # Numbers, because the path of a socket is short (unix(7): 108 bytes) and a site's name may be 63.
            sockets = {site.name: folder / f"{number}-{each}" for each, site in enumerate(members)}
            targets = {sockets[site.name]: _target(site) for site in members}
            process = subprocess.Popen(
                command(via, fleetdir.known_hosts, agent, targets),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={"PATH": os.environ.get("PATH", "")}, start_new_session=True,
            )  # fmt: skip
            stack.callback(_stop, process)
            started.append((process, sockets))
        deadline_s = time.monotonic() + LOGIN_S
        for process, sockets in started:
            # ssh makes them once it is logged in, the last one last.
            last = list(sockets.values())[-1]
            while not last.is_socket() and process.poll() is None and time.monotonic() < deadline_s:
                time.sleep(_POLL_S)
            if last.is_socket() and process.poll() is None:
                forwarded |= sockets
        yield forwarded


def _target(site: Site) -> str:
    management = site.spec.management
    address = f"[{management.address}]" if ":" in management.address else management.address
    return f"{address}:{management.health_port}"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
