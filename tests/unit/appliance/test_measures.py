"""A service's numbers about its last ten minutes."""

import pytest

from appliance.measures import MOST, WINDOW_S, Window


def test_without_a_request_there_is_no_number() -> None:
    latency = Window().latency()
    assert (latency.count, latency.failed, latency.p50_ms, latency.p99_ms) == (0, 0, None, None)
    assert Window().tokens_per_s() is None


def test_percentiles_are_times_that_a_request_took() -> None:
    window = Window()
    for number in range(100, 0, -1):
        window.ended(number / 10)
    latency = window.latency()
    assert (latency.p50_ms, latency.p95_ms, latency.p99_ms) == (5000.0, 9500.0, 9900.0)
    assert (latency.count, latency.window_s) == (100, WINDOW_S)


def test_a_failure_counts_and_its_time_does_not() -> None:
    window = Window()
    window.ended(1.0)
    window.ended(900.0, failed=True)
    assert (window.latency().count, window.latency().failed, window.latency().p99_ms) == (2, 1, 1000.0)


def test_what_is_older_than_the_window_is_forgotten() -> None:
    now = [0.0]
    window = Window(clock=lambda: now[0])
    window.ended(1.0, made_s=1.0, tokens=10)
    now[0] = WINDOW_S - 1
    window.ended(2.0, made_s=4.0, tokens=10)
    assert (window.latency().count, window.tokens_per_s()) == (2, 4.0)
    now[0] = WINDOW_S + 1
    assert (window.latency().count, window.tokens_per_s()) == (1, 2.5)


def test_it_stays_small() -> None:
    window = Window()
    for _ in range(MOST + 10):
        window.ended(1.0)
    assert window.latency().count == MOST


@pytest.mark.parametrize(("made_s", "tokens"), [(0.0, 5), (1.0, 0)])
def test_an_answer_without_tokens_or_time_has_no_rate(made_s: float, tokens: int) -> None:
    window = Window()
    window.ended(1.0, made_s=made_s, tokens=tokens)
    assert window.tokens_per_s() is None
