"""Reads YAML into plain data plus the line of every key, and refuses what is ambiguous or dangerous.

Refused: aliases and anchors (they can grow without bound), tags, duplicate keys, keys that are not text, several
documents, depth above 20. Scalars follow YAML 1.2's core schema, so that `no` stays text and `52:54:00:12:34:56` does
not become a number in base 60, and digits with a leading zero (serials) stay text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_DEPTH = 20

Path = tuple[str | int, ...]


class YamlProblem(Exception):
    """What is wrong, and on which line (counted from 1)."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass
class Located:
    """Plain data, and the line of each path in it."""

    data: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """The line of `path`, or of the nearest thing around it that exists."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1


TAG = "tag:yaml.org,2002:"
CORE_SCHEMA = (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", r"^[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$", list("-+0123456789")),
)


class _CoreLoader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012 - overrides PyYAML's own attribute, filled below


for _name, _pattern, _first in CORE_SCHEMA:
    _CoreLoader.add_implicit_resolver(TAG + _name, re.compile(_pattern), _first)


def parse(text: str) -> Located:
    """`text` as data with lines. Raises `YamlProblem`."""
    try:
        _refuse_references(text)
        root = yaml.compose(text, Loader=_CoreLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlProblem(mark.line + 1 if mark else 1, error.problem or "not valid YAML") from None
    except yaml.YAMLError as error:
        raise YamlProblem(1, str(error).splitlines()[0]) from None
    located = Located(None)
    if root is not None:
        located.data = _value(root, (), located)
    return located


def _line(thing: yaml.Event | yaml.Node) -> int:
    return thing.start_mark.line + 1 if thing.start_mark else 1


def _refuse_references(text: str) -> None:
    # On the event stream, before anything is built: an alias costs nothing here.
    depth = 0
    for event in yaml.parse(text, Loader=_CoreLoader):
        line = _line(event)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise YamlProblem(line, "anchors and aliases (& and *) are not allowed; write the value out")
        if tag := getattr(event, "tag", None):
            raise YamlProblem(line, f"tags are not allowed: {tag}")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise YamlProblem(line, f"nested deeper than {MAX_DEPTH} levels")


def _value(node: yaml.Node, path: Path, located: Located) -> Any:
    located.lines.setdefault(path, _line(node))
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            if not (isinstance(key_node, yaml.ScalarNode) and key_node.tag == f"{TAG}str"):
                raise YamlProblem(line, "a key must be text; put it in quotes")
            key = key_node.value
            if key in result:
                first = located.lines[(*path, key)]
                raise YamlProblem(line, f"key {key} stands twice (first on line {first})")
            located.lines[(*path, key)] = line
            result[key] = _value(value_node, (*path, key), located)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), located) for index, item in enumerate(node.value)]
    return scalar(node)


def scalar(node: yaml.Node) -> Any:
    """The value of a scalar by the core schema. Raises `YamlProblem`."""
    text: str = node.value
    match node.tag.removeprefix(TAG):
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            # Python refuses to read thousands of digits; no number here needs twenty.
            if len(text) > 20:
                raise YamlProblem(_line(node), "number too long; quote it if it is text")
            return int(text)
        case "float":
            return float(text)
    return text
