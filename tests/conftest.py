"""What holds for every test."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent

# A run that a shell started in the background ignores Ctrl-C, and so would every process that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who may run beside whom when two processes share the tests (`make test`): a file's tests stay together, for what
    they set up once, and so do all that use the one virtual site. That site is emulated on one core for half an hour;
    the other core runs the rest meanwhile."""
    for item in items:
        folder, _, rest = item.path.relative_to(HERE).as_posix().partition("/")
        item.add_marker(pytest.mark.xdist_group("e2e" if folder == "e2e" else f"{folder}/{rest}"))


@pytest.fixture(autouse=True)
def _signal_handlers() -> Iterator[None]:
    """A program sets its own for its life; a test that calls it within this process would leave them to the next."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
