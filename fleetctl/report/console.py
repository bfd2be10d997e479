"""The two consoles: `out` for data on stdout, `err` for everything else on stderr."""

from __future__ import annotations

from rich.console import Console

# rich honours NO_COLOR by itself and writes no colour into a pipe. No markup and no highlighting by default:
# what a host answers must not be read as formatting.
PIPE_WIDTH = 200


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=False)
    if not console.is_terminal:
        # rich would fold a table to 80 columns where there is no screen to fit.
        console.width = PIPE_WIDTH
    return console


out = _console(stderr=False)
err = _console(stderr=True)
