"""What a plan has to know of every site: its file, hold, pin and engine, its OS image, and its own answer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Literal

from appliance.contract.health_reading import SnapshotError, read_snapshot
from appliance.contract.release_status import ReleaseStatus
from fleetctl.errors import FleetctlError, StoreError, UnreachableError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.rolloutfiles import read_holds, read_pins
from fleetctl.models.site import Site
from fleetctl.rollout.box import Box
from fleetctl.rollout.selection import Candidate, Seen
from fleetctl.store.store import Store


def ask(
    sites: Sequence[Site],
    boxes: Callable[[Site], Box],
    *,
    parallel: int = 16,
    deadline_s: float = 120.0,
    answered: Callable[[str, Seen], None] = lambda site, seen: None,
) -> dict[str, Seen]:
    """Ask every site for its status, `parallel` at once; who has not answered at the deadline counts as offline."""
    todo: queue.SimpleQueue[Site] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[str, Seen | BaseException]] = queue.SimpleQueue()
    for site in sites:
        todo.put(site)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            try:
                site = todo.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((site.name, _one(site, boxes)))
            except BaseException as fault:  # of ours, not of the site: raised where somebody sees it
                done.put((site.name, fault))

    for _ in range(min(parallel, len(sites))):
        # Daemons: one that hangs in a connection must not keep the command from ending.
        threading.Thread(target=work, daemon=True, name="plan-status").start()
    found: dict[str, Seen] = {}
    ends = monotonic() + deadline_s
    while len(found) < len(sites):
        try:
            name, seen = done.get(timeout=max(ends - monotonic(), 0.001))
        except queue.Empty:
            break
        if isinstance(seen, BaseException):
            stop.set()
            raise seen
        found[name] = seen
        answered(name, seen)
    stop.set()
    late = Seen(None, f"no answer within {deadline_s:g} s", offline=True)
    return {site.name: found.get(site.name, late) for site in sites}


def candidates(
    fleetdir: FleetDir, sites: Sequence[Site], seen: Mapping[str, Seen], store: Store | None
) -> list[Candidate]:
    """All that decides about each site. `store` None: nothing was observed. Raises `ConfigError`."""
    holds, pins = read_holds(fleetdir.path), read_pins(fleetdir.path)
    return [
        Candidate(
            name=site.name,
            labels=dict(site.metadata.labels),
            engine=engine_of(fleetdir, site),
            seen=seen[site.name],
            usr_root_hash=_usr(store, site.name, seen[site.name].status) if store else None,
            hold=holds.get(site.name),
            pin=pins.get(site.name),
        )
        for site in sites
    ]


def engine_of(fleetdir: FleetDir, site: Site) -> Literal["llama.cpp", "vllm"]:
    """Which engine drafts there: vLLM on a GPU, as the site is provisioned."""
    return "vllm" if fleetdir.profile(site.spec.profile).spec.gpus else "llama.cpp"


def _one(site: Site, boxes: Callable[[Site], Box]) -> Seen:
    try:
        status = boxes(site).status()
    except UnreachableError as error:
        return Seen(None, error.message, offline=True)
    except FleetctlError as error:
        return Seen(None, error.message)
    if status.site != site.name:
        return Seen(None, f"it says that it is the site {status.site}")
    return Seen(status)


def _usr(store: Store, site: str, status: ReleaseStatus | None) -> str | None:
    """Root hash of the OS image by the newest kept snapshot, when the box still runs as it did then.

    None when that cannot be told: an image changes with a boot, and the machine itself may be another one since.
    """
    try:
        found = store.snapshot(site)
        snapshot = read_snapshot(found[1]) if found is not None else None
    except (StoreError, SnapshotError):
        return None
    if snapshot is None or status is None:
        return None
    # One side has systemd's spelling, the other the kernel's.
    same_boot = snapshot.boot_id.replace("-", "") == status.boot_id.replace("-", "")
    return snapshot.image.usr_root_hash if same_boot and status.boot_id else None
