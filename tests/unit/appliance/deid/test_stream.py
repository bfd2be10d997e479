"""A text in pieces: nothing of an identifier goes out early, and the whole is that of the whole text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.deid.deidentify import Deidentifier
from appliance.deid.identifier import Identifier
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.restore import Restorer
from appliance.deid.restored import Reason
from appliance.deid.stream import HORIZON_CHARS, STEP_CHARS, Stream
from appliance.deid.vocabulary import every_pool_word
from appliance.errors import UsageError
from tests.fakes.deid import FakeDetector
from tests.fakes.deid_texts import IDENTIFIERS, KEYS, TEXTS

KEY = b"a key of an encounter, 32 bytes."
FAKE = FakeDetector(IDENTIFIERS)
LONG = TEXTS.map(lambda text: text * 3)


def cut(text: str, places: list[int]) -> list[str]:
    places = sorted({place % (len(text) + 1) for place in places})
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


def run(stream: Stream, pieces: list[str]) -> list[str]:
    return [*(stream.feed(piece) for piece in pieces), stream.finish()]


@settings(max_examples=60, deadline=None)
@given(LONG, st.lists(st.integers(0, 2000), max_size=40), KEYS)
def test_pieces_come_back_exactly_and_as_the_whole_would(text: str, places: list[int], key: bytes) -> None:
    stream = Stream(FAKE, key, horizon_chars=64, step_chars=16)
    made = "".join(run(stream, cut(text, places)))
    mapping = stream.mapping()
    assert Restorer(mapping).restore(made).text == text
    work = Deidentifier(FAKE, key, [text], second_look=False)
    (whole,) = work.run()
    # What a stream cannot know is which words come later: a surrogate may be one of them.
    if not set(mapping.plain) & every_pool_word() and work.mapping().words == mapping.words:
        assert made == whole.text or work.mapping().phrases != mapping.phrases


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([*IDENTIFIERS, "the", "patient", "reports", "pain", "2019", "\n"]), max_size=80), KEYS,
       st.lists(st.integers(0, 3000), max_size=60))  # fmt: skip
def test_without_accidents_the_result_is_that_of_the_whole_text(
    words: list[str], key: bytes, places: list[int]
) -> None:
    text = " ".join(words)
    stream = Stream(FAKE, key, horizon_chars=64, step_chars=16)
    work = Deidentifier(FAKE, key, [text], second_look=False)
    (whole,) = work.run()
    assert "".join(run(stream, cut(text, places))) == whole.text
    assert stream.mapping() == work.mapping().model_copy(update={"plain": stream.mapping().plain})


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 300), st.integers(1, 9))
def test_an_identifier_in_pieces_is_never_given_out_in_part(before: int, size: int) -> None:
    text = "word " * (before // 5) + "call (512) 867-5309 now, Maria Lopez. " + "and so on " * 60
    stream = Stream(FAKE, KEY, horizon_chars=64, step_chars=8)
    out = ""
    for at in range(0, len(text), size):
        out += stream.feed(text[at : at + size])
        assert not any(part in out for part in ("867", "(512", "Lop", "Mari"))
        assert stream.held_chars <= 64 + 8 + size + len("(512) 867-5309")
    out += stream.finish()
    assert "Lopez" not in out
    assert out.endswith("and so on ")


def test_text_without_identifiers_waits_for_no_more_than_horizon_and_step() -> None:
    stream = Stream(FAKE, KEY)
    text, out = "so it goes on and on " * 100, 0
    for number, letter in enumerate(text, 1):
        out += len(stream.feed(letter))
        assert number - out <= HORIZON_CHARS + STEP_CHARS + 5
        assert number - out == stream.held_chars


class Endless:
    """Takes everything for one name, as a detector that went wrong might."""

    def find(self, text: str, *, known_names: object = ()) -> tuple[Identifier, ...]:
        return (Identifier(0, len(text), Kind.NAME, "endless", 0.5),) if text else ()


@pytest.mark.parametrize("text", ["maria " * 3000, "x" * 20_000])
def test_memory_is_bounded_whatever_the_detector_says_and_nothing_gets_through(text: str) -> None:
    stream = Stream(Endless(), KEY, horizon_chars=64, step_chars=64)
    out, most = [], 0
    for at in range(0, len(text), 50):
        out.append(stream.feed(text[at : at + 50]))
        most = max(most, stream.held_chars)
    made = "".join((*out, stream.finish()))
    assert most <= 64 * 16 + 64 + 50
    assert any(out)
    assert "maria" not in made
    assert "xxxx" not in made
    assert Restorer(stream.mapping()).restore(made).text == text


class FromMark:
    """Takes everything from a mark on for one name, as long as it sees the mark."""

    def find(self, text: str, *, known_names: object = ()) -> tuple[Identifier, ...]:
        at = text.find("BEGIN")
        return (Identifier(at, len(text), Kind.NAME, "mark", 0.5),) if at >= 0 else ()


def test_both_halves_of_an_identifier_that_was_cut_are_hidden() -> None:
    stream = Stream(FromMark(), KEY, horizon_chars=64, step_chars=64)
    text, out = "BEGIN", ""
    assert stream.feed(text) == ""
    while not out:
        text += " secret"
        out = stream.feed(" secret")
    made = out + stream.finish()
    assert "secret" not in made
    assert Restorer(stream.mapping()).restore(made).text == text


class Counting:
    """Finds nothing, or one identifier over all of it, and adds up how many characters it was given."""

    def __init__(self, kind: Kind | None) -> None:
        self.kind, self.chars = kind, 0

    def find(self, text: str, *, known_names: object = ()) -> tuple[Identifier, ...]:
        self.chars += len(text)
        return () if self.kind is None else (Identifier(0, len(text), self.kind, "all", 0.5),)


@pytest.mark.parametrize(
    ("text", "kind", "times"),
    [("x", None, 2), ("x\u00a0", None, 6), ("and so on ", None, 6), ("7 ", Kind.OTHER, 6), ("7", Kind.OTHER, 2)],
)
def test_the_detector_reads_each_character_a_few_times_whatever_the_text(
    text: str, kind: Kind | None, times: int
) -> None:
    for chars in (20_000, 80_000):
        detector = Counting(kind)
        stream = Stream(detector, KEY)
        stream.feed((text * chars)[:chars])
        stream.finish()
        assert detector.chars <= times * chars


@pytest.mark.parametrize("size", [34, 3_000, 100_000])
def test_a_stream_ends_before_its_way_back_is_too_long_to_be_read(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr("appliance.deid.stream.MAX_MAPPING_BYTES", 20_000)
    stream, out = Stream(FAKE, KEY), []
    text = "Maria Lopez came, (512) 867-5309. " * 3_000
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    with pytest.raises(UsageError, match="all that one mapping may"):
        out.extend(stream.feed(piece) for piece in (*pieces, ""))
    mapping = stream.mapping()
    assert len(mapping.dumps()) < 20_000
    back = Restorer(mapping).restore("".join(out))
    assert back.exact
    assert text.startswith(back.text)
    assert len(back.text) > 2_000


def test_one_huge_piece_is_worked_off_in_steps() -> None:
    seen: list[int] = []

    class Watching(FakeDetector):
        def find(self, text: str, *, known_names: object = ()) -> tuple[Identifier, ...]:
            seen.append(len(text))
            return super().find(text)

    stream = Stream(Watching(IDENTIFIERS), KEY)
    stream.feed("Maria Lopez came. " * 500)
    assert max(seen) <= 2 * HORIZON_CHARS + 3 * STEP_CHARS


def test_a_word_that_turns_out_to_be_a_surrogate_is_never_put_back_elsewhere() -> None:
    stream = Stream(FAKE, KEY, horizon_chars=64, step_chars=8)
    made = stream.feed("Maria Lopez came. " + "and so on " * 30)
    family = made.split()[1]
    made += stream.feed(f"{family} was here. " + "and so on " * 30) + stream.finish()
    mapping = stream.mapping()
    assert family.casefold() in mapping.plain
    assert f"{family} was here" in Restorer(mapping).restore(made).text
    back = Restorer(mapping).restore(f"{family} came.")
    assert back.text == f"{family} came."
    assert [one.reason for one in back.leftovers] == [Reason.AMBIGUOUS]


def test_known_names_are_found_in_any_case() -> None:
    stream = Stream(FAKE, KEY, known_names=["Ada Okafor"])
    out = stream.feed("okafor and ADA ") + stream.finish()
    assert "okafor" not in out
    assert "ADA" not in out


def test_an_ended_stream_takes_nothing_more_and_a_short_horizon_is_refused() -> None:
    stream = Stream(FAKE, KEY)
    stream.finish()
    with pytest.raises(UsageError):
        stream.feed("x")
    with pytest.raises(UsageError):
        Stream(FAKE, KEY, horizon_chars=63)
