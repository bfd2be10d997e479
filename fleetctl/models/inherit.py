"""Resources that extend another: the spec of the base with what the file itself says laid over it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fleetctl.errors import ConfigError
from fleetctl.models import yamlnodes
from fleetctl.models.base import Resource
from fleetctl.models.load import locate, read, validate
from fleetctl.nearest import nearest_or_all

MAX_BASES = 4

R = TypeVar("R", bound=Resource)


@dataclass(frozen=True)
class _Layer:
    file: Path
    located: yamlnodes.Located

    @property
    def base(self) -> str | None:
        data = self.located.data
        wanted = data.get("extends") if isinstance(data, dict) else None
        return wanted if isinstance(wanted, str) else None


def load_inherited(file: Path, model: type[R], paths: Mapping[str, Path], own: Collection[str] = ()) -> R:
    """The file as `model`, on top of what its `extends` names in `paths` (name → file), at most `MAX_BASES` deep.

    Of `spec`, mappings are joined key by key and everything else is replaced; of a base nothing but `spec` is taken,
    and of that no key of `own`.
    Raises `ConfigError` as `load` does; a problem is located in the file that says it.
    """
    layers = _layers(file, paths)
    data = layers[0].located.data
    if len(layers) > 1:
        spec: Any = {}
        for layer in reversed(layers):
            given = layer.located.data.get("spec", {}) if isinstance(layer.located.data, dict) else {}
            if layer is not layers[0] and isinstance(given, dict):
                given = {key: value for key, value in given.items() if key not in own}
            spec = _joined(spec, given)
        data = {**data, "spec": spec}
    return validate(data, model, lambda path: _place(path, layers), str(file))


def _layers(file: Path, paths: Mapping[str, Path]) -> list[_Layer]:
    layers = [_Layer(file, locate(read(file), str(file)))]
    while (name := layers[-1].base) is not None:
        here = f"{layers[-1].file}:{layers[-1].located.line(('extends',))}: extends"
        if name not in paths:
            raise ConfigError(f"{here}: there is no {name}", hint=nearest_or_all(name, paths, "known"))
        # Resolved, because a fleet's own profile may extend the built-in one of another name, but never itself.
        if paths[name].resolve() in {layer.file.resolve() for layer in layers}:
            raise ConfigError(f"{here}: {name} extends itself in the end", hint="name another base, or none")
        if len(layers) > MAX_BASES:
            raise ConfigError(f"{here}: more than {MAX_BASES} bases on top of each other", hint="name a nearer base")
        layers.append(_Layer(paths[name], locate(read(paths[name]), str(paths[name]))))
    return layers


def _joined(base: Any, own: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(own, dict)):
        return own
    return base | {key: _joined(base[key], value) if key in base else value for key, value in own.items()}


def _place(path: tuple[str | int, ...], layers: list[_Layer]) -> str:
    """Where `path` was said: in the nearest file that has it, or that has the list it lies in, or the most of it."""
    whole = next((index for index, part in enumerate(path) if isinstance(part, int)), len(path))
    for length in range(whole, 0, -1):
        for layer in layers:
            if path[:length] in layer.located.lines and (path[0] == "spec" or layer is layers[0]):
                return f"{layer.file}:{layer.located.line(path)}"
    return f"{layers[0].file}:1"
