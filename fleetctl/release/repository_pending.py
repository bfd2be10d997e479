"""Changes that wait for signatures: `pending/VERSION.ROLE.json`, the next metadata of a role with those it has so far.

The files are in git: the next person gets them there, repeats the command, and thereby signs the same change. Nothing
of them counts before the thresholds are met.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Targets, VerificationResult

from appliance.contract.revocation import REVOKED_FIELD
from fleetctl.errors import ConfigError, RefusedError
from fleetctl.release.repository_client import LIMITS, Trusted
from fleetctl.release.repository_view import holder
from fleetctl.release.store import ReleaseStore

Documents = Mapping[str, Metadata[Any]]
Assumed = Mapping[str, Collection[str]]
"""Role → ids of keys that are at hand: a dry run counts them as if they had signed."""
DAYS = {"root": 730, "snapshot": 180, "timestamp": 180}
CHANNEL_DAYS = 365
_NAME = re.compile(r"^([1-9][0-9]{0,8})\.([a-z][a-z0-9-]{0,30})\.json$")


class Signatures(BaseModel):
    """How far the signatures of one role are."""

    role: str
    version: int
    signed_by: list[str]
    wanted: int
    missing: int

    def text(self) -> str:
        """`stable 4: 1 of 2 signatures (anna)`."""
        names = f" ({', '.join(self.signed_by)})" if self.signed_by else ""
        return f"{self.role} {self.version}: {self.wanted - self.missing} of {self.wanted} signatures{names}"


def until(role: str, now: datetime) -> datetime:
    """When metadata that is made now ends."""
    return (now + timedelta(days=DAYS.get(role, CHANNEL_DAYS))).replace(microsecond=0)


def folder(store: ReleaseStore) -> Path:
    """Where changes wait."""
    return store.folder / "pending"


def path_of(store: ReleaseStore, role: str, document: Metadata[Any]) -> Path:
    """Where one waits."""
    return folder(store) / f"{document.signed.version}.{role}.json"


def pending(store: ReleaseStore, current: Trusted | None) -> dict[str, Metadata[Any]]:
    """Role → what waits, of the next version each. Raises `ConfigError` for what is not readable or too old."""
    found: dict[str, Metadata[Any]] = {}
    for path in sorted(folder(store).glob("*.json")):
        match = _NAME.match(path.name)
        if match is None:
            continue
        document = _read(path, match[2], int(match[1]))
        known = None if current is None else _known(current, match[2])
        if known is not None and known.to_bytes() == document.to_bytes():
            continue  # published by a run that was cut off before it tidied up
        if document.signed.version != (known.signed.version if known else 0) + 1 or match[2] in found:
            raise ConfigError(
                f"{path} does not follow what is published (version {known.signed.version if known else 0})",
                hint=f"another change was published meanwhile: rm {path}, and make this one again",
            )
        found[match[2]] = document
    return found


def _read(path: Path, role: str, version: int) -> Metadata[Any]:
    with path.open("rb") as file:
        content = file.read(LIMITS.targets_max_length + 1)
    try:
        document: Metadata[Any] = Metadata.from_bytes(content)
    except RepositoryError:
        raise ConfigError(f"{path} is no metadata", hint="get it from git again, or remove it") from None
    wanted = Root if role == "root" else Targets
    if not isinstance(document.signed, wanted) or document.signed.version != version or len(document.signatures) > 64:
        raise ConfigError(f"{path} is not metadata {version} of {role}", hint="get it from git again, or remove it")
    return document


def _known(current: Trusted, role: str) -> Metadata[Any] | None:
    try:
        return current.document(role)
    except KeyError:
        return None


def joined(
    store: ReleaseStore, waiting: Documents, proposed: Documents, now: datetime
) -> dict[str, Metadata[Any]]:  # fmt: skip
    """`proposed`, or in its place what waits and says the same: then the signatures there are kept.

    Raises `RefusedError` when something else waits in one of these roles: whoever signs, signs what he asked for.
    """
    out = {}
    for role, document in proposed.items():
        other = waiting.get(role)
        if other is None:
            out[role] = document
            continue
        path = path_of(store, role, other)
        if _substance(other) != _substance(document):
            raise RefusedError(
                f"another change of {role} waits for signatures: {path}",
                hint=f"finish it first (fleetctl release list shows it), or withdraw it: rm {path}",
            )
        if not now < other.signed.expires <= until(role, now) + timedelta(days=1):
            raise RefusedError(
                f"{path} would be good until {other.signed.expires:%Y-%m-%d}", hint=f"rm {path}, and make it again"
            )
        out[role] = other
    return out


def _substance(document: Metadata[Any]) -> dict[str, Any]:
    """What a person agrees to: all but the moments at which two people make the same change."""
    said: dict[str, Any] = document.signed.to_dict()
    said.pop("expires")
    if REVOKED_FIELD in said:
        said[REVOKED_FIELD] = [{key: each[key] for key in each if key != "at"} for each in said[REVOKED_FIELD]]
    return said


def signatures(
    role: str, documents: Documents, current: Trusted | None, assumed: Assumed | None = None
) -> Signatures:  # fmt: skip
    """How far a pending role is, among the others that wait."""
    document = documents[role]
    results = list(_results(role, documents, current, assumed or {}))
    worst = max(results, key=lambda each: each.missing)
    names = sorted({holder(key) for each in results for key in each.signed.values()})
    return Signatures(
        role=role,
        version=document.signed.version,
        signed_by=names,
        wanted=worst.threshold,
        missing=max(worst.missing, 0),
    )


def key_ids(role: str, documents: Documents, current: Trusted | None) -> list[str]:
    """Whose signatures may count for a role: those of now and those of the change that waits."""
    found: dict[str, None] = {}
    for delegator in _delegators(role, documents, current):
        try:
            found |= dict.fromkeys(delegator.get_delegated_role(role).keyids)
        except ValueError:
            continue  # the channel is new: the published list does not have it
    return list(found)


def ready(documents: Documents, current: Trusted | None, assumed: Assumed | None = None) -> set[str]:
    """The roles that can be published now, together: each signed as it has to be, and none left unsigned by them."""
    for roots in ({"root"}, set()):
        for lists in ({"targets"}, set()):
            chosen = (roots | lists) & documents.keys()
            if roots | lists != chosen:
                continue
            if (found := _together(chosen, documents, current, assumed or {})) is not None:
                return found
    return set()


def _together(
    chosen: set[str], documents: Documents, current: Trusted | None, assumed: Assumed
) -> set[str] | None:  # fmt: skip
    """`chosen` and the channels that fit it; None when something would be left without valid signatures."""
    if current is None and chosen != {"root", "targets"}:
        return None
    root: Metadata[Any] = documents["root"] if "root" in chosen else cast(Trusted, current).root
    targets: Metadata[Any] = documents["targets"] if "targets" in chosen else cast(Trusted, current).targets
    if "root" in chosen and not all(_root_results(root, current, assumed)):
        return None
    if not _result(root.signed, "targets", targets, assumed if "targets" in chosen else {}):
        return None
    channels = set()
    for name in targets.signed.delegations.roles if targets.signed.delegations else ():
        if name in documents and _result(targets.signed, name, documents[name], assumed):
            channels.add(name)
        elif (
            current is None
            or name not in current.channels
            or not _result(targets.signed, name, current.channels[name], {})
        ):
            return None
    return chosen | channels


def _root_results(
    root: Metadata[Root], current: Trusted | None, assumed: Assumed
) -> tuple[VerificationResult, VerificationResult]:
    """What the published root says of the next one, and what that says of itself."""
    previous = None if current is None else current.root.signed
    both = root.signed.get_root_verification_result(previous, root.signed_bytes, root.signatures)
    return _counting(both.first, "root", assumed), _counting(both.second, "root", assumed)


def _result(delegator: Any, role: str, document: Metadata[Any], assumed: Assumed) -> VerificationResult:
    found = delegator.get_verification_result(role, document.signed_bytes, document.signatures)
    return _counting(found, role, assumed)


def _counting(found: VerificationResult, role: str, assumed: Assumed) -> VerificationResult:
    """The result with the keys at hand among those that have signed."""
    at_hand = {keyid: key for keyid, key in found.unsigned.items() if keyid in assumed.get(role, ())}
    unsigned = {keyid: key for keyid, key in found.unsigned.items() if keyid not in at_hand}
    return VerificationResult(found.threshold, {**found.signed, **at_hand}, unsigned)


def _results(
    role: str, documents: Documents, current: Trusted | None, assumed: Assumed
) -> Iterator[VerificationResult]:  # fmt: skip
    document = documents[role]
    if role == "root":
        yield from _root_results(document, current, assumed)
        return
    newest = list(_delegators(role, documents, current))[-1]
    yield _result(newest, role, document, assumed)


def _delegators(role: str, documents: Documents, current: Trusted | None) -> Iterator[Any]:
    """Who says whose keys count for a role: the published, then the pending one."""
    above = "root" if role in ("root", "targets", "snapshot", "timestamp") else "targets"
    if current is not None:
        yield current.document(above).signed
    if above in documents:
        yield documents[above].signed
