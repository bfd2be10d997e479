"""Whose keys count: new channels, rotated and revoked keys, other thresholds. The root's rules are TUF's.

A root follows another only with enough signatures by the keys of both. What a removed key had signed alone is signed
anew in the same change; snapshot and timestamp are signed by old and new keys, so that no reader meets a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from securesystemslib.signer import Key
from tuf.api.metadata import Metadata, Root, Targets

from appliance.contract.release import ChannelName
from fleetctl.errors import RefusedError, UsageError
from fleetctl.nearest import listed, nearest, nearest_or_all
from fleetctl.release.repository import Outcome, add_delegation, following, opened, settle
from fleetctl.release.repository_client import MAX_CHANNELS, Trusted
from fleetctl.release.repository_view import holder
from fleetctl.release.repository_write import Hand, writing
from fleetctl.release.store import ReleaseStore
from fleetctl.trust.distinct_keys import check_distinct

TOP = ("root", "targets", "snapshot", "timestamp")


def add_channel(
    store: ReleaseStore, hand: Hand, channel: ChannelName, keys: Sequence[Key], threshold: int, now: datetime
) -> Outcome:
    """Make a channel: signed by the targets' keys, its first empty metadata by its own."""
    check_threshold(channel, keys, threshold)
    with writing(store):
        current = opened(store, hand)
        if channel in TOP or channel in current.channels:
            raise RefusedError(f"there is a role {channel}", hint="keys rotate changes its keys")
        if len(current.channels) >= MAX_CHANNELS:
            raise RefusedError(f"there are {MAX_CHANNELS} channels", hint="use one that is there")
        targets = following(current.targets, "targets", now)
        document = add_delegation(targets.signed, channel, list(keys), threshold, now)
        check_distinct(targets.signed.delegations.keys.values(), "the list of channels")
        return settle(
            store, hand, current, {"targets": targets, channel: document}, {}, now, f"make the channel {channel}"
        )


def change_keys(
    store: ReleaseStore,
    hand: Hand,
    role: str,
    *,
    add: Sequence[Key],
    remove: Sequence[str],
    threshold: int | None,
    now: datetime,
) -> Outcome:
    """Add keys to a role, remove others (by name or key id), set its threshold."""
    with writing(store):
        current = opened(store, hand)
        above = "root" if role in TOP else "targets"
        if role not in TOP and role not in current.channels:
            raise UsageError(
                f"there is no role {role[:40]}", hint=nearest_or_all(role, [*TOP, *current.channels], "roles")
            )
        document = following(current.document(above), above, now)
        said = _change(document.signed, role, add, remove, threshold)
        if document.signed.to_dict() | {"version": 0, "expires": ""} == (
            current.document(above).signed.to_dict() | {"version": 0, "expires": ""}
        ):
            return Outcome(change=said, state="unchanged", next_action="the role is so already")
        proposals = {above: document, **_signed_anew(current, above, document, now)}
        return settle(store, hand, current, proposals, {}, now, said)


def check_threshold(role: str, keys: Sequence[Key], threshold: int) -> None:
    """Raise `UsageError` for a threshold that the keys cannot meet, `VerificationError` for a key listed twice."""
    check_distinct(keys, f"the role {role}")
    if not 1 <= threshold <= len({key.keyid for key in keys}):
        raise UsageError(
            f"{role}: {threshold} signatures of {len(keys)} keys are not possible",
            hint="the threshold is 1 to the number of keys",
        )


def keys_of(signed: Root | Targets, role: str) -> list[Key]:
    """The keys of a role, as the one who delegates to it lists them."""
    listed = signed.keys if isinstance(signed, Root) else (signed.delegations.keys if signed.delegations else {})
    return [listed[keyid] for keyid in signed.get_delegated_role(role).keyids]


def _change(signed: Any, role: str, add: Sequence[Key], remove: Sequence[str], threshold: int | None) -> str:
    """Change `signed`; return what was done, in words."""
    leaving = [_named(keys_of(signed, role), role, name) for name in remove]
    delegated = signed.get_delegated_role(role)
    for key in leaving:
        signed.revoke_key(key.keyid, role)
    for key in add:
        signed.add_key(key, role)
    if threshold is not None:
        delegated.threshold = threshold
    check_threshold(role, keys_of(signed, role), delegated.threshold)
    everyone = signed.keys if isinstance(signed, Root) else signed.delegations.keys
    check_distinct(everyone.values(), f"the change of {role}")
    words = [f"add {holder(key)}" for key in add] + [f"remove {holder(key)}" for key in leaving]
    return f"keys of {role}: {', '.join([*words, f'threshold {delegated.threshold}'])}"


def _named(keys: Sequence[Key], role: str, name: str) -> Key:
    found = [key for key in keys if holder(key) == name or (len(name) >= 8 and key.keyid.startswith(name))]
    if len(found) != 1:
        known = [f"{holder(key)} ({key.keyid[:16]})" for key in keys]
        hint = f"its keys: {listed(known)}"
        if not found:
            raise UsageError(f"{role} has no key {name[:80]}", hint=nearest(name[:80], map(holder, keys), hint))
        raise UsageError(f"{role} has {len(found)} keys {name[:80]}", hint=hint)
    return found[0]


def _signed_anew(
    current: Trusted, above: str, document: Metadata[Any], now: datetime
) -> dict[str, Metadata[Any]]:  # fmt: skip
    """The next metadata of what would not hold any more. Snapshot and timestamp are renewed when it is published."""
    below = {"targets": current.targets} if above == "root" else dict(current.channels)
    return {
        name: following(each, name, now)
        for name, each in below.items()
        if not document.signed.get_verification_result(name, each.signed_bytes, each.signatures)
    }
