"""DNS messages of the canary."""

from __future__ import annotations

import pytest

from fleetctl.lab.canary_dns import name_error, question_name

QUERY = bytes.fromhex("abcd01000001000000000000") + b"\x04Ab12\x06canary\x00\x00\x01\x00\x01"


def test_name_is_read_in_lower_case() -> None:
    assert question_name(QUERY) == "ab12.canary"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        QUERY[:12],
        QUERY[:18],  # ends inside a label
        QUERY[:-4],  # no type and class
        QUERY[:2] + b"\x81" + QUERY[3:],  # an answer, no question
        QUERY[:4] + b"\x00\x00" + QUERY[6:],  # no question in it
        QUERY[:12] + b"\xc0\x0c\x00\x01\x00\x01",  # a pointer to itself
        QUERY + b"x" * 500,  # larger than a UDP message may be
    ],
)
def test_anything_else_is_no_question(message: bytes) -> None:
    assert question_name(message) is None


def test_answer_says_no_such_name_to_the_same_question() -> None:
    answer = name_error(QUERY + b"trailing")
    assert answer[:2] == QUERY[:2]
    assert answer[2:4] == b"\x81\x83"
    assert answer[4:12] == b"\x00\x01" + b"\x00" * 6
    assert answer[12:] == QUERY[12:]
