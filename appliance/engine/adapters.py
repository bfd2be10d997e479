"""LoRA adapters: which the seal names, where they are mounted, and that each is what its digest says.

An adapter's name in requests is the digest of its files, so it cannot mean anything else. On a sealed box the kernel
vouches for every block as well: the root hash of its mount is compared with the seal.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from appliance.contract.adapter import ADAPTER_FILES, digest_of
from appliance.contract.release import ADAPTER_FORMS
from appliance.contract.seal import Seal, SealedAdapter
from appliance.engine.settings import Settings
from appliance.errors import SealBrokenError, UnknownStateError, UsageError
from appliance.weights import SYSFS, root_hash

_HINT = "activate the release again, or provision the site again"


@dataclass(frozen=True)
class Adapter:
    """`name` is what a request calls it by: its digest. `kinds` of documents are drafted with it."""

    name: str
    directory: Path
    rank: int = 0
    kinds: tuple[str, ...] = ()


def digest(directory: Path, engine: str) -> str:
    """Return the digest of an adapter's files, in hexadecimal (`contract.adapter.digest_of`). Raises OSError."""
    found = []
    for name in ADAPTER_FILES[ADAPTER_FORMS[engine]]:
        with (directory / name).open("rb") as file:
            found.append((hashlib.file_digest(file, "sha256").hexdigest(), name))
    return digest_of(found)


def check(settings: Settings, seal: Path | None, sysfs: Path = SYSFS) -> tuple[Adapter, ...]:
    """Return the adapters that this engine serves: those of the seal, at the place that each has in it.

    Without `require_verity` (an evaluation, a test) those that the settings name, at the places 0, 1, … Raises
    UnknownStateError when one cannot be read, SealBrokenError when another is mounted, UsageError for a rank that the
    engine is not started with.
    """
    if not settings.require_verity:
        return tuple(
            Adapter(name, _own(settings, place, name), settings.adapter_rank, kinds)
            for place, (name, kinds) in enumerate(settings.adapters.items())
        )
    return tuple(_checked(settings, place, each, sysfs) for place, each in enumerate(_sealed(seal)))


def _sealed(seal: Path | None) -> tuple[SealedAdapter, ...]:
    if seal is None:
        raise UnknownStateError("no seal was given to this service", hint="start it through its systemd unit")
    try:
        return Seal.model_validate_json(seal.read_bytes()).adapters
    except (OSError, ValidationError):
        raise UnknownStateError("the seal is not understood", hint="provision the site again") from None


def _own(settings: Settings, place: int, name: str) -> Path:
    """Where the adapter is mounted, when its files are those that its name says."""
    directory = Path(settings.adapter_dir) / str(place)
    try:
        seen = digest(directory, settings.engine)
    except OSError as error:
        raise UnknownStateError(f"adapter {name[:12]} cannot be read: {error.strerror}", hint=_HINT) from None
    if seen != name:
        raise SealBrokenError(f"{directory} holds the adapter {seen}, wanted is {name}", hint=_HINT)
    return directory


def _checked(settings: Settings, place: int, sealed: SealedAdapter, sysfs: Path) -> Adapter:
    directory = _own(settings, place, sealed.digest)
    found, source = root_hash(directory, sysfs)
    if found is None:
        raise UnknownStateError(f"adapter {sealed.name} is not verified by the kernel: {source}", hint=_HINT)
    if found != sealed.root_hash:
        raise SealBrokenError(f"{directory} has root hash {found}, sealed is {sealed.root_hash}", hint=_HINT)
    if sealed.rank > settings.adapter_rank:
        raise UsageError(
            f"adapter {sealed.name} has rank {sealed.rank}; adapter_rank is {settings.adapter_rank}",
            hint="raise adapter_rank in the drafting settings",
        )
    return Adapter(sealed.digest, directory, sealed.rank, sealed.kinds)
