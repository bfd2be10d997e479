"""Generates docs/reference/files.md, every key that people write: `python -m fleetctl.models.reference FILE`."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fleetctl.models.alerts import AlertPolicy, Silence
from fleetctl.models.base import Resource
from fleetctl.models.fleet import Fleet
from fleetctl.models.holds import SiteHold, SitePin
from fleetctl.models.profile import HardwareProfile
from fleetctl.models.rollout import RolloutPolicy
from fleetctl.models.site import Site
from fleetctl.planning.figures import SiteMeasurements
from fleetctl.planning.scenario import CostScenario

FILES: tuple[tuple[str, type[Resource]], ...] = (
    ("fleet.yaml", Fleet),
    ("sites/NAME.yaml", Site),
    ("profiles/NAME.yaml", HardwareProfile),
    ("policies/alerts.yaml", AlertPolicy),
    ("policies/silences/NAME.yaml", Silence),
    ("policies/rollouts/NAME.yaml", RolloutPolicy),
    ("policies/holds/SITE.yaml", SiteHold),
    ("policies/pins/SITE.yaml", SitePin),
    ("FILE of `fleetctl profile size --measured`", SiteMeasurements),
    ("FILE of `fleetctl profile roi --scenario`", CostScenario),
)

HEADER = """\
# Files of a fleet directory

Generated from the models by `make docs`; a test fails when it drifts.

Unknown keys are refused with their line and the nearest right key. YAML is read strictly: no anchors, aliases, tags or
duplicate keys; `no` and `on` are text, and so are digits with a leading zero.
"""


def reference() -> str:
    """The whole page."""
    lines = [HEADER]
    for file, model in FILES:
        schema = model.model_json_schema(by_alias=True)
        lines += [f"## {file}", "", inspect.cleandoc(model.__doc__ or ""), ""]
        lines += ["| Key | Type | Default | Meaning |", "|---|---|---|---|"]
        lines += [*_rows(schema, schema["$defs"], ""), ""]
    return "\n".join(lines).rstrip() + "\n"


def _rows(schema: dict[str, Any], definitions: dict[str, Any], prefix: str) -> Iterator[str]:
    """One row a key, depth first; a list's items stand under `key[]`."""
    for key, declared in schema.get("properties", {}).items():
        field = _without_null(declared)
        path = f"{prefix}{key}"
        needed = key in schema.get("required", [])
        item = _definition(field.get("items", {}), definitions)
        own = _definition(field, definitions)
        meaning = field.get("description") or (own or item or {}).get("description", "")
        yield f"| `{path}` | {_type(field, definitions)} | {_default(field, needed)} | {_cell(meaning)} |"
        if own is not None:
            yield from _rows(own, definitions, f"{path}.")
        if item is not None:
            yield from _rows(item, definitions, f"{path}[].")


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """An optional key's schema as that of the value it takes: the null beside it is its default."""
    kinds = [kind for kind in field.get("anyOf", []) if kind != {"type": "null"}]
    own = {"description": field["description"]} if "description" in field else {}
    return {**field, **kinds[0], **own} if kinds else field


def _definition(field: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any] | None:
    reference = field.get("$ref", "")
    found: dict[str, Any] | None = definitions.get(reference.removeprefix("#/$defs/"))
    return found


def _type(field: dict[str, Any], definitions: dict[str, Any]) -> str:
    if _definition(field, definitions) is not None:
        return "mapping"
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_type(field['items'], definitions)}"
    if field.get("type") == "object":
        return "mapping of text"
    name = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return name[field["type"]] + _bounds(field)


def _bounds(field: dict[str, Any]) -> str:
    least, most = field.get("minimum"), field.get("maximum")
    if least is not None and most is not None:
        return f", {least} to {most}"
    return f", at least {least}" if least is not None else ""


def _default(field: dict[str, Any], needed: bool) -> str:
    if needed:
        return "required"
    default = field.get("default")
    if isinstance(default, dict):
        given = [f"`{key}: {json.dumps(value)}`" for key, value in default.items() if value is not None]
        return ", ".join(given) or "empty"
    return f"`{default}`" if default is not None else "empty"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(reference(), encoding="utf-8")
