"""The process that reads every GPU each time it is asked to: one line on its standard input is one round.

It stays, because a start of Python for every reading would cost more than the reading. Lines as those of
appliance/gpu/child.py, with `{"rest": true}` after each round. It ends with its standard input. Argument: the most GPUs
to believe.
"""

import os
import sys

import pynvml

from appliance.gpu.child import Line, Reader
from appliance.gpu.rows import ROWS
from appliance.watch.activity import ACTIVITY


def main() -> None:
    """Read until nobody asks any more."""
    # Whatever the driver's library prints must not stand between the lines for the parent.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    line = Line(out)
    reader = Reader(pynvml, line)
    rows, max_gpus = {**ROWS, **ACTIVITY}, int(sys.argv[1])
    ready = False
    while sys.stdin.readline():
        if ready:
            line.write(row="library", gpu=None, answer={"state": "ready"})
        else:
            ready = reader.library() == "ready"
        if ready:
            reader.read_all(rows, max_gpus)
        line.write(rest=True)


if __name__ == "__main__":
    main()
