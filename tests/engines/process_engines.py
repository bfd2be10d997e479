"""Engines of an evaluation without systemd and dm-verity, for tests: processes on folders of weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from appliance.contract.seal import ModelTask
from appliance.evaluation.engines import WantedAdapter
from appliance.evaluation.errors import NotMeasuredError
from appliance.facts.reading import UnreadableError
from appliance.health.inputs import ask

MODULES: dict[ModelTask, str] = {"transcription": "appliance.transcription", "drafting": "appliance.engine"}
_START_S, _STOP_S, _POLL_S = 1200.0, 240.0, 0.1
_UNSEALED = {"require_verity": False}


@dataclass(frozen=True)
class ProcessEngines:
    """On a machine without systemd or dm-verity: processes on folders of weights. Nothing there proves the weights.

    `folders`: by root hash. `settings`: what a task's settings file has beyond the defaults.
    """

    folders: Mapping[str, Path]
    settings: Mapping[ModelTask, Mapping[str, object]] = field(default_factory=dict)
    start_s: float = _START_S
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    verified: bool = False

    @contextmanager
    def running(self, task: ModelTask, root_hash: str, adapters: Sequence[WantedAdapter] = ()) -> Iterator[Path]:
        """Start the service's own program."""
        if root_hash not in self.folders:
            raise NotMeasuredError(f"{task}: no folder for {root_hash[:12]}", hint="name its folder")
        with tempfile.TemporaryDirectory(prefix="ev-") as name:  # a short path: unix sockets allow 107 bytes
            folder = Path(name)
            socket, config, log = folder / "http.sock", folder / "settings.json", folder / "log"
            own: dict[str, object] = {"socket": str(socket), "model_dir": str(self.folders[root_hash])}
            if task == "drafting":
                for place, each in enumerate(adapters):
                    (folder / "adapters").mkdir(exist_ok=True)
                    (folder / "adapters" / str(place)).symlink_to(self.folders[each.root_hash])
                own |= {"adapters": {each.digest: each.kinds for each in adapters}}
                own |= {"adapter_dir": str(folder / "adapters")}
            config.write_text(json.dumps(dict(self.settings.get(task, {})) | own | _UNSEALED))
            with log.open("wb") as file:
                process = subprocess.Popen(
                    [sys.executable, "-m", MODULES[task], str(config)], stdin=subprocess.DEVNULL, stdout=file,
                    stderr=file, env={**os.environ, "HOME": name, "TMPDIR": name},
                )  # fmt: skip
            try:
                self._wait(task, process, socket, log)
                yield socket
            finally:
                _end(process)

    def _wait(self, task: ModelTask, process: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
        deadline_s = self.monotonic() + self.start_s
        while True:
            with suppress(UnreadableError):
                ask(socket, "/health")
                return
            if process.poll() is not None or self.monotonic() > deadline_s:
                how = "ended" if process.poll() is not None else "does not answer"
                last = log.read_text(errors="replace").strip().splitlines()[-3:]
                raise NotMeasuredError(f"{task}: its engine {how}: {' | '.join(last)[:500]}", hint="see its weights")
            self.sleep(_POLL_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
