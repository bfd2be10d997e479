"""The gate as the command of a box in a folder: real images, record, seal and key; systemctl and engines are stubs."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.applications import Starlette
from starlette.routing import Mount
from typer.testing import CliRunner, Result

from appliance.contract.clinical_gate import open_result
from appliance.contract.drain import InFlight
from appliance.contract.release import ReleaseManifest
from appliance.ctl.release_evaluate import evaluate as command
from appliance.errors import ApplianceError, RefusedError, UsageError
from appliance.evaluation.evaluation_set import read_set
from appliance.evaluation.measuring import Budget
from appliance.evaluation.on_box import Asked, run
from appliance.health.key import DIRECTORY
from appliance.release import record as records
from appliance.release.disk import Disk
from appliance.release.locks import turn
from appliance.release.parts import Parts
from appliance.release.places import Places
from appliance.release.record import KeptSet, Record
from tests.fakes.clinical import listening
from tests.fakes.evaluation import SAID, Model, archive, index, policy
from tests.fakes.release_images import Image, model_image
from tests.fakes.releases import USR_ROOT_HASH, manifest

pytestmark = pytest.mark.anyio
LUKS = "00000000-0000-4000-8000-000000000000"
OPERATION = "0" * 31 + "1"
TEXT = " ".join(text for _, text in SAID)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def images() -> Any:
    with TemporaryDirectory(prefix="im") as folder:
        made = {}
        for name in ("old", "new", "prose"):
            work = Path(folder) / name
            work.mkdir()
            made[name] = model_image(work, {"model.bin": name.encode() * 1000})
        yield made


@dataclass
class Services:
    """The serving engines, as a list of what was done to them."""

    done: list[str] = field(default_factory=list)

    def stop(self, tasks: Iterable[str]) -> None:
        self.done.append(f"stop {' '.join(tasks)}")

    def start(self, tasks: Iterable[str]) -> None:
        self.done.append(f"start {' '.join(tasks)}")

    def loaded(self, task: str) -> str | None:
        return None

    def adapters(self) -> set[str] | None:
        return None


@dataclass
class Drain:
    """A gateway with so many visits."""

    visits: int = 0
    on: bool = False
    until: datetime | None = None

    def begin(self, operation: str, reason: str, until: datetime) -> None:
        self.on, self.until = True, until

    def in_flight(self) -> InFlight | None:
        return InFlight(visits=self.visits, uploads=0, transcripts=0, drafts=0)

    def end(self) -> None:
        self.on = False


@dataclass
class Box:
    """A box in a folder with a staged release that has another transcription model."""

    places: Places
    key: Ed25519PrivateKey
    release: ReleaseManifest
    candidate: Model = field(default_factory=Model)
    services: Services = field(default_factory=Services)
    drain: Drain = field(default_factory=Drain)
    said: list[str] = field(default_factory=list)

    @property
    def parts(self) -> Parts:
        elapsed = [0.0]

        def sleep(seconds: float) -> None:
            elapsed[0] += seconds

        return Parts(
            self.places, Disk(), self.services, self.drain, lambda kept: None, monotonic=lambda: elapsed[0],
            sleep=sleep, tell=lambda step: self.said.append(step.text),
        )  # fmt: skip

    def asked(self, **changes: Any) -> Asked:
        given = {
            "operation": OPERATION, "release": "2026.11-2", "policy": policy(), "which": read_set(archive(index())),
            **changes,
        }  # fmt: skip
        return Asked(**given)

    def evaluate(self, budget_s: float = 60, **changes: Any) -> bytes:
        return run(self.parts, self.asked(**changes), self.key, Budget(budget_s, monotonic=lambda: 0.0))

    def calls(self) -> list[str]:
        log = self.places.root / "calls"
        return log.read_text().splitlines() if log.exists() else []


SYSTEMCTL = '#!/bin/sh\necho "$@" >> "$CALLS"\ncase "$1" in start) [ ! -e "$CALLS.fails" ];; esac\n'


def installed(root: Path, images: dict[str, Image]) -> Box:
    places = Places(root)
    for path in (places.models, places.seal.parent, places.boot_id.parent, places.below(DIRECTORY), places.images,
                 places.sets, places.below("/run"), places.below("/etc/appliance"), root / "bin"):  # fmt: skip
        path.mkdir(parents=True, exist_ok=True)
    for task, name in (("transcription", "old"), ("drafting", "prose")):
        (places.models / f"tiny-{name}.raw").write_bytes(images[name].path.read_bytes())
        places.link(task).symlink_to(f"tiny-{name}.raw")
    seal = {
        "schema_version": "seal/v2", "site": "clinic-1", "sealed_at": "2026-11-01T00:00:00Z",
        "usr_root_hash": USR_ROOT_HASH, "ruleset_digest": "b" * 64, "root_luks_uuid": None,
        "state_volume": {"mount": "/var/lib/appliance", "mapper": "state", "luks_uuid": LUKS},
        "models": [
            {"task": "transcription", "name": "tiny-old", "root_hash": images["old"].root_hash},
            {"task": "drafting", "name": "tiny-prose", "root_hash": images["prose"].root_hash},
        ],
    }  # fmt: skip
    places.seal.write_text(json.dumps(seal))
    places.memory.write_text("MemTotal: 8000000 kB\nMemAvailable: 4000000 kB\n")
    places.boot_id.write_text("boot-1\n")
    release = manifest(
        "2026.11-2", 2,
        [images["new"].component("transcription", "tiny-new"), images["prose"].component("drafting", "tiny-prose")],
    )  # fmt: skip
    for name in ("new", "prose"):
        places.image(images[name].root_hash).write_bytes(images[name].path.read_bytes())
    places.manifest(release.digest).write_bytes(release.content())
    records.keep(places.record, Record(staged=KeptSet.of(release, "stable")), Disk())
    key = Ed25519PrivateKey.generate()
    private = places.below(DIRECTORY) / "health.key"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    private.chmod(0o600)
    (root / "bin/systemctl").write_text(SYSTEMCTL)
    (root / "bin/systemctl").chmod(0o755)
    return Box(places, key, release)


@asynccontextmanager
async def serving(box: Box, images: dict[str, Image]) -> AsyncIterator[None]:
    """Stubs on the sockets of the evaluation's units; they run the weights that are linked when they are asked."""

    def linked(task: str) -> Starlette:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            found = (box.places.root / f"run/appliance-evaluate/{task}.raw").resolve()
            root_hash = found.stem if len(found.stem) == 64 else images[found.stem.removeprefix("tiny-")].root_hash
            model = box.candidate if root_hash == images["new"].root_hash else Model()
            here = model.transcription(root_hash) if task == "transcription" else model.drafting(root_hash)
            await here(scope, receive, send)

        return Starlette(routes=[Mount("/", app)])

    sockets = {task: box.places.root / f"run/appliance-evaluate-{task}" for task in ("transcription", "drafting")}
    for folder in sockets.values():
        folder.mkdir()
    async with (
        listening(linked("transcription"), sockets["transcription"] / "http.sock"),
        listening(linked("drafting"), sockets["drafting"] / "http.sock"),
    ):
        yield


@pytest.fixture
async def box(images: dict[str, Image], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Box]:
    with TemporaryDirectory(prefix="bx") as name:
        made = installed(Path(name), images)
        monkeypatch.setenv("PATH", f"{name}/bin:{os.environ['PATH']}")
        monkeypatch.setenv("CALLS", f"{name}/calls")
        monkeypatch.setenv("APPLIANCE_RELEASE_ROOT", name)
        async with serving(made, images):
            yield made


def counted(box: Box, envelope: bytes) -> Any:
    return open_result(
        envelope, box.key.public_key(), site="clinic-1", digest=box.release.digest,
        set_sha256=box.asked().which.sha256, policy=policy(), now=datetime.now(UTC),
    )  # fmt: skip


async def test_a_staged_release_is_measured_beside_the_one_that_serves(box: Box, images: dict[str, Image]) -> None:
    (box.places.below("/etc/appliance/transcription.json")).write_text('{"threads": 3}')
    found = counted(box, await asyncio.to_thread(box.evaluate))
    assert found.passed
    assert found.incumbent == {"transcription": images["old"].root_hash, "drafting": images["prose"].root_hash}
    assert found.candidate == {"transcription": images["new"].root_hash, "drafting": images["prose"].root_hash}
    starts = [call for call in box.calls() if call.startswith("start")]
    assert starts == ["start appliance-evaluate-transcription.service"] * 2 + [
        "start appliance-evaluate-drafting.service"
    ]  # the drafting model is that of both sets
    assert box.calls()[-1] == "stop appliance-evaluate-drafting.service"
    assert box.services.done == []
    settings = json.loads((box.places.root / "run/appliance-evaluate/transcription.json").read_text())
    assert settings == {
        "threads": 3, "require_verity": False,
        "socket": str(box.places.root / "run/appliance-evaluate-transcription/http.sock"),
    }  # fmt: skip


async def test_a_worse_one_is_told_and_signed_too(box: Box) -> None:
    box.candidate.heard = {"e1": TEXT.replace("400 mg", "40 mg")}
    found = counted(box, await asyncio.to_thread(box.evaluate))
    assert [each.measure for each in found.comparisons if not each.passed] == ["word_error_rate", "drug_error_rate"]


async def test_the_same_order_again_has_the_same_result(box: Box) -> None:
    first = await asyncio.to_thread(box.evaluate)
    before = box.calls()
    box.candidate.heard = {"e1": ""}
    assert await asyncio.to_thread(box.evaluate) == first
    assert box.calls() == before
    with pytest.raises(UsageError, match="by another set or policy"):
        box.evaluate(policy=policy(word_error_rate=0.5))
    kept = box.places.releases / f"evaluations/{OPERATION}.json"
    kept.write_bytes(first[:-9])
    with pytest.raises(ApplianceError, match="is damaged"):
        box.evaluate()


async def test_an_engine_that_does_not_start_gives_no_result(box: Box) -> None:
    (box.places.root / "calls.fails").touch()
    with pytest.raises(ApplianceError, match=r"systemctl start appliance-evaluate-transcription.service: exit 1"):
        await asyncio.to_thread(box.evaluate)
    assert box.calls()[-1] == "stop appliance-evaluate-transcription.service"
    assert not list(box.places.releases.glob("evaluations/*"))
    (box.places.root / "calls.fails").unlink()
    assert counted(box, await asyncio.to_thread(box.evaluate)).passed


@pytest.mark.parametrize(
    ("memory", "settings", "said"),
    [
        ("MemAvailable: 200000 kB\n", "{}", "MiB beside what runs, 195 MiB are free"),
        ("MemTotal: 1 kB\n", "{}", "names no MemAvailable"),
        ("MemAvailable: 4000000 kB\n", '{"engine": "vllm", "cards": 1}', "fills the card"),
    ],
)
async def test_without_room_beside_it_is_refused(box: Box, memory: str, settings: str, said: str) -> None:
    box.places.memory.write_text(memory)
    box.places.drafting_settings.write_text(settings)
    with pytest.raises(ApplianceError, match=said):
        box.evaluate()
    assert not [call for call in box.calls() if call.startswith("start")]


async def test_instead_of_the_serving_engines_they_rest_and_come_back(box: Box) -> None:
    box.places.drafting_settings.write_text('{"engine": "vllm", "cards": 1}')
    found = counted(box, await asyncio.to_thread(lambda: box.evaluate(instead=True)))
    assert found.passed
    assert box.services.done == ["stop transcription drafting", "start transcription drafting"]
    assert not box.drain.on


async def test_no_visit_begins_as_long_as_the_engines_may_rest(box: Box) -> None:
    """The order to drain ends by itself; engines that rest for longer would let a visit begin that nobody hears."""
    begun = datetime.now(UTC)
    await asyncio.to_thread(lambda: box.evaluate(budget_s=12 * 3600, instead=True, drain_timeout_s=10.0))
    assert box.drain.until is not None
    assert box.drain.until - begun >= timedelta(hours=12)


async def test_what_lies_on_a_card_needs_little_of_the_host(box: Box, images: dict[str, Image]) -> None:
    manifest_of = box.places.manifest(box.release.digest)
    large = [model.model_copy(update={"memory_mib": 40_000}) for model in box.release.models]
    manifest_of.write_bytes(box.release.model_copy(update={"models": tuple(large)}).content())
    with pytest.raises(RefusedError, match=f"{images['new'].root_hash[:12]} needs 40256 MiB beside what runs"):
        box.evaluate()
    box.places.drafting_settings.write_text('{"engine": "vllm", "cards": 2}')
    box.places.below("/etc/appliance/transcription.json").write_text('{"device": "cuda"}')
    assert counted(box, await asyncio.to_thread(lambda: box.evaluate(instead=True))).passed


async def test_a_visit_that_goes_on_is_never_cut(box: Box) -> None:
    box.drain.visits = 1
    with pytest.raises(RefusedError, match="there is still work: 1 visits"):
        box.evaluate(instead=True, drain_timeout_s=10.0)
    assert box.services.done == []
    assert not box.drain.on


async def test_engines_come_back_when_the_evaluation_breaks_or_was_killed(box: Box) -> None:
    (box.places.root / "calls.fails").touch()
    with pytest.raises(ApplianceError):
        await asyncio.to_thread(lambda: box.evaluate(instead=True))
    assert box.services.done[-1] == "start transcription drafting"
    box.services.done.clear()
    box.drain.on = True
    (box.places.below("/run/appliance-evaluate/resting")).write_text(
        "transcription drafting"
    )  # as a killed one leaves it
    with pytest.raises(ApplianceError):
        await asyncio.to_thread(box.evaluate)
    assert box.services.done == ["start transcription drafting"]
    assert not box.drain.on


async def test_one_release_command_at_a_time(box: Box) -> None:
    with turn(box.places, datetime.now(UTC)), pytest.raises(RefusedError, match="is being changed"):
        box.evaluate()
    with pytest.raises(RefusedError, match=r"staged is 2026.11-2, not 2026.11-9"):
        box.evaluate(release="2026.11-9")


def ordered(*arguments: str, stdin: bytes = b"") -> Result:
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, list(arguments), input=stdin)


async def test_the_command_takes_a_file_or_a_pipe(box: Box) -> None:
    path = box.places.root / "set.tar"
    path.write_bytes(archive(index()))
    (box.places.root / "policy.json").write_bytes(policy().content())
    done = await asyncio.to_thread(
        ordered, "2026.11-2", "--set", str(path), "--policy", str(box.places.root / "policy.json"), "-o", "json",
        "--operation", OPERATION,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    *steps, last = done.stdout.splitlines()
    assert counted(box, last.encode()).passed
    assert all(json.loads(step)["schema_version"] == "release-step/v1" for step in steps)
    assert not any(word in done.output for word in ("knee", "ibuprofen"))  # nothing that was said
    again = await asyncio.to_thread(
        ordered, "2026.11-2", "--set", "-", "--policy", policy().content().decode(), "--operation", OPERATION,
        stdin=archive(index()),
    )  # fmt: skip
    assert again.exit_code == 0, again.output
    assert "2026.11-2 passed on 1 encounters" in again.stdout


@pytest.mark.parametrize(
    ("given", "wanted", "said"),
    [
        ("none.tar", "policy.json", "No such file"), ("empty.tar", "policy.json", "empty"),
        ("set.tar", "{}", "evaluation_set"),
        ("set.tar", "none.json", "No such file"), ("bad.tar", "policy.json", "no archive"),
    ],
)  # fmt: skip
async def test_wrong_files_are_wrong_usage(box: Box, given: str, wanted: str, said: str) -> None:
    root = box.places.root
    (root / "set.tar").write_bytes(archive(index()))
    (root / "bad.tar").write_bytes(b"x" * 2000)
    (root / "empty.tar").touch()
    (root / "policy.json").write_bytes(policy().content())
    done = ordered(
        "2026.11-2", "--set", str(root / given), "--policy", wanted if wanted == "{}" else str(root / wanted)
    )
    assert isinstance(done.exception, UsageError)
    assert said in str(done.exception)
