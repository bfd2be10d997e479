"""Automatic logoff: idle and old sessions end, and stay ended."""

from collections.abc import Callable
from typing import Any

import pytest

from appliance.gateway.auth.refusal import AccessError
from appliance.gateway.auth.verifier import TokenVerifier

Box = Callable[..., TokenVerifier]
LIMITS = {"idle_timeout_s": 300, "max_session_s": 3600}


def code(act: Callable[[], object]) -> str:
    try:
        act()
    except AccessError as refused:
        return refused.code
    return "taken"


@pytest.fixture
def show(box: Box, provider: Any) -> Callable[..., str]:
    """show(sid="s2"): what a fresh token of the session gets; signed in at the start unless said otherwise."""
    verifier = box(sessions=LIMITS)
    began = int(provider.clock.now)
    return lambda **changed: code(lambda: verifier.verify(provider.token(**({"auth_time": began} | changed))))


def test_activity_keeps_a_session_alive(show: Callable[..., str], clock: Any) -> None:
    for _ in range(10):
        clock.now += 300
        assert show() == "taken"


def test_idle_session_ends_and_fresh_tokens_do_not_revive_it(show: Callable[..., str], clock: Any) -> None:
    assert show() == "taken"
    clock.now += 301
    assert show() == "session-expired"
    clock.now += 1
    assert show() == "session-expired"
    assert show(sid="s2", sub="clinician-2") == "taken"


def test_signing_in_again_begins_anew(show: Callable[..., str], clock: Any) -> None:
    assert show() == "taken"
    clock.now += 301
    assert show() == "session-expired"
    assert show(auth_time=int(clock.now)) == "taken"
    clock.now += 300
    assert show(auth_time=int(clock.now) - 300) == "taken"


def test_session_ends_with_its_age_however_active(show: Callable[..., str], clock: Any) -> None:
    for _ in range(12):
        assert show() == "taken"
        clock.now += 300
    assert show() == "taken"
    clock.now += 1
    assert show() == "session-expired"


def test_age_counts_from_the_first_token_where_the_issuer_tells_no_sign_in(
    show: Callable[..., str], clock: Any
) -> None:
    for _ in range(13):
        assert show(auth_time=None) == "taken"
        clock.now += 300
    assert show(auth_time=None) == "session-expired"


def test_token_first_shown_long_after_its_issue_proves_no_activity(box: Box, provider: Any, clock: Any) -> None:
    token = provider.token()
    clock.now += 301
    assert code(lambda: box(sessions=LIMITS).verify(token)) == "session-expired"


def test_sessions_of_different_people_and_names_are_apart(show: Callable[..., str], clock: Any) -> None:
    assert [show(), show(sid="s2"), show(sub="clinician-2")] == ["taken"] * 3
    clock.now += 200
    assert show() == "taken"
    clock.now += 200
    assert [show(), show(sid="s2"), show(sub="clinician-2")] == ["taken", "session-expired", "session-expired"]


def test_lasting_connection_is_asked_again(box: Box, provider: Any, clock: Any) -> None:
    verifier = box(sessions=LIMITS)
    principal = verifier.verify(provider.token(exp=clock.now + 900))
    clock.now += 200
    verifier.check(principal, active=False)
    clock.now += 101
    assert code(lambda: verifier.check(principal, active=False)) == "session-expired"


def test_activity_on_a_lasting_connection_counts_until_the_token_expires(box: Box, provider: Any, clock: Any) -> None:
    verifier = box(sessions=LIMITS)
    principal = verifier.verify(provider.token(exp=clock.now + 900))
    for _ in range(3):
        clock.now += 300
        verifier.check(principal)
    clock.now += 30
    assert code(lambda: verifier.check(principal)) == "token-expired"


def test_log_off_ends_the_session_for_fresh_tokens_too(box: Box, provider: Any, clock: Any) -> None:
    verifier = box(sessions=LIMITS)
    began = int(clock.now)
    verifier.log_off(verifier.verify(provider.token()))
    clock.now += 10
    assert code(lambda: verifier.verify(provider.token(auth_time=began))) == "session-expired"
    assert code(lambda: verifier.verify(provider.token())) == "taken"


def test_full_store_refuses_new_sessions_and_keeps_the_old(box: Box, provider: Any, clock: Any) -> None:
    verifier = box(sessions=LIMITS | {"max_open": 2})
    for sid in ("s1", "s2"):
        verifier.verify(provider.token(sid=sid))
    assert code(lambda: verifier.verify(provider.token(sid="s3"))) == "sessions-full"
    assert code(lambda: verifier.verify(provider.token(sid="s1"))) == "taken"
    clock.now += 3601
    assert code(lambda: verifier.verify(provider.token(sid="s3"))) == "taken"


def test_session_that_only_a_token_names_is_forgotten_with_it(box: Box, provider: Any, clock: Any) -> None:
    verifier = box(sessions=LIMITS | {"max_open": 1})
    verifier.verify(provider.token(sid=None))
    assert code(lambda: verifier.verify(provider.token(sid=None))) == "sessions-full"
    clock.now += 631
    assert code(lambda: verifier.verify(provider.token(sid=None))) == "taken"
