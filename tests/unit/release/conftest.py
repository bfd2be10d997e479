"""What several tests of releases need: a packer that makes real signed images with the tools of image builds."""

from __future__ import annotations

import os
import pwd
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleetctl.image.mirrors import read_mirrors
from fleetctl.image.packing import pack
from fleetctl.image.tools import ToolsTree, ensure_tools
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release.store import ReleaseStore
from fleetctl.release.weights import OwnBuild, Pack
from tests.fakes.carried import Fleet, Sender, make_sender
from tests.fakes.image_cache import GGUF_FILES, WHISPER_FILES, FilledCache

# Read at once: the tests' HOME is an empty folder, and the tools are 300 MB.
_CACHE = Path(os.environ.get("FLEETCTL_CACHE_DIR") or Path(pwd.getpwuid(os.getuid()).pw_dir) / ".cache/fleetctl")


@dataclass(frozen=True)
class Signer:
    """A Secure Boot key of a test's own: unsealed, because it signs nothing that boots."""

    keys: Path
    certificate: Path

    @contextmanager
    def unlocked(self) -> Iterator[Path]:
        yield self.keys


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    keys = tmp_path_factory.mktemp("signer")
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=test"]
    argv += ["-keyout", str(keys / "secureboot.key"), "-out", str(keys / "secureboot.crt")]
    subprocess.run(argv, check=True, capture_output=True)
    return Signer(keys, keys / "secureboot.crt")


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> ToolsTree:
    """The tree that image builds use; made when this machine has none yet, which takes about a minute."""
    log = tmp_path_factory.mktemp("tools") / "log"
    return ensure_tools(_CACHE / "build", read_mirrors(), log_path=log, on_line=lambda line: None)


@pytest.fixture
def own_build(tmp_path: Path, signer: Signer, tools: ToolsTree) -> OwnBuild:
    """Packs for real: erofs, dm-verity and a signed root hash, by systemd-repart."""

    def packed(work: Path, seed: uuid.UUID) -> Path:
        return pack(work, "own", seed, signer.unlocked, signer.certificate, tools, log_path=tmp_path / "log")

    @contextmanager
    def packer() -> Iterator[Pack]:
        yield packed

    opened: Callable[[], AbstractContextManager[Pack]] = packer
    return OwnBuild(tmp_path / "models", tmp_path / "build", signer.certificate, opened)


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    return make_sender(tmp_path)


@pytest.fixture
def receiver(tmp_path: Path, sender: Sender) -> ReleaseStore:
    """Another fleet directory that has pinned the same root, with the repository as it was before the releases."""
    store = ReleaseStore(Fleet(tmp_path / "receiver"))
    store.folder.mkdir(parents=True)
    return store


@pytest.fixture
def usb(tmp_path: Path) -> Path:
    folder = tmp_path / "usb"
    folder.mkdir()
    return folder


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def cache(fleet_dir: FleetDir, tmp_path: Path, state: None) -> FilledCache:
    """Two own models and an OS image."""
    filled = FilledCache(fleet_dir, tmp_path / "cache")
    filled.model("transcription", "speech", WHISPER_FILES)
    filled.model("drafting", "notes", GGUF_FILES)
    filled.system("lab")
    return filled


@pytest.fixture
def store(fleet_dir: FleetDir, state: None) -> ReleaseStore:
    return ReleaseStore(fleet_dir)
