"""The root metadata that a box is given at provisioning, and trusts releases by."""

from __future__ import annotations

import re

from fleetctl.errors import ConfigError
from fleetctl.release.store import ReleaseStore

_NAME = re.compile(r"^([1-9][0-9]{0,8})\.root\.json$")
_MAX_BYTES = 1 << 19


def newest_root(store: ReleaseStore) -> bytes | None:
    """Return the newest root of the fleet's repository, None while it has none. Raises ConfigError for a damaged one.

    A box walks from it to later ones by itself; the newest spares a box that is provisioned anew the older ones.
    """
    found = {int(match[1]): path for path in store.metadata.glob("*.root.json") if (match := _NAME.match(path.name))}
    if not found:
        return None
    from tuf.api.exceptions import RepositoryError
    from tuf.api.metadata import Metadata, Root

    version = max(found)
    path = found[version]
    hint = "take the releases folder from git: fleetctl release list verifies it"
    try:
        content = path.read_bytes()
        root = Metadata[Root].from_bytes(content)
        if len(content) > _MAX_BYTES or root.signed.version != version:
            raise ConfigError(f"{path}: holds version {root.signed.version} in {len(content)} bytes", hint=hint)
        root.verify_delegate(Root.type, root)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", hint=hint) from None
    except RepositoryError as error:
        raise ConfigError(f"{path}: {error}"[:300], hint=hint) from None
    return content
