"""JSON from outside, read within bounds: size, depth, duplicate keys, numbers that are none."""

import json
import re
from decimal import Decimal
from typing import Any

# Everything that is no bracket: strings whole, so that a bracket inside of one does not count.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_MAX_DIGITS = 40


class JsonRefusedError(ValueError):
    """The text is no JSON that we read. The message never quotes it."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        # Two readers may see two documents: the first value or the last.
        raise JsonRefusedError("an object has the same key twice")
    return result


def _constant(_: str) -> Any:
    raise JsonRefusedError("a number is NaN or infinite")


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise JsonRefusedError(f"a number has more than {_MAX_DIGITS} digits")
    return int(text)


def _decimal(text: str) -> Decimal:
    value = Decimal(text) if len(text) <= _MAX_DIGITS else Decimal("NaN")
    # The exponent too: 1e999999 is six characters here and a million digits when someone prints it.
    if not value.is_finite() or abs(value.adjusted()) > _MAX_DIGITS:
        raise JsonRefusedError(f"a number has more than {_MAX_DIGITS} digits")
    return value


_DECODERS = {
    exact: json.JSONDecoder(
        object_pairs_hook=_object,
        parse_constant=_constant,
        parse_int=_integer,
        parse_float=_decimal if exact else None,
    )
    for exact in (False, True)
}


def _check_depth(text: str, max_depth: int) -> None:
    if text.count("{") + text.count("[") <= max_depth:
        return  # one event of a stream: it has not so many brackets at all
    depth = 0
    for match in _BRACKETS.finditer(text):
        mark = match[0]
        if mark in "[{":
            depth += 1
            if depth > max_depth:
                raise JsonRefusedError(f"it is nested deeper than {max_depth}")
        elif mark in "]}":
            depth -= 1


def parse(data: bytes | str, *, max_bytes: int, max_depth: int, exact_numbers: bool = False) -> Any:
    """Parse JSON. `exact_numbers`: fractions as Decimal, written as they were. Raises JsonRefusedError."""
    if len(data) > max_bytes:
        raise JsonRefusedError(f"it has {len(data):,} bytes; at most {max_bytes:,} are read")
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
    except UnicodeDecodeError:
        raise JsonRefusedError("it is not UTF-8") from None
    _check_depth(text, max_depth)
    try:
        value = _DECODERS[exact_numbers].decode(text)
    except json.JSONDecodeError as error:
        raise JsonRefusedError(f"it is not JSON (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise JsonRefusedError("it is nested too deep") from None
    return value
