"""Programs that a test starts on loopback: until they listen, and until they have ended."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def poll(ready: Callable[[], bool], words: str, timeout_s: float = 180) -> None:
    """Wait for a condition, generously; fail with `words`."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        assert time.monotonic() < deadline, words
        time.sleep(0.1)


@contextmanager
def listening(program: str, arguments: Sequence[str], port: int, folder: Path) -> Iterator[None]:
    """A program that listens on `port`; its output is in `folder`."""
    found = shutil.which(program)
    assert found, f"no {program}; hint: setup/host.sh test"
    log = folder / f"{program}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [found, *arguments], stdout=out, stderr=out, cwd=folder, env={**os.environ, "HOME": str(folder)}
        )

    def accepts() -> bool:
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        poll(accepts, f"{program} does not listen")
        yield
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
