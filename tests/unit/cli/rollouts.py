"""`fleetctl rollout` as an operator types it, over fake boxes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner, Result

from appliance.contract.envelope import public_key_text
from fleetctl.cli.rollout import app
from fleetctl.errors import FleetctlError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.rollout import Plan
from fleetctl.rollout.plan_fit import Difference
from fleetctl.rollout.planfile import write_plan
from tests.fakes.rollouts import FakeClock, FakeSources

FAST = ("--every", "0.2", "--ask-again", "0.2", "--try-again", "0.2", "--offline-after", "1")
QUICK = {"*": {"bake": "0s"}}


class RealClock(FakeClock):
    """The clock on the wall: what the commands use."""

    def __getattribute__(self, name: str) -> Any:
        return datetime.now(UTC) if name == "utc" else object.__getattribute__(self, name)


class Fleet:
    """A fleet whose boxes are fakes. `ok` runs a command; its errors are raised."""

    def __init__(self, fleetdir: FleetDir, folder: Path, passphrase: Path) -> None:
        self.fleetdir, self.folder, self._passphrase = fleetdir, folder, passphrase
        self.key = Ed25519PrivateKey.generate()
        self.sources: FakeSources | None = None
        self.differences: list[Difference] = []
        keys = fleetdir.path / "releases" / "plan_keys"
        keys.parent.mkdir(exist_ok=True)
        keys.write_text(f"{public_key_text(self.key.public_key())} alex\n")

    def planned(self, made: Plan) -> Path:
        path = self.folder / f"{made.id}.json"
        write_plan(path, made, self.key)
        self.sources = FakeSources(made, RealClock())
        return path

    def run(self, *words: str, secret: bool = False) -> Result:
        more = ["--passphrase-file", str(self._passphrase)] if secret else []
        return CliRunner().invoke(app, [*words, "--fleet", str(self.fleetdir.path), *more])

    def ok(self, *words: str, code: int = 0, secret: bool = False) -> Result:
        result = self.run(*words, secret=secret)
        if isinstance(result.exception, FleetctlError):
            raise result.exception
        assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        return result

    def start(self, path: Path, *words: str, code: int = 0) -> Result:
        return self.ok("start", str(path), *FAST, *words, code=code, secret=True)

    def resume(self, *words: str, code: int = 0) -> Result:
        return self.ok("resume", *FAST, *words, code=code, secret=True)
