"""The engine's process: starts it, keeps its words until it serves and none after, and ends whatever it started."""

import asyncio
import contextlib
import ctypes
import os
import signal
from collections import deque
from collections.abc import Awaitable, Callable

from appliance.engine.launch import INHERITED, Command
from appliance.errors import ApplianceError, UnknownStateError

_PR_SET_PDEATHSIG = 1  # prctl(2)
_TAIL_LINES = 20
_END_GRACE_S = 20.0
_PROBE_INTERVAL_S = 0.1


class EngineEndedError(ApplianceError):
    """The engine's process ended while it was wanted."""


def _die_with_parent() -> None:
    """Run in the child before exec: a killed front must not leave an engine that holds the cards."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """One engine process in a process group of its own."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._tail: deque[str] | None = deque(maxlen=_TAIL_LINES)
        self._process: asyncio.subprocess.Process | None = None
        self._drain: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it. Raises UnknownStateError when the program is not there."""
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command.argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT, env=inherited | self._command.environment, start_new_session=True,
                preexec_fn=_die_with_parent,
            )  # fmt: skip
        except OSError as error:
            raise UnknownStateError(
                f"{self._command.argv[0]} cannot be started: {error.strerror}", hint="look at program in the settings"
            ) from None
        self._drain = asyncio.create_task(self._read())

    async def _read(self) -> None:
        """Keep the last lines of the start, which nobody's words can be in; after that read and forget."""
        assert self._process is not None and self._process.stdout is not None  # noqa: S101, PT018 (for the type checker)
        while data := await self._process.stdout.read(1 << 16):
            if self._tail is not None:
                self._tail.extend(data.decode(errors="replace").splitlines())

    async def ready(self, answers: Callable[[], Awaitable[bool]], timeout_s: float) -> None:
        """Wait until it answers. Raises EngineEndedError with its last lines when it ends, or takes too long."""
        try:
            async with asyncio.timeout(timeout_s):
                while not await answers():
                    if self.exit_code() is not None:
                        raise self._ended("while it started")
                    await asyncio.sleep(_PROBE_INTERVAL_S)
        except TimeoutError:
            raise self._ended(f"not ready after {timeout_s:g} s", ended=False) from None

    def forget(self) -> None:
        """Call before the first request: from here on nothing that the engine writes is kept."""
        self._tail = None

    def exit_code(self) -> int | None:
        """Return how it ended (negative: by that signal), or None while it runs."""
        return self._process.returncode if self._process else None

    @property
    def pid(self) -> int | None:
        """Process id, also of its group."""
        return self._process.pid if self._process else None

    async def wait(self) -> EngineEndedError:
        """Return when it has ended, with what there is to say about it."""
        assert self._process  # noqa: S101 (for the type checker)
        await self._process.wait()
        return self._ended("while it served")

    def _ended(self, when: str, *, ended: bool = True) -> EngineEndedError:
        code = self.exit_code()
        how = "" if code is None else f" by signal {-code}" if code < 0 else f" with exit code {code}"
        lines = "".join(f"\n    {line[:300]}" for line in self._tail or ())
        message = f"the engine ended{how} {when}" if ended else f"the engine is {when}"
        return EngineEndedError(message + lines, hint="look at memory and at the model image; systemd starts it again")

    async def end(self) -> None:
        """Ask it to stop, then kill its whole group: vLLM's workers outlive a front that was killed."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _END_GRACE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        if self._drain:
            await self._drain
