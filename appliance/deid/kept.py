"""What was found in a text, kept for the next time that it is asked for, also when the text has grown meanwhile.

Kept are places and kinds, with a digest of the text; the text itself is not. A finding counts only for the very text,
names and detector that it was made with: whoever changes one of them has the detector asked anew.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from appliance.deid.deidentify import checked
from appliance.deid.identifier import Identifier
from appliance.deid.stream import HORIZON_CHARS, settled

CONTEXT_CHARS = 2_000
"""What the detector sees again in front of what is new: as much as two stretches of a long text have in common."""
_MAX_ENTRIES = 8
_WORD = re.compile(r"[^\W_]{2,}")


@dataclass(frozen=True)
class _Entry:
    context: bytes
    length: int
    sha256: bytes
    whole: int
    """How long the text was when all of it was looked at."""
    found: tuple[Identifier, ...]


class Findings:
    """The findings of one source. Safe to use from several threads: who comes second waits, and pays nothing."""

    def __init__(self) -> None:
        self._one = threading.Lock()
        self._entries: list[_Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, text: str, context: bytes, look: Callable[[str], tuple[Identifier, ...]]) -> tuple[Identifier, ...]:
        """Return what is found in a text.

        Args:
            text: The whole text.
            context: A digest of everything else that the findings depend on: detector, known names and values.
            look: Asks the detector. What it raises is raised, and nothing is kept.

        A text that grew is looked at from `CONTEXT_CHARS` before its new part on, and as a whole when it has doubled or
        its new part has an identifier of which a word was said before: so a text that grows by pieces costs about three
        times what it costs at once, and once more for each such word.
        """
        sha256 = _digest(text)
        with self._one:
            for entry in self._entries:
                if entry.context == context and entry.length == len(text) and entry.sha256 == sha256:
                    self._to_front(entry)
                    return entry.found
            before = self._before(text, context)
            if before is None:
                entry = _Entry(context, len(text), sha256, len(text), look(text))
            else:
                found, whole = _grown(before, text, look), before.whole
                # A name that is heard only now may have been said before, when nothing told that it was one.
                if found is None or _said_before(text, before, found):
                    found, whole = look(text), len(text)
                entry = _Entry(context, len(text), sha256, whole, found)
            self._to_front(entry)
            return entry.found

    def keep_beginning(self, text: str, context: bytes, found: Sequence[Identifier]) -> None:
        """Keep what is known of the beginning of a text that was looked at: `found` lies inside of `text`."""
        with self._one:
            whole = next((one.whole for one in self._entries if one.context == context), len(text))
            self._to_front(_Entry(context, len(text), _digest(text), whole, tuple(found)))

    def _before(self, text: str, context: bytes) -> _Entry | None:
        """Return the longest beginning of the text that was looked at, if it saves anything."""
        possible = [
            one for one in self._entries
            if one.context == context and CONTEXT_CHARS + HORIZON_CHARS < one.length < len(text) < 2 * one.whole
        ]  # fmt: skip
        longest_first = sorted(possible, key=lambda one: -one.length)
        return next((one for one in longest_first if _digest(text[: one.length]) == one.sha256), None)

    def _to_front(self, entry: _Entry) -> None:
        kept = [one for one in self._entries if (one.context, one.sha256) != (entry.context, entry.sha256)]
        self._entries = [entry, *kept][:_MAX_ENTRIES]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _grown(before: _Entry, text: str, look: Callable[[str], tuple[Identifier, ...]]) -> tuple[Identifier, ...] | None:
    """Return what is found in a text of which the beginning is known; its last stretch may read otherwise by now.

    None: there is no place where the text may be cut.
    """
    cut = settled(text, before.found, before.length - HORIZON_CHARS)
    if cut is None:
        return None
    start = settled(text, before.found, max(0, cut - CONTEXT_CHARS)) or 0
    new = [replace(one, start=one.start + start, end=one.end + start) for one in look(text[start:])]
    # Not cut at its beginning: what turns out to be an identifier now is hidden as a whole.
    return checked(
        (*(one for one in before.found if one.end <= cut), *(one for one in new if one.end > cut)), text
    )  # fmt: skip


def _said_before(text: str, before: _Entry, found: Sequence[Identifier]) -> bool:
    """Whether a word of an identifier that is new stands in the known beginning, and nothing there was found of it."""
    known = {word for one in before.found for word in _words(text[one.start : one.end])}
    new = {word for one in found for word in _words(text[one.start : one.end])}
    return bool((new - known) & set(_words(text[: before.length])))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
