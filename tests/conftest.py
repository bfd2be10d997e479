"""What holds for every test."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

HERE = Path(__file__).parent

# How long an example takes says what else the machine does.
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")

# A run that a shell started in the background ignores Ctrl-C, and so would every process that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Telling:
    """Tells of a failure when it happens: the run goes on for an hour, and the reports come at its end."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._terminal.write_line(f"\n{report.when} of {report.nodeid}: {str(report.longrepr)[-2000:]}", red=True)


@pytest.hookimpl(trylast=True)  # the reporter has to be there
def pytest_configure(config: pytest.Config) -> None:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if config.getoption("dist", "no") != "no" and terminal is not None:
        config.pluginmanager.register(Telling(terminal))


class Sharing(LoadScopeScheduling):
    """Who may run beside whom when two processes share the tests (`make test`): a file's tests stay together, for what
    they set up once, and so do all that use the one virtual site. (Marks for pytest-xdist's own groups are not used:
    its 3.8 does not see them with pytest 9.2, and then spreads the tests without a word.)"""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "e2e" if "/e2e/" in f"/{file}" else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    return Sharing(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The virtual site is emulated on one core for an hour, so its tests begin first; the other core runs the rest."""
    items.sort(key=lambda item: not item.path.is_relative_to(HERE / "e2e"))


@pytest.fixture(autouse=True)
def _signal_handlers() -> Iterator[None]:
    """A program sets its own for its life; a test that calls it within this process would leave them to the next."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
