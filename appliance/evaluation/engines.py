"""Engines for an evaluation: started beside the ones that serve, one at a time, and ended whatever happens."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from appliance.contract.seal import ModelTask
from appliance.errors import UnknownStateError
from appliance.evaluation.errors import NotMeasuredError

# The unit's own limit, TimeoutStartSec, ends sooner.
_START_S, _STOP_S = 1200.0, 240.0
_MAX_SETTINGS_BYTES = 64 * 1024


class WantedAdapter(Protocol):
    """An adapter of a release or of the box's record."""

    @property
    def digest(self) -> str: ...

    @property
    def root_hash(self) -> str: ...

    @property
    def kinds(self) -> tuple[str, ...]: ...


class Engines(Protocol):
    """What an evaluation needs of the machine."""

    def running(
        self, task: ModelTask, root_hash: str, adapters: Sequence[WantedAdapter] = ()
    ) -> AbstractContextManager[Path]:
        """Run the engine of a task with the weights of this root hash, and these adapters of theirs; the socket that
        answers. Raises NotMeasuredError when it does not start."""
        ...

    @property
    def verified(self) -> bool:
        """Whether the engine's own word for its root hash is the kernel's, and must be the one that was asked for."""
        ...


@dataclass(frozen=True)
class UnitEngines:
    """On a box: the units `appliance-evaluate-TASK`, in the sandbox of the serving engines.

    They have the site's own settings, and the image that is linked for them. `systemctl` comes from PATH.
    """

    root: Path = Path("/")
    verified: bool = True

    @contextmanager
    def running(self, task: ModelTask, root_hash: str, adapters: Sequence[WantedAdapter] = ()) -> Iterator[Path]:
        """Start the unit; its type is notify, so that it serves when the command returns."""
        unit = f"appliance-evaluate-{task}.service"
        # What an evaluation left that was killed.
        self._systemctl("stop", unit, _STOP_S, must=False)
        self._prepare(task, root_hash, adapters)
        try:
            self._systemctl("start", unit, _START_S)
            yield self._socket(task)
        finally:
            self._systemctl("stop", unit, _STOP_S, must=False)

    def image(self, task: ModelTask, root_hash: str) -> Path:
        """Return the image. One that the provisioning installed may have no name of ours yet; what the engine then
        has loaded is compared with the root hash all the same. Raises NotMeasuredError."""
        of_release = self.root / f"var/lib/appliance/releases/images/{root_hash}.raw"
        found = of_release if of_release.is_file() else self.root / f"var/lib/appliance/models/{task}.raw"
        if not found.is_file():
            raise NotMeasuredError(f"{task}: there is no image {root_hash[:12]}", hint="stage the release again")
        return found.resolve()

    def _socket(self, task: ModelTask) -> Path:
        return self.root / f"run/appliance-evaluate-{task}/http.sock"

    def adapter_image(self, place: int, root_hash: str) -> Path:
        """Return the image of an adapter, as `image` does. Raises NotMeasuredError."""
        of_release = self.root / f"var/lib/appliance/releases/images/{root_hash}.raw"
        found = of_release if of_release.is_file() else self.root / f"var/lib/appliance/models/adapter-{place}.raw"
        if not found.is_file():
            raise NotMeasuredError(f"there is no adapter {root_hash[:12]}", hint="stage the release again")
        return found.resolve()

    def _prepare(self, task: ModelTask, root_hash: str, adapters: Sequence[WantedAdapter]) -> None:
        """Link the images, and write the site's settings with the socket of the evaluation.

        The seal names the serving weights, so the service cannot ask it: the root hash is read from the kernel all the
        same, and compared by who evaluates.
        """
        images = {f"{task}.raw": self.image(task, root_hash)}
        images |= {f"adapter-{place}.raw": self.adapter_image(place, a.root_hash) for place, a in enumerate(adapters)}
        given = read_settings(self.root / f"etc/appliance/{task}.json")
        folder = self.root / "run/appliance-evaluate"
        try:
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            folder.chmod(0o755)
            new = folder / f".{task}.new"
            own = {"adapters": {each.digest: each.kinds for each in adapters}} if task == "drafting" else {}
            new.write_text(json.dumps(given | {"socket": str(self._socket(task))} | _UNSEALED | own))
            new.chmod(0o644)
            new.replace(folder / f"{task}.json")
            for link in folder.glob("adapter-*.raw"):
                link.unlink()
            for name, image in images.items():
                (folder / name).unlink(missing_ok=True)
                (folder / name).symlink_to(image)
        except OSError as error:
            raise NotMeasuredError(f"{folder}: {error.strerror}", hint="run it as root on the box") from None

    @staticmethod
    def _systemctl(verb: str, unit: str, timeout_s: float, *, must: bool = True) -> None:
        words, hint = f"systemctl {verb} {unit}", f"look at `journalctl --unit '{unit}'`"
        try:
            done = subprocess.run(
                ["systemctl", verb, unit], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False
            )
        except subprocess.TimeoutExpired:
            raise NotMeasuredError(f"{words}: not done within {timeout_s:.0f} s", hint=hint) from None
        except OSError as error:
            raise NotMeasuredError(f"{words}: {error.strerror}", hint="look at PATH") from None
        if done.returncode and must:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise NotMeasuredError(f"{words}: exit {done.returncode}: {said[-1][:200] if said else '-'}", hint=hint)


_UNSEALED = {"require_verity": False}


def read_settings(path: Path) -> dict[str, Any]:
    """Return a service's settings; none where there is no file. Raises UnknownStateError."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_MAX_SETTINGS_BYTES))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UnknownStateError(f"{path}: {type(error).__name__}", hint="provision the site again") from None
    if not isinstance(found, dict):
        raise UnknownStateError(f"{path} is not a JSON object", hint="provision the site again")
    return found
