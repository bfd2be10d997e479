"""What this machine keeps of a site's rules when it makes them: a reference that nobody on the box can change."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from appliance.contract.model import Sha256Hex
from fleetctl import atomic
from fleetctl.errors import ConfigError
from fleetctl.models.site import Site

CHANGED_FILE = "the site file changed since the rules were made"


class IsolationRecord(BaseModel):
    """The rules that provisioning loaded, and what of the site file they were made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal["isolation/v1"] = "isolation/v1"
    site: str
    ruleset_digest: Sha256Hex
    spec_sha256: Annotated[Sha256Hex, Field(description="Of spec.networks and spec.egress, see `spec_sha256`.")]
    recorded_at: datetime


def spec_sha256(site: Site) -> str:
    """Digest of the part of the site file that decides the rules; names and order of rules are in them too."""
    spec = {"networks": site.spec.networks.model_dump(mode="json"), "egress": site.spec.egress.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(spec, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def record_isolation(state_dir: Path, site: Site, ruleset_digest: str) -> IsolationRecord:
    """Keep the digest; an equal record keeps its time. A damaged one is replaced: the rules were made this minute."""
    record = IsolationRecord(
        site=site.name,
        ruleset_digest=ruleset_digest,
        spec_sha256=spec_sha256(site),
        recorded_at=datetime.now(UTC),
    )
    try:
        earlier = read_isolation(state_dir, site.name)
    except ConfigError:
        earlier = None
    if earlier and earlier.model_copy(update={"recorded_at": record.recorded_at}) == record:
        return earlier
    path = _path(state_dir, site.name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    atomic.write_text(path, record.model_dump_json(indent=2) + "\n", mode=0o600)
    return record


def read_isolation(state_dir: Path, site: str) -> IsolationRecord | None:
    """The record of a site, None when this machine never provisioned it. Raises ConfigError for a damaged one."""
    path = _path(state_dir, site)
    try:
        return IsolationRecord.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise ConfigError(
            f"{path}: no record of the rules can be read from it", hint=f"fleetctl site provision {site} makes it anew"
        ) from error


def forget_isolation(state_dir: Path, site: str) -> bool:
    """Remove the record of a machine that is no more; whether there was one."""
    path = _path(state_dir, site)
    there = path.exists()
    path.unlink(missing_ok=True)
    return there


def _path(state_dir: Path, site: str) -> Path:
    return state_dir / "sites" / f"{site}.isolation.json"
