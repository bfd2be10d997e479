"""Whether an image lies in the store already; and room for the wanted one where another file has its place.

The place is named by root hash, which the signature over it does not change: the same weights signed with other keys,
as by a fleet that was set up anew under its old name, are another file of the same root hash. So is a damaged one.
"""

from __future__ import annotations

from appliance.contract.release import Component
from fleetctl.errors import RefusedError, VerificationError
from fleetctl.release.build_images import OnBytes, check_component, sha256_of
from fleetctl.release.build_known import known_releases
from fleetctl.release.store import ReleaseStore


def lies_there(wanted: Component, store: ReleaseStore, on_bytes: OnBytes = lambda count: None) -> bool:
    """Whether the store has exactly this file. If not, it may be put there: nothing here needs what has its place.

    Raises:
        RefusedError: A draft or a published release is of the very file that lies there.
        ConfigError, VerificationError: Releases cannot be read, so nobody knows.
    """
    target = store.image(wanted.root_hash)
    if not target.exists():
        return False
    try:
        check_component(target, wanted, on_bytes)
    except VerificationError:
        there = sha256_of(target)
    else:
        return True
    holders = [
        each.name
        for each in known_releases(store)
        if each.manifest is not None and any(_is(component, wanted, there) for component in each.manifest.components)
    ]
    if holders:
        raise RefusedError(
            f"{target}: {', '.join(sorted(set(holders)))} has this file, with SHA-256 {there}; wanted: "
            f"{wanted.sha256}, of the same root hash and signed with another key",
            hint=f"take the image of {holders[0]}: fleetctl release build NAME --from {holders[0]}",
        )
    return False


def _is(component: Component, wanted: Component, sha256: str) -> bool:
    return component.root_hash == wanted.root_hash and component.sha256 == sha256
