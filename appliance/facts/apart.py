"""Runs a reading that may never return in a process of its own, with a deadline.

A read from a dead disk waits in the kernel, where no signal and no thread's timeout reaches it. The child that waits is
killed and left behind; who asked goes on, and says that it is unknown.
"""

import json
import os
import select
import signal
import time
from collections.abc import Callable
from typing import Any

from appliance.facts.reading import UnreadableError

_MAX_ANSWER_BYTES = 1024 * 1024


def apart(read: Callable[[], Any], *, deadline_s: float) -> Any:
    """Return what `read` returns, which must fit into JSON. Raises UnreadableError when it fails or takes too long."""
    answer, speak = os.pipe()
    child = os.fork()
    if child == 0:
        _speak(speak, read)
    os.close(speak)
    try:
        document = json.loads(_listen(answer, time.monotonic() + deadline_s))
    except TimeoutError:
        raise UnreadableError(f"no answer within {deadline_s:g} s: a disk may be dead") from None
    except ValueError:
        raise UnreadableError("the process that read it ended early") from None
    finally:
        os.close(answer)
        _end(child)
    if "error" in document:
        raise UnreadableError(document["error"])
    return document["value"]


def _speak(pipe: int, read: Callable[[], Any]) -> None:
    """The child: answer and leave at once, without anything of the parent's."""
    try:
        document: dict[str, Any] = {"value": read()}
    except UnreadableError as error:
        document = {"error": str(error)[:300]}
    except BaseException as error:
        document = {"error": f"cannot be read ({type(error).__name__})"}
    try:
        os.set_blocking(pipe, True)
        with os.fdopen(pipe, "wb") as file:
            file.write(json.dumps(document).encode())
    finally:
        os._exit(0)


def _listen(pipe: int, until_s: float) -> bytes:
    data = b""
    while len(data) <= _MAX_ANSWER_BYTES:
        ready, _, _ = select.select([pipe], [], [], max(0.0, until_s - time.monotonic()))
        if not ready:
            raise TimeoutError
        piece = os.read(pipe, 65536)
        if not piece:
            break
        data += piece
    return data


def _end(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    for _ in range(20):
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.005)
    _LEFT.append(child)


_LEFT: list[int] = []
"""Children that did not die. They are looked at again whenever a reading is made, so that none stays a zombie."""


def bury() -> int:
    """Collect children that died since, and return how many still hang."""
    for child in list(_LEFT):
        if os.waitpid(child, os.WNOHANG)[0]:
            _LEFT.remove(child)
    return len(_LEFT)
