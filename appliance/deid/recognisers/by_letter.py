"""Alternatives of a pattern, sorted by their first letter, so that few of them are tried at each place of a text."""

from __future__ import annotations

from collections.abc import Iterator

_FOLDED = {"i": "iIİı", "k": "kK\N{KELVIN SIGN}", "s": "sSſ"}  # what `re.IGNORECASE` holds for one letter
_CLOSING = {"(": ")", "[": "]"}
_QUANTIFIERS = "*+{"


def by_letter(alternatives: str) -> str:
    """The same alternatives for a pattern without regard to case, as one group.

    Without regard to case the engine enters every alternative at every place; a set of letters before them it reads
    at once. What is found stays the same: those with another first letter exclude each other, and the order of
    those with the same one is kept.

    Args:
        alternatives: Separated by "|", each beginning with a letter, a figure or a group without a name; the flag
            `re.IGNORECASE` holds for all of them.

    Raises:
        ValueError: an alternative begins with something else, or may be empty.
    """
    rests: dict[str, list[str]] = {}
    for written in _split(alternatives):
        for first, rest in _opened(written):
            rests.setdefault(first.lower(), []).append(rest)
    groups = (f"{_letter(first)}(?:{'|'.join(group)})" for first, group in rests.items())
    return f"(?:{'|'.join(groups)})"


def _letter(first: str) -> str:
    return f"(?-i:[{_FOLDED.get(first, first + first.upper())}])"


def _opened(written: str) -> Iterator[tuple[str, str]]:
    """The first sign and the rest of an alternative; several where it begins with a group or with what may be left."""
    if written.startswith("(?:"):
        end = _end(written, 0)
        inner, rest = written[3 : end - 1], written[end:]
        left = rest.startswith("?")
        rest = rest.removeprefix("?")
        if rest[:1] and rest[0] in f"{_QUANTIFIERS}?":
            raise ValueError(f"a group that is repeated begins {written!r}")
        for one in _split(inner):
            yield from _opened(one + rest)
        if left:
            yield from _opened(rest)
        return
    if not (written[:1].isascii() and written[:1].isalnum()) or written[1:2] in (*_QUANTIFIERS,):
        raise ValueError(f"no letter or figure begins {written!r}")
    if written[1:2] != "?":
        yield written[0], written[1:]
        return
    if written[2:3] in (*_QUANTIFIERS, "?"):
        raise ValueError(f"no plain quantifier in {written!r}")
    yield written[0], written[2:]
    yield from _opened(written[2:])


def _split(alternatives: str) -> list[str]:
    """The alternatives outside any group or set."""
    found, start, at = [], 0, 0
    while at < len(alternatives):
        if alternatives[at] == "|":
            found.append(alternatives[start:at])
            start = at = at + 1
        else:
            at = _end(alternatives, at)
    return [*found, alternatives[start:]]


def _end(pattern: str, at: int) -> int:
    """Behind the sign, the escape, the set or the group that begins at an offset."""
    if pattern[at] == "\\":
        return at + 2
    closing = _CLOSING.get(pattern[at])
    if closing is None:
        return at + 1
    at += 1
    while pattern[at] != closing:
        at = _end(pattern, at) if closing == ")" or pattern[at] == "\\" else at + 1
    return at + 1
