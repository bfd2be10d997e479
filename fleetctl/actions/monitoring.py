"""`monitoring export`: writes what Prometheus and Grafana read, and says what changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from fleetctl import atomic
from fleetctl.errors import UsageError
from fleetctl.models.site import Site
from fleetctl.monitoring import dashboards, discovery, prometheus, rules

HEADER = "# Made by `fleetctl monitoring export`; changes here are undone by the next one.\n"
# What an export wrote, so that the next one can remove what is no longer wanted, and nothing else.
LISTED = ".fleetctl-export.json"


class Exported(BaseModel):
    """Files by what happened to them, relative to the folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    sites: int
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]


def documents(
    fleet: str,
    sites: Sequence[Site],
    authority_pem: str,
    *,
    alertmanagers: Sequence[str] = (),
    region_label: str | None = None,
    remote_write: str | None = None,
) -> dict[str, str]:
    """Relative path → content of everything that is exported."""
    found = {
        "prometheus.yml": _yaml(prometheus.server(fleet, alertmanagers)),
        prometheus.RULES: _yaml(rules.rules()),
        prometheus.TARGETS: _json(discovery.targets(fleet, sites)),
        prometheus.TLS["ca_file"]: authority_pem,
    }
    found |= {f"dashboards/{name}": _json(board) for name, board in dashboards.dashboards().items()}
    if region_label is not None:
        if remote_write is None:
            raise UsageError("a region's agent needs a place to write to", hint="--remote-write https://…/api/v1/write")
        for region, members in prometheus.by_region(sites, region_label).items():
            found[f"targets/{region}.json"] = _json(discovery.targets(fleet, members))
        for region, document in prometheus.agents(fleet, sites, region_label, remote_write).items():
            found[f"agents/{region}.yml"] = _yaml(_from_below(document))
    return found


def export(folder: Path, wanted: dict[str, str], sites: int, *, dry_run: bool = False) -> Exported:
    """Write what differs, remove what an earlier export wrote and this one does not. Files of others stay."""
    before = _listed(folder)
    written = [name for name, text in wanted.items() if _read(folder / name) != text]
    removed = [name for name in before if name not in wanted and (folder / name).is_file()]
    if not dry_run:
        folder.mkdir(parents=True, exist_ok=True)
        # First the list: a file of an interrupted export is then known to the next.
        atomic.write_text(folder / LISTED, _json(sorted({*wanted, *before})))
        for name in written:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            atomic.write_text(folder / name, wanted[name])
        for name in removed:
            (folder / name).unlink()
        atomic.write_text(folder / LISTED, _json(sorted(wanted)))
    unchanged = [name for name in wanted if name not in written]
    return Exported(
        folder=folder, sites=sites, written=tuple(written), unchanged=tuple(unchanged), removed=tuple(removed)
    )


def _listed(folder: Path) -> list[str]:
    try:
        names = json.loads((folder / LISTED).read_text())
    except (OSError, ValueError):
        return []
    # The list is a file that anybody may have touched: it leads nowhere but into the folder.
    return (
        [name for name in names if isinstance(name, str) and _is_inside(folder, name)]
        if isinstance(names, list)
        else []
    )


def _is_inside(folder: Path, name: str) -> bool:
    return (folder / name).resolve().is_relative_to(folder.resolve())


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return None


def _from_below(document: dict[str, Any]) -> dict[str, Any]:
    """The same for a configuration in a folder below: Prometheus reads paths relative to its configuration."""
    (scrape,) = document["scrape_configs"]
    tls = {key: f"../{value}" if key.endswith("_file") else value for key, value in scrape["tls_config"].items()}
    files = [{"files": [f"../{name}" for name in one["files"]]} for one in scrape["file_sd_configs"]]
    return document | {"scrape_configs": [scrape | {"tls_config": tls, "file_sd_configs": files}]}


def _yaml(document: Any) -> str:
    return HEADER + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=160)


def _json(document: Any) -> str:
    return json.dumps(document, indent=1, ensure_ascii=True) + "\n"
