"""Words of connections that failed."""

from __future__ import annotations

import socket

import pytest
from paramiko.ssh_exception import NoValidConnectionsError, SSHException

from fleetctl.remote.problems import in_words

REFUSED = ConnectionRefusedError(111, "Connection refused")


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (REFUSED, "Connection refused"),
        (NoValidConnectionsError({("127.0.0.1", 22): REFUSED}), "Connection refused"),
        (
            NoValidConnectionsError({("::1", 22, 0, 0): REFUSED, ("127.0.0.1", 22): OSError(113, "No route to host")}),
            "Connection refused, No route to host",
        ),
        (TimeoutError("timed out"), "timed out"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (SSHException("Error reading SSH protocol banner"), "Error reading SSH protocol banner"),
        (EOFError(), "EOFError"),
    ],
)
def test_words_have_no_numbers(problem: Exception, words: str) -> None:
    assert in_words(problem) == words
