"""Asks several sources at once, each in a thread of its own, and waits for none of them longer than its deadline."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Overdue
from typing import Any

from appliance.facts.reading import UnreadableError

# A service answers about itself within the 5 s of its socket; what takes longer drips, and is not waited for.
DEADLINE_S = 8.0


class Asker:
    """At most one question to each source at a time: one that never answers costs one thread, not one a snapshot."""

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._out: dict[str, tuple[Future[Any], float]] = {}
        self._lock = threading.Lock()

    def all(self, questions: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        """Return what each answers, or the UnreadableError that says why there is none."""
        asked = {name: self._ask(name, question) for name, question in questions.items()}
        until_s = time.monotonic() + self._deadline_s
        return {name: self._answer(name, *each, until_s) for name, each in asked.items()}

    def _ask(self, name: str, question: Callable[[], Any]) -> tuple[Future[Any], float]:
        with self._lock:
            out = self._out.get(name)
            if out is not None and not out[0].done():
                return out
            self._out[name] = (Future(), time.monotonic())
            future, asked_s = self._out[name]
        threading.Thread(target=_run, args=(future, question), name=f"ask-{name}", daemon=True).start()
        return future, asked_s

    def _answer(self, name: str, future: Future[Any], asked_s: float, until_s: float) -> Any:
        # A question of an earlier snapshot that is still out has had its time: it holds this one up no more.
        patience_s = until_s - time.monotonic()
        if time.monotonic() - asked_s > self._deadline_s:
            patience_s = 0.0
        try:
            return future.result(timeout=max(0.0, patience_s))
        except Overdue:
            return UnreadableError(f"{name} has not answered for {time.monotonic() - asked_s:.0f} s")
        except UnreadableError as error:
            return error
        except Exception as error:
            return UnreadableError(f"{name} cannot be asked ({type(error).__name__})")


def _run(future: Future[Any], question: Callable[[], Any]) -> None:
    try:
        future.set_result(question())
    except BaseException as error:
        future.set_exception(error)
