"""What the system or a library said of a connection that failed, as words for a person."""

from __future__ import annotations

from collections.abc import Mapping


def in_words(problem: BaseException) -> str:
    """`Connection refused`, without the number of the error; the kind where nothing was said.

    paramiko's NoValidConnectionsError holds the errors of all addresses, and has neither number nor words itself.
    """
    several = getattr(problem, "errors", None)
    if isinstance(several, Mapping) and several:
        return ", ".join(dict.fromkeys(in_words(each) for each in several.values()))
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return str(problem) or type(problem).__name__
