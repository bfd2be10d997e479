"""What the readers of weights share: the refusal, a reader that never runs past the file, bounded JSON."""

from __future__ import annotations

import json
import os
import struct
from typing import Any, BinaryIO

from appliance.contract.health_reading import SnapshotError, check_bounds


class WeightsError(ValueError):
    """A file is not what it should be: what was `seen`, and what was `wanted`."""

    def __init__(self, seen: str, wanted: str) -> None:
        super().__init__(f"{seen}; wanted: {wanted}")
        self.seen = seen
        self.wanted = wanted


class HeaderReader:
    """Reads the little-endian numbers and strings of a header. Every length is compared with what is left of the file
    and with `budget_bytes`, what a header may have in all, before anything is read.
    """

    def __init__(self, file: BinaryIO, budget_bytes: int) -> None:
        self._file = file
        self.length = os.fstat(file.fileno()).st_size
        self.at = 0
        self._left = budget_bytes
        self._budget = budget_bytes

    def take(self, count: int, what: str) -> bytes:
        """Return the next `count` bytes."""
        self._need(count, what)
        self._left -= count
        if self._left < 0:
            raise WeightsError(f"a header of over {self._budget:,} bytes (at {what})", "a smaller one")
        content = self._file.read(count)
        if len(content) != count:
            raise WeightsError(f"the file ends inside {what}", "a whole file")
        self.at += count
        return content

    def skip(self, count: int, what: str) -> None:
        """Go on behind `count` bytes that are not looked at."""
        self._need(count, what)
        self.at += count
        self._file.seek(self.at)

    def number(self, form: str, what: str) -> int:
        """Return the next whole number; `form` is a letter of `struct`: B, H, I, Q."""
        return int(struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}"), what))[0])

    def _need(self, count: int, what: str) -> None:
        if count > self.length - self.at:
            raise WeightsError(
                f"{what} of {count:,} bytes at byte {self.at:,} of a file of {self.length:,}",
                "lengths that lie within the file",
            )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # Two readers may see two documents: the first value or the last.
        raise WeightsError("a JSON object that has the same key twice", "each key once")
    return found


def _constant(text: str) -> Any:
    raise WeightsError(f"the number {text}", "finite numbers")


def _whole(text: str) -> int:
    if len(text) > 20:
        raise WeightsError(f"a number of {len(text)} digits", "at most 20 digits")
    return int(text)


def bounded_json(content: bytes, *, max_bytes: int, max_brackets: int) -> Any:
    """Parse JSON from outside. `max_brackets` bounds the memory: an empty list is 3 bytes there and 56 here."""
    brackets = content.count(b"[") + content.count(b"{")
    if brackets > max_brackets:
        raise WeightsError(f"JSON with {brackets:,} lists and objects", f"at most {max_brackets:,}")
    try:
        check_bounds(content, max_bytes)
        return json.loads(
            content.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant, parse_int=_whole
        )
    except WeightsError:
        raise
    except SnapshotError as problem:
        raise WeightsError(f"JSON that is {problem}", "JSON within these bounds") from None
    except (ValueError, RecursionError) as problem:
        raise WeightsError(f"no JSON in UTF-8 ({str(problem)[:100]})", "JSON in UTF-8") from None
