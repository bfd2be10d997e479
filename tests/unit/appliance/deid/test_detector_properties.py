"""Properties of the detector: spans, any text, bounded time, no network, threads, nothing of a text in a log."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.deid.detector import LONGEST, ClinicalDetector

TEXT = (
    "Mrs. Okonkwo, MRN 4482913, DOB 01/02/1960, SSN 123-45-6789, write to a.b@example.com or see www.example.com;"
    " she lives at 12 Oak Street, Springfield, IL 62701, and was seen at Mercy General Hospital by Tomomi Nishiyama."
)
_PIECES = st.sampled_from(
    [
        "dr.",
        "mr",
        "John",
        "Smith",
        "MRN",
        "12345678",
        "123-45-6789",
        "at",
        "dot",
        "com",
        "@",
        "May",
        "3rd",
        "2020",
        "oak",
        "street",
        "one",
        "two",
        "three",
        "hospital",
        "Parkinson's",
        ",",
        ".",
        "\n",
        "\t",
        ":",
        "#",
        "-",
        "/",
        "ß",
        "İ",
        "é",
        "’",
        "\u2028",
        "\x00",
        "𝒜",
    ]
)

_REPEATED = [
    "a",
    "1",
    "1-",
    "1 ",
    "one ",
    "one, ",
    "a.",
    "a.a",
    "A. ",
    "Aa ",
    "Aa, ",
    "dr. ",
    "dr. A",
    "at dot ",
    "a at b ",
    "@a.",
    "1/1/",
    "january ",
    "the of ",
    "12 Oak ",
    "1 a ",
    "www.",
    "http://",
    "(1",
    "::",
    "1:",
    "hospital ",
    "St. ",
    "name: ",
    "mrn mrn ",
    "mrn # number is ",
    "\n",
    " ",
    "-",
    "x-",
    "O'",
    "_",
    "é",
    "Jr ",
    "May ",
    "street ",
    "double ",
    "b as in bob ",
    "s m ",
    "last name ",
    "A^b|",
    "PID|A^",
    "may or ",
    "one oak street ",
    "plate AB ",
    "bob at gmail dot ",
    "Aa Estates ",
    "rue de ",
    "thanks\n",
    "my son zorin and ",
    "a.bc/",
    "at Alder of ",
    "van 868 ",
    "instagram as a ",
    "+A1B2C3/",
    "a^b^|",
    "tag a b ",
    "my the a ",
    "works at ",
    "Box 5, Alder ",
    "3/4-",
    "12 Oak St, Apt 4, ",
    "Calle de la Aa ",
    "Aa gata 4, ",
    "12 Aa ",
    "Plot 4, Block C, ",
    "my address is one a ",
    "my snap is a ",
    "password is a one ",
    "the fourth ",
    "14 de marzo ",
    "she's ninety ",
    "locker 4-",
    "job a, Aa ",
    "go to a dot ",
]


def _check(detector: ClinicalDetector, text: str) -> None:
    end = 0
    for found in detector.find(text):
        assert end <= found.start < found.end <= len(text)
        assert 0 <= found.confidence <= 1
        assert found.source
        assert text[found.start : found.end].strip()
        end = found.end


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=300))
def test_any_text_gives_sorted_spans_inside_it(detector, text):
    _check(detector, text)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(_PIECES, max_size=60), blank=st.sampled_from([" ", ""]))
def test_pieces_of_identifiers_give_sorted_spans(detector, pieces, blank):
    _check(detector, blank.join(pieces))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(known=st.lists(st.text(max_size=20), max_size=4))
def test_any_known_names_are_taken(detector, known):
    detector.find(TEXT, known_names=known)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    digits=st.text("0123456789", min_size=9, max_size=9),
    sign=st.sampled_from(["-", " ", ".", ""]),
    label=st.sampled_from(["SSN ", "ssn: ", "social security number is ", "SS# "]),
)
def test_every_labelled_ssn_is_hidden_whole(detector, digits, sign, label):
    value = sign.join((digits[:3], digits[3:5], digits[5:]))
    text = f"Her {label}{value}, she said."
    start = text.index(value)
    assert any(found.start <= start and start + len(value) <= found.end for found in detector.find(text))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.from_regex(r"[A-Z]{0,3}[0-9]{5,12}", fullmatch=True),
    label=st.sampled_from(
        ["MRN ", "MRN: ", "medical record number ", "member ID ", "health plan number: ", "policy # "]
    ),
)
def test_every_labelled_number_is_hidden_whole(detector, value, label):
    text = f"For {label}{value} please."
    start = text.index(value)
    assert any(found.start <= start and start + len(value) <= found.end for found in detector.find(text))


def _repeated(detector: ClinicalDetector, piece: str, size: int, limit_s: float) -> None:
    text = (piece * size)[:size]
    started_s = time.thread_time()
    detector.find(text)
    assert time.thread_time() - started_s < limit_s


# The limits are hundreds of times what an ordinary text of that length takes: only a pattern that explodes gets there.
@pytest.mark.parametrize("piece", _REPEATED)
def test_repetition_takes_bounded_time(detector, piece):
    _repeated(detector, piece, 3_000, 20)


@pytest.mark.slow
@pytest.mark.parametrize("piece", _REPEATED)
def test_long_repetition_takes_bounded_time(detector, piece):
    _repeated(detector, piece, 20_000, 40)


def test_longer_text_than_is_read_is_refused(detector):
    with pytest.raises(ValueError, match="at most"):
        detector.find("a" * (LONGEST + 1))


def test_no_socket_is_opened(detector, monkeypatch):
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a network call")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    kinds = {found.kind.value for found in detector.find(TEXT)}
    assert {"email", "url", "name", "ssn"} <= kinds


@pytest.mark.slow
def test_nothing_is_fetched_from_import_to_first_find():
    """In a process of its own: imports, loading and the first call, with every road to the network closed."""
    script = (
        "import socket, sys\n"
        "def refused(*a, **k): print('network', file=sys.stderr); raise SystemExit(9)\n"
        "socket.socket.connect = refused; socket.create_connection = refused; socket.getaddrinfo = refused\n"
        "from appliance.deid.detector import ClinicalDetector\n"
        f"assert len(ClinicalDetector().find({TEXT!r})) > 6\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_no_text_is_logged(detector, caplog):
    with caplog.at_level(logging.DEBUG):
        detector.find(TEXT, known_names=["Xantippa Oolong"])
    logged = caplog.text
    for value in ("Okonkwo", "4482913", "123-45-6789", "example.com", "Oak Street", "Nishiyama", "Xantippa"):
        assert value not in logged


def test_threads_find_the_same(detector):
    texts = [f"{TEXT} Patient number {number} is Krisztián Szöllösy{number}." for number in range(12)]
    alone = [detector.find(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(detector.find, texts * 3))
    assert together == alone * 3


def test_same_text_gives_the_same_answer(detector):
    assert detector.find(TEXT) == detector.find(TEXT)
