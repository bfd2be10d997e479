"""Loads one YAML file into a model, or says file, line, path, what is wrong and the nearest right key."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from fleetctl.errors import ConfigError
from fleetctl.models import yamlnodes, yamlquick
from fleetctl.nearest import nearest_or_all

MAX_BYTES = 1024 * 1024  # the largest real file is a few KiB; a wrong path must not fill the memory
MAX_PROBLEMS = 10

M = TypeVar("M", bound=BaseModel)


def load(path: Path, model: type[M]) -> M:
    """The file as `model`. Raises `ConfigError` with up to ten problems, one a line, as `file:line: path: problem`."""
    return parse(read(path), model, str(path))


def parse(text: str, model: type[M], source: str) -> M:
    """Like `load`, from text; `source` stands where the file's name would."""
    quick = yamlquick.parse(text)
    if quick is not yamlquick.NOTHING:
        with suppress(ValidationError):
            return model.model_validate(quick)
    # Slower, and it knows the line of whatever is wrong.
    located = locate(text, source)
    return validate(located.data, model, lambda path: f"{source}:{located.line(path)}", source)


def validate(data: Any, model: type[M], place: Callable[[tuple[str | int, ...]], str], source: str) -> M:
    """`data` as `model`; `place` gives `file:line` of a path in it. Raises `ConfigError` as `load` does."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_describe(problem, model, place) for problem in error.errors()]
    raise ConfigError(
        "\n".join(problems[:MAX_PROBLEMS]),
        hint=f"correct {'this' if len(problems) == 1 else f'these {len(problems)}'} in {source}",
    )


def locate(text: str, source: str) -> yamlnodes.Located:
    """The data of `text` with the line of every key. Raises `ConfigError`."""
    try:
        return yamlnodes.parse(text)
    except yamlnodes.YamlProblem as problem:
        raise ConfigError(f"{source}:{problem.line}: {problem.message}", hint=f"correct {source}") from None


def read(path: Path) -> str:
    """The text of a file of at most `MAX_BYTES`. Raises `ConfigError`."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}", hint="check the name and its rights") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES} bytes", hint="is this the right file?")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 text", hint="save the file as UTF-8") from None


def _describe(problem: Any, model: type[BaseModel], place: Callable[[tuple[str | int, ...]], str]) -> str:
    path = tuple(part for part in problem["loc"] if part != "[key]")
    where = f"{place(path)}: {dotted(path) or 'the file'}"
    match problem["type"]:
        case "extra_forbidden":
            return f"{where}: unknown key; {nearest_or_all(str(path[-1]), _keys(model, path[:-1]), 'known keys')}"
        case "missing":
            return f"{where}: missing"
        case "value_error":
            return f"{where}: {problem['ctx']['error']}"
    seen = problem["input"]
    shown = f"; is {seen!r}"[:80] if isinstance(seen, str | int | float | bool) or seen is None else ""
    quote = "; put it in quotes" if problem["type"] == "string_type" and isinstance(seen, int | float) else ""
    return f"{where}: {problem['msg'][0].lower()}{problem['msg'][1:]}{shown}{quote}"


def dotted(path: tuple[str | int, ...]) -> str:
    """`("spec", "egress", 0)` as `spec.egress[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _keys(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The keys that are right at `path`."""
    current: Any = model
    for part in path:
        if isinstance(part, int):
            continue  # the annotation of a list already stands for its items
        by_key = {field.alias or name: field.annotation for name, field in current.model_fields.items()}
        found = _model_in(by_key.get(str(part)))
        if found is None:
            return []
        current = found
    return [field.alias or name for name, field in current.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner))), None)
