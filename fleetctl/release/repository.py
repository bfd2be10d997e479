"""Changes of the release repository: create it, put releases into channels, take them back, renew what ends.

Each change is proposed as the next metadata of a role, signed with the keys that are at hand, and published as soon as
the thresholds are met. Who repeats the command with other keys adds his signatures to the same change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, TypeAdapter, ValidationError
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Root, TargetFile, Targets

from appliance.contract.release import MAX_MANIFEST_BYTES, Line, bom_target, manifest_target
from appliance.contract.revocation import MAX_REVOKED, REVOKED_FIELD, Revocation, revocations, revoked_field
from fleetctl.errors import ConfigError, RefusedError, UsageError, VerificationError
from fleetctl.nearest import nearest_or_all
from fleetctl.release.repository_client import COMMIT_PLAN, Trusted, delegations, trusted
from fleetctl.release.repository_drafts import (
    Draft,
    check_images,
    check_place,
    checked_name,
    find_release,
    read_draft,
)
from fleetctl.release.repository_pending import (
    Documents,
    Signatures,
    folder,
    joined,
    key_ids,
    path_of,
    pending,
    ready,
    signatures,
    until,
)
from fleetctl.release.repository_view import MAX_BOM_BYTES, holder, read_target, view_of
from fleetctl.release.repository_write import Hand, KeysElsewhere, commit, finish, keys_elsewhere, writing
from fleetctl.release.store import ReleaseStore

_LINE: TypeAdapter[str] = TypeAdapter(Line)


class Outcome(BaseModel):
    """What a change came to. `waiting`: roles whose signatures are not complete; `next_action` says what is to do.

    Of a dry run, all of it is what would come of the change with the keys at hand.
    """

    change: str
    state: Literal["published", "waiting", "unchanged", "dry run"]
    signed_with: list[str] = []
    published: list[str] = []
    waiting: list[Signatures] = []
    next_action: str = ""

    def text(self) -> str:
        """For a person."""
        lines = [f"{self.change}: {self.state}"]
        looked = self.state == "dry run"
        if self.signed_with:
            lines.append(f"{'would be signed' if looked else 'signed'} with: {', '.join(self.signed_with)}")
        if self.published:
            lines.append(f"{'would be published' if looked else 'published'}: {', '.join(self.published)}")
        lines += [f"{'would wait' if looked else 'waits'}: {each.text()}" for each in self.waiting]
        return "\n".join(
            [*lines, *([f"{'then' if looked else 'next'}: {self.next_action}"] if self.next_action else [])]
        )


def sign(store: ReleaseStore, hand: Hand, name: str, channel: str, now: datetime) -> Outcome:
    """Put a draft into a channel, signed by the channel's keys."""
    with writing(store):
        current = opened(store, hand)
        draft = read_draft(store, name)
        return _include(store, hand, current, channel, draft, now)


def approve(store: ReleaseStore, hand: Hand, name: str, source: str, channel: str, now: datetime) -> Outcome:
    """Put a release that is published in `source` into `channel`, the same bytes, signed by this channel's keys."""
    if source == channel:
        raise UsageError("a release is approved from one channel for another", hint="--from candidate --channel stable")
    with writing(store):
        current = opened(store, hand)
        found = find_release(store, view_of(store, current), source, checked_name(name))
        listed = current.channels[source].signed.targets
        manifest_bytes = read_target(store, listed[manifest_target(source, name)], MAX_MANIFEST_BYTES)
        bom = read_target(store, listed[bom_target(source, name)], MAX_BOM_BYTES)
        if found.manifest is None:
            raise RefusedError(f"{name} has no manifest", hint="fleetctl release verify")
        return _include(store, hand, current, channel, Draft(found.manifest, manifest_bytes, bom), now)


def revoke(store: ReleaseStore, hand: Hand, name: str, channel: str, reason: str, now: datetime) -> Outcome:
    """Take a release back from a channel. Its name and sequence are used up; boxes are told by the next metadata."""
    change = f"revoke {name} from {channel}"
    try:
        _LINE.validate_python(reason)
    except ValidationError:
        raise UsageError("the reason is no line of text", hint="1 to 300 characters, no line end") from None
    with writing(store):
        current = opened(store, hand)
        view = view_of(store, current)
        for each in view.of(channel):
            if each.name == name and each.revoked is not None:
                return Outcome(change=change, state="unchanged", next_action=f"was revoked: {each.revoked.reason}")
        found = find_release(store, view, channel, checked_name(name))
        document = following(current.channels[channel], channel, now)
        for path in (manifest_target(channel, name), bom_target(channel, name)):
            del document.signed.targets[path]
        known = revocations(document.signed.unrecognized_fields)
        if len(known) >= MAX_REVOKED:
            raise RefusedError(f"{channel} has {len(known)} revoked releases", hint="make a new channel")
        entry = Revocation(
            name=name, sequence=found.sequence, digest=found.digest, at=now.replace(microsecond=0), reason=reason
        )
        document.signed.unrecognized_fields[REVOKED_FIELD] = revoked_field((*known, entry))
        return settle(store, hand, current, {channel: document}, {}, now, change)


def refresh(store: ReleaseStore, hand: Hand, roles: list[str], now: datetime) -> Outcome:
    """Renew snapshot and timestamp, and the metadata of `roles` as it is; publish what has its signatures by now."""
    change = f"refresh {', '.join(['snapshot', 'timestamp', *roles])}"
    with writing(store):
        current = opened(store, hand)
        proposals = {}
        for role in dict.fromkeys(roles):
            if role in ("snapshot", "timestamp"):
                continue
            if role not in ("root", "targets") and role not in current.channels:
                known = ["root", "targets", *current.channels]
                raise UsageError(f"there is no role {role[:40]}", hint=nearest_or_all(role, known, "roles"))
            proposals[role] = following(current.document(role), role, now)
        return settle(store, hand, current, proposals, {}, now, change, renew=True)


def create(
    store: ReleaseStore, hand: Hand, documents: Documents, now: datetime, *, confirmed: str | None = None
) -> Outcome:
    """Make the repository of its first `documents`, or add signatures to the same ones that wait.

    Who was not there when they were made has no `documents`, and says by `confirmed` (see `ceremony`) which he means:
    raises `RefusedError` with what waits when it is another one, or none was said.
    """
    check_new(store)
    with writing(store):
        if finish(store, hand):
            return Outcome(change="create the repository", state="published")
        waiting = pending(store, None)
        if not documents:
            if "root" not in waiting:
                raise ConfigError("no repository waits for signatures", hint="fleetctl release keys init makes one")
            if confirmed != (digest := ceremony(waiting)):
                raise RefusedError(
                    f"a first root waits for signatures, SHA-256 {digest}: {_described(waiting)}",
                    hint="compare this with who made it, not by way of git; then: "
                    f"fleetctl release keys init --confirm {digest}",
                )
        done = settle(store, hand, None, documents or waiting, {}, now, "create the repository")
        if any(each.missing for each in done.waiting):
            digest = ceremony({**documents, **pending(store, None)})
            done.next_action = (
                f"commit the fleet directory to git; tell the next holder of a key SHA-256 {digest}, who then runs: "
                f"fleetctl release keys init --confirm {digest}"
            )
        return done


def ceremony(documents: Documents) -> str:
    """SHA-256 of all first metadata without signatures: what people tell each other before they sign it."""
    parts = [role.encode() + b"\n" + documents[role].signed_bytes for role in sorted(documents)]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()


def _described(documents: Documents) -> str:
    """`root 2 of anna, ben, carla; targets 1 of …`."""
    words = []
    for signed in (documents[role].signed for role in ("root", "targets") if role in documents):
        listed = signed if isinstance(signed, Root) else signed.delegations
        for name, role in listed.roles.items():
            names = ", ".join(holder(listed.keys[keyid]) for keyid in role.keyids)
            words.append(f"{name} {role.threshold} of {names}")
    return "; ".join(words)


def waits_for_signatures(store: ReleaseStore) -> bool:
    """Whether `create` goes on with what lies there, and needs no documents."""
    return any((folder(store) / name).exists() for name in ("1.root.json", COMMIT_PLAN))


def check_new(store: ReleaseStore) -> None:
    """Raise `RefusedError` when the fleet has a repository: its root is what every box has pinned."""
    if (store.folder / "root.json").exists():
        raise RefusedError(
            f"the fleet has a release repository: {store.folder / 'root.json'}",
            hint="fleetctl release keys show; keys rotate changes keys",
        )


def first(roles: Mapping[str, tuple[list[Any], int]], now: datetime) -> dict[str, Metadata[Any]]:
    """The first metadata of every role. `roles`: name → keys and threshold; all but the four of TUF are channels."""
    root, targets = Root(expires=until("root", now)), Targets(expires=until("targets", now))
    top = {name: roles[name] for name in ("root", "targets", "snapshot", "timestamp")}
    for name, (keys, threshold) in top.items():
        for key in keys:
            root.add_key(key, name)
        root.roles[name].threshold = threshold
    targets.delegations = Delegations({}, roles={})
    documents: dict[str, Metadata[Any]] = {"root": Metadata(root), "targets": Metadata(targets)}
    for name, (keys, threshold) in roles.items():
        if name not in top:
            documents[name] = add_delegation(targets, name, keys, threshold, now)
    return documents


def add_delegation(targets: Targets, name: str, keys: list[Any], threshold: int, now: datetime) -> Metadata[Targets]:
    """Make a channel in `targets`; return its first, empty metadata."""
    if targets.delegations is None or targets.delegations.roles is None:
        targets.delegations = Delegations({}, roles={})
    role = DelegatedRole(name, [], threshold, True, paths=[f"{name}/*/*"])
    cast("dict[str, DelegatedRole]", targets.delegations.roles)[name] = role
    for key in keys:
        targets.add_key(key, name)
    return Metadata(Targets(expires=until(name, now)))


def following(document: Metadata[Any], role: str, now: datetime) -> Metadata[Any]:
    """The next version of a role's metadata, unsigned."""
    out = deepcopy(document)
    out.signed.version += 1
    out.signed.expires = until(role, now)
    out.signatures.clear()
    return out


def settle(
    store: ReleaseStore,
    hand: Hand,
    current: Trusted | None,
    proposed: Documents,
    files: Mapping[Path, bytes],
    now: datetime,
    change: str,
    *,
    renew: bool = False,
) -> Outcome:
    """Sign what is proposed, keep it, and publish all that has its signatures."""
    waiting = pending(store, current)
    mine = joined(store, waiting, proposed, now)
    documents = {**waiting, **mine}
    names: dict[str, None] = {}
    assumed: dict[str, list[str]] = {}
    for role, document in mine.items():
        names |= dict.fromkeys(hand.sign(document, key_ids(role, documents, current)))
        assumed[role] = [] if hand.publishes else list(hand.keyring.records())
    roles = ready(documents, current, assumed)
    if mine and not names and not mine.keys() <= roles:
        raise UsageError(
            f"{change}: no key of {' or '.join(mine)} is at hand",
            hint="--keys-dir names a folder with one; fleetctl release keys show lists who may sign",
        )
    done = {role: document for role, document in documents.items() if role in roles}
    left = [signatures(role, documents, current, assumed) for role in documents if role not in done]
    out = Outcome(change=change, state="published", signed_with=list(names), waiting=left)
    if any(each.role in mine for each in left):
        out.state = "waiting"
        out.next_action = "commit the fleet directory to git; the next holder of a key repeats this command"
    if not hand.publishes:
        return _looked(hand, current, done, out, renew=renew)
    for path, content in files.items():
        hand.write(path, content)
    for role, document in sorted(mine.items(), key=lambda each: (each[0] == "root", each[0] == "targets")):
        hand.write(path_of(store, role, document), document.to_bytes())
    if current is not None and done:
        _readable(store, current, done)
    try:
        if done or renew:
            commit(store, hand, current, done, now, renew=renew)
        out.published = _published(done, renew)
    except KeysElsewhere as reason:
        _elsewhere(out, str(reason), renew)
    return out


def _looked(hand: Hand, current: Trusted | None, done: Documents, out: Outcome, *, renew: bool) -> Outcome:
    """The outcome of a dry run: what the same command would publish without --dry-run, and what would wait."""
    out.state = "dry run"
    if done or renew:
        if reason := keys_elsewhere(hand, current, done, renew=renew):
            _elsewhere(out, reason, renew)
        else:
            out.published = _published(done, renew)
    return out


def _published(done: Documents, renew: bool) -> list[str]:
    named = [f"{role} {document.signed.version}" for role, document in done.items()]
    return [*named, *(["snapshot", "timestamp"] if renew else [])]


def _elsewhere(out: Outcome, reason: str, renew: bool) -> None:
    """It is signed, and cannot be published here. Raises `ConfigError` when publishing was all that was wanted."""
    if renew:
        raise ConfigError(
            f"nothing was renewed: {reason}",
            hint="--keys-dir names the folder with the keys of snapshot and timestamp",
        ) from None
    out.state = "waiting" if out.state == "published" else out.state
    out.next_action = f"what is signed is not published here ({reason}): fleetctl release refresh, where the keys are"


def _readable(store: ReleaseStore, current: Trusted, done: Documents) -> None:
    """Raise `VerificationError` when what is to be published could not be read afterwards, whoever signed it."""
    targets = done.get("targets", current.targets)
    channels = {name: done.get(name, current.channels.get(name)) for name in delegations(targets.signed)}
    try:
        view_of(store, replace(current, targets=targets, channels=cast("dict[str, Metadata[Targets]]", channels)))
    except VerificationError as error:
        names = " ".join(str(path_of(store, role, document)) for role, document in done.items())
        raise VerificationError(
            f"what waits is signed, and nobody could read it: {error.message}", hint=f"ask who signed it; rm {names}"
        ) from None


def opened(store: ReleaseStore, hand: Hand) -> Trusted:
    """What is published, after what a run that was cut off had left to do."""
    if hand.publishes:
        finish(store, hand)
    return trusted(store)


def _include(
    store: ReleaseStore, hand: Hand, current: Trusted, channel: str, draft: Draft, now: datetime
) -> Outcome:  # fmt: skip
    manifest = draft.manifest
    change = f"{manifest.name} into {channel}"
    if check_place(view_of(store, current), channel, manifest):
        return Outcome(change=change, state="unchanged", next_action="it is in the channel already")
    check_images(store, manifest)
    document = following(current.channels[channel], channel, now)
    files = {}
    for path, content in (
        (manifest_target(channel, manifest.name), draft.manifest_bytes),
        (bom_target(channel, manifest.name), draft.bom),
    ):
        document.signed.targets[path] = TargetFile.from_data(path, content, ["sha256"])
        files[store.targets / path] = content
    return settle(store, hand, current, {channel: document}, files, now, change)
