"""Local agreement, and the window that does not grow with the visit."""

from typing import Any

from appliance.clinical.transcript import Word
from appliance.transcription.live import CUT_FROM_S, MAX_WINDOW_S, Preview


def line(text: str, start_s: float = 0.0, step_s: float = 0.5) -> list[Word]:
    return [
        Word(text=word, start_s=start_s + i * step_s, end_s=start_s + (i + 0.8) * step_s, confidence=0.9)
        for i, word in enumerate(text.split())
    ]


def texts(words: Any) -> str:
    return " ".join(word.text for word in words)


def test_a_word_is_stable_when_two_hearings_agree_on_all_before_it() -> None:
    preview = Preview()
    stable, tentative = preview.take(line("the patient has"), 3.0, behind=False)
    assert (texts(stable), texts(tentative)) == ("", "the patient has")
    stable, tentative = preview.take(line("the patient had a cough"), 5.0, behind=False)
    assert (texts(stable), texts(tentative)) == ("the patient", "had a cough")
    stable, tentative = preview.take(line("The patient, had a cold"), 6.0, behind=False)
    assert (texts(stable), texts(tentative)) == ("had a", "cold")


def test_what_is_stable_is_never_said_again_or_taken_back() -> None:
    preview = Preview()
    preview.take(line("one two three"), 4.0, behind=False)
    assert texts(preview.take(line("one two three"), 4.0, behind=False)[0]) == "one two three"
    stable, tentative = preview.take(line("other words here"), 4.0, behind=False)
    assert (stable, tentative) == ((), ())


def test_the_last_word_may_be_cut_in_two_and_is_not_stable() -> None:
    preview = Preview()
    words = line("one two")
    preview.take(words, words[-1].end_s, behind=False)
    assert texts(preview.take(words, words[-1].end_s, behind=False)[0]) == "one"


def test_the_window_is_cut_at_a_sentence_and_stays_bounded() -> None:
    preview = Preview()
    said = line("and it hurts here. " * 600)  # twenty minutes
    longest, stable = 0.0, []
    for end_s in range(2, 1200, 2):
        window = [word for word in said if word.start_s >= preview.start_s and word.end_s <= end_s]
        longest = max(longest, end_s - preview.start_s)
        stable += preview.take(window, float(end_s), behind=False)[0]
    assert longest <= CUT_FROM_S + 6
    assert texts(stable) == texts(said[: len(stable)])
    assert len(stable) > len(said) - 20


def test_a_window_without_agreement_is_cut_all_the_same() -> None:
    preview = Preview()
    for turn, end_s in enumerate(range(2, 60, 2)):
        preview.take(line(f"word{turn}", float(end_s) - 1.5), float(end_s), behind=False)
        assert end_s - preview.start_s <= MAX_WINDOW_S


def test_silence_is_not_heard_again_for_ever() -> None:
    preview = Preview()
    for end_s in range(1, 600):
        preview.take([], float(end_s), behind=False)
        assert end_s - preview.start_s <= CUT_FROM_S + 1


def test_a_slow_engine_hears_each_window_once() -> None:
    preview = Preview()
    stable, _ = preview.take(line("one two three four", 1.0), 26.0, behind=True)
    assert texts(stable) == "one two three four"
    assert preview.start_s == stable[-1].end_s
