"""Programs that a test starts on loopback: until they listen, and until they have ended."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path


def poll(ready: Callable[[], bool], words: str, timeout_s: float = 180) -> None:
    """Wait for a condition, generously; fail with `words`."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        assert time.monotonic() < deadline, words
        time.sleep(0.1)


@contextmanager
def serving(program: str, arguments: Sequence[str], port: int, folder: Path) -> Iterator[None]:
    """A program of the Prometheus family that is ready on `port`; its output is in `folder`.

    It listens before it has opened its storage, and answers 503 until then: `/-/ready` says when that is over.
    """
    found = shutil.which(program)
    assert found, f"no {program}; hint: setup/host.sh test"
    log = folder / f"{program}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [found, *arguments], stdout=out, stderr=out, cwd=folder, env={**os.environ, "HOME": str(folder)}
        )

    def ready() -> bool:
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == 200
        except ConnectionRefusedError:
            return False
        finally:
            connection.close()

    try:
        poll(ready, f"{program} is not ready")
        yield
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
