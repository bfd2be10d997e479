"""The boxes of a fleet over SSH, for commands of rollouts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.release.local_images import LocalImages
from fleetctl.release.store import ReleaseStore
from fleetctl.remote.release_box import SshBox
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.ssh_agent import AgentKeeper

# A connection that hangs is not waited for when everything else is done; the process ends with it.
_CLOSE_S = 5.0


@contextmanager
def ssh_boxes(fleetdir: FleetDir, passphrase: Passphrase) -> Iterator[Callable[[Site], SshBox]]:
    """A box for each site that is asked for, the same one again for the same site; all are closed at the end."""
    ended = threading.Event()
    made: dict[str, SshBox] = {}
    lock = threading.Lock()
    with AgentKeeper.opened(fleetdir.keys, passphrase) as keeper:
        images = LocalImages(ReleaseStore(fleetdir))

        def box(site: Site) -> SshBox:
            with lock:
                if site.name not in made:
                    made[site.name] = SshBox(site, fleetdir, images, keeper.socket, cancelled=ended.is_set)
                return made[site.name]

        try:
            yield box
        finally:
            ended.set()
            with lock:
                closing = [threading.Thread(target=each.close, daemon=True) for each in made.values()]
            for thread in closing:
                thread.start()
            ends = monotonic() + _CLOSE_S
            for thread in closing:
                thread.join(max(ends - monotonic(), 0.0))
