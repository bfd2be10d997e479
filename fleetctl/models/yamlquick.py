"""The quick way through YAML that is certainly harmless: libyaml's parser, and no line numbers.

It gives the same data as `yamlnodes.parse` or nothing at all; then the careful way is taken, which also finds the words
for what is wrong. A fleet of a thousand sites is read in half a second this way, instead of eight.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from fleetctl.models.yamlnodes import CORE_SCHEMA, MAX_DEPTH, TAG, YamlProblem, scalar

# Anchors, aliases, tags, directives, complex keys and block text need one of these: where none stands in the text, none
# can be in the document. About tabs and line ends the two parsers differ.
_SUSPECT = re.compile(r"[&*!%?|>\t\r\x85\u2028\u2029\ufeff]")
NOTHING = object()
"""What `parse` gives for a text that has to be read carefully; None is what an empty document holds."""


def parse(text: str) -> Any:
    """The data of `text`, or `NOTHING`."""
    if _Loader is None or _SUSPECT.search(text):
        return NOTHING
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        return None if root is None else _value(root, 0)
    except (yaml.YAMLError, YamlProblem, _Careful):
        return NOTHING
    finally:
        loader.dispose()


class _Careful(Exception):
    """Something that is refused, or that the careful way has to look at."""


def _loader() -> Any:
    if not yaml.__with_libyaml__:
        return None
    from yaml.cyaml import CParser  # type: ignore[attr-defined]
    from yaml.resolver import BaseResolver

    class Loader(CParser, BaseResolver):
        """libyaml with the core schema's scalars."""

        yaml_implicit_resolvers = {}  # noqa: RUF012 - overrides PyYAML's own attribute, filled below

        def __init__(self, stream: str) -> None:
            CParser.__init__(self, stream)
            BaseResolver.__init__(self)

    for name, pattern, first in CORE_SCHEMA:
        Loader.add_implicit_resolver(TAG + name, re.compile(pattern), first)
    return Loader


_Loader = _loader()


def _value(node: yaml.Node, depth: int) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return node.value if node.tag == f"{TAG}str" else scalar(node)
    if depth >= MAX_DEPTH:
        raise _Careful
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, depth + 1) for item in node.value]
    result: dict[str, Any] = {}
    for key, value in node.value:
        if key.tag != f"{TAG}str" or not isinstance(key, yaml.ScalarNode) or key.value in result:
            raise _Careful
        result[key.value] = _value(value, depth + 1)
    return result
