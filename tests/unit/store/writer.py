"""Keeps observations until it is killed, and says each number once it is committed. Run by test_kill."""

from __future__ import annotations

import os
import sys
from datetime import timedelta

from fleetctl.store.store import Store
from tests.fakes.observed import FAULT, START, kept


def main(url: str) -> None:
    """Fork a writer for each line on stdin; it goes on from the number in the line."""
    # Imported once, forked often: what is killed is the writing, not the interpreter's start.
    for line in sys.stdin:
        number = int(line)
        child = os.fork()
        if child == 0:
            store = Store(url)
            while True:
                at = START + timedelta(seconds=number)
                store.keep([kept("a", at, sequence=number, faults=[FAULT]), kept("b", at, sequence=number)])
                os.write(1, b"%d\n" % number)
                if number % 5 == 0:
                    store.thin_out(at + timedelta(days=3650))
                number += 1
        os.write(1, b"child %d\n" % child)
        os.waitpid(child, 0)
        os.write(1, b"dead\n")


if __name__ == "__main__":
    main(sys.argv[1])
