"""What a fact is: read-only commands, a pure parser, and an explicit answer for "could not tell"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

ITEM = "{}"


@dataclass(frozen=True)
class Completed:
    """A command that ran on a host to its end. `exit_code` 127 means that the host has no such program."""

    exit_code: int
    stdout: str
    stderr: str = ""


@dataclass(frozen=True)
class Unreadable:
    """A fact that could not be read. It is a value of its own, so that a failed read can never look like absence."""

    fact: str
    reason: str


class UnreadableError(Exception):
    """Raised by a parser that cannot make sense of the output; becomes `Unreadable` in `read`."""


@dataclass(frozen=True)
class Command:
    """One read: an argv, run once, or once for each line that `for_each` printed (its `{}` replaced by the line)."""

    argv: tuple[str, ...]
    for_each: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Output:
    """What one `Command` of a fact produced: one `Completed`, or for `for_each` one per item and the listing itself."""

    completed: Completed
    items: Mapping[str, Completed]


@dataclass(frozen=True)
class Fact(Generic[T]):
    """A named set of read commands and the pure function that turns their outputs, in order, into a model."""

    name: str
    commands: tuple[Command, ...]
    parse: Callable[[Sequence[Output]], T]

    def read(self, outputs: Sequence[Output]) -> T | Unreadable:
        """Parse; whatever a parser cannot understand is unreadable, with the reason, and never an empty model."""
        try:
            return self.parse(outputs)
        except UnreadableError as problem:
            return Unreadable(self.name, str(problem))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as problem:
            # The output of another program is outside input: an unexpected shape is a reading that failed.
            return Unreadable(self.name, f"unexpected output: {type(problem).__name__}: {problem}")


def command(*argv: str) -> Command:
    """A command run once."""
    return Command(argv)


def for_each(listing: Sequence[str], *argv: str) -> Command:
    """A command run once for each non-empty line of `listing`, which must itself be a read command."""
    return Command(argv, tuple(listing))


def stdout_of(output: Output, what: str) -> str:
    """The standard output of a command that must have succeeded."""
    return completed_stdout(output.completed, what)


def completed_stdout(completed: Completed, what: str) -> str:
    """The standard output of `completed`, or `UnreadableError` with the last thing that it said."""
    if completed.exit_code != 0:
        said = completed.stderr.strip().splitlines()
        raise UnreadableError(f"{what} ended with {completed.exit_code}" + (f": {said[-1][:200]}" if said else ""))
    return completed.stdout
