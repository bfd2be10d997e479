"""The gate on a box: what is staged and what runs, the room for another engine, and the result signed and kept.

One release command at a time: an activation in the middle would change what is measured. The result is kept by the id
of its operation, so that the same order again is answered with it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from appliance.contract.clinical_gate import ClinicalPolicy
from appliance.contract.envelope import MAX_ENVELOPE_BYTES, SignatureError, open_envelope, seal
from appliance.contract.release import MAX_MANIFEST_BYTES, AdapterComponent, ModelComponent, ReleaseManifest
from appliance.contract.release_status import CLINICAL_RESULT, ClinicalResult, ReleaseStatus, SetState
from appliance.contract.seal import ModelTask
from appliance.engine.settings import VLLM
from appliance.errors import RefusedError, UnknownStateError, UsageError
from appliance.evaluation.engines import Engines, UnitEngines, read_settings
from appliance.evaluation.evaluation_set import EvaluationSet
from appliance.evaluation.gate import Order, evaluate
from appliance.evaluation.measuring import Budget
from appliance.facts.reading import UnreadableError, read_text
from appliance.release import record as records
from appliance.release.draining import drained
from appliance.release.locks import turn
from appliance.release.parts import Parts
from appliance.release.record import KeptAdapter
from appliance.release.status import status

_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB$", re.MULTILINE)
_OPERATION = re.compile(r"^[0-9a-f]{32}$")
_MIB = 1 << 20
_KEPT = 16
# The serving engines load their weights again before this, large ones from a slow disk as well.
_COME_BACK = timedelta(hours=1)
# What an engine needs beside its weights while it works: activations, caches, the interpreter.
_BESIDE_MIB = 256


@dataclass(frozen=True)
class Asked:
    """One order. `instead`: the serving engines rest meanwhile, drained for at most `drain_timeout_s`."""

    operation: str
    release: str
    policy: ClinicalPolicy
    which: EvaluationSet
    instead: bool = False
    drain_timeout_s: float = 1800.0


def run(parts: Parts, asked: Asked, key: Ed25519PrivateKey, budget: Budget, engines: Engines | None = None) -> bytes:
    """Return the signed result. Raises RefusedError, NotMeasuredError, UnknownStateError, UsageError."""
    if not _OPERATION.match(asked.operation):
        raise UsageError("the operation is no id of 32 hex digits", hint="leave it out to get one")
    with turn(parts.places, parts.now(), monotonic=parts.monotonic, sleep=parts.sleep):
        _end_pause(parts)
        kept = _folder(parts) / f"{asked.operation}.json"
        if kept.exists():
            return _again(kept, asked, key)
        told = status(parts)
        staged, active = _sets(told, asked.release)
        order = Order(
            site=told.site, staged=staged, active=active, policy=asked.policy, which=asked.which,
            needs_mib=_needs(parts, staged, active), free_mib=_available(parts),
            staged_adapters=_adapters(parts, staged), active_adapters=_adapters(parts, active),
        )  # fmt: skip
        chosen = engines or UnitEngines(parts.places.root)
        if not asked.instead:
            _demand_beside(parts, order)
            found = evaluate(order, chosen, budget, parts.now, lambda line: parts.say("idle", line))
        else:
            with _paused(parts, asked, order.tasks, budget):
                order = Order(**{**vars(order), "free_mib": _available(parts)})
                found = evaluate(order, chosen, budget, parts.now, lambda line: parts.say("idle", line))
        envelope = seal(found.model_dump_json().encode(), key, CLINICAL_RESULT)
        _keep(parts, kept, envelope)
        return envelope


def _sets(told: ReleaseStatus, release: str) -> tuple[SetState, SetState]:
    if told.phase != "idle":
        raise RefusedError(f"a change goes on: {told.phase}", hint="finish it: appliancectl release recover")
    if told.staged is None or told.staged.release != release:
        found = told.staged.release if told.staged else "nothing"
        raise RefusedError(f"staged is {found}, not {release}", hint="appliancectl release stage, first")
    if told.active is None:
        raise RefusedError("it is not known what runs", hint="provision the site: fleetctl site provision")
    return told.staged, told.active


def _needs(parts: Parts, *sets: SetState) -> dict[str, int]:
    """Memory of the host by root hash: what the manifest asks for, and never less than the image is large.

    What lies on a card takes next to none of it. Whether a card holds it alone was judged when it was staged.
    """
    images = UnitEngines(parts.places.root)
    needs: dict[str, int] = {}
    for each in sets:
        asks = {} if each.digest is None else _manifest_memory(parts.places.manifest(each.digest))
        beside = sum(asks.get(root_hash, 0) for root_hash in each.adapters)
        for task, root_hash in each.models.items():
            size_mib = images.image(task, root_hash).stat().st_size // _MIB + 1
            on_host = 0 if _is_on_card(parts, task) else max(asks.get(root_hash, 0), size_mib)
            on_host += beside if on_host and task == "drafting" else 0
            needs[root_hash] = on_host + _BESIDE_MIB
    return needs


def _manifest_memory(path: Path) -> dict[str, int]:
    try:
        with path.open("rb") as file:
            manifest = ReleaseManifest.model_validate_json(file.read(MAX_MANIFEST_BYTES + 1))
    except FileNotFoundError:  # of a set that was here before manifests were kept: its images tell
        return {}
    except (OSError, ValidationError):
        raise UnknownStateError(f"{path} is not understood", hint="stage the release again") from None
    loaded: tuple[ModelComponent | AdapterComponent, ...] = (*manifest.models, *manifest.adapters)
    return {image.root_hash: image.memory_mib for image in loaded}


def _adapters(parts: Parts, kept: SetState) -> tuple[KeptAdapter, ...]:
    """The adapters of a set, from the record of the box; none where it does not know the set."""
    record = records.load(parts.places.record)
    for each in (record.staged, record.active):
        if each is not None and (each.digest, each.hashes) == (kept.digest, kept.models):
            return each.adapters
    return ()


def _available(parts: Parts) -> int:
    try:
        found = _AVAILABLE.search(read_text(parts.places.memory))
    except UnreadableError as error:
        raise UnknownStateError(str(error), hint="look at the box itself") from None
    if found is None:
        raise UnknownStateError(f"{parts.places.memory} names no MemAvailable", hint="look at the box itself")
    return int(found[1]) // 1024


def _demand_beside(parts: Parts, order: Order) -> None:
    """vLLM takes its share of a card at its start, and leaves no room for another engine there. Raises RefusedError."""
    if "drafting" in order.tasks and _is_on_card(parts, "drafting"):
        raise RefusedError(
            "the serving engine fills the card, so that none can run beside it",
            hint="evaluate in a window with --instead: the engines rest meanwhile",
        )


def _is_on_card(parts: Parts, task: ModelTask) -> bool:
    settings = read_settings(parts.places.below(f"/etc/appliance/{task}.json"))
    if task == "drafting":
        return settings.get("engine") == VLLM and bool(settings.get("cards"))
    return settings.get("device") == "cuda"


@contextmanager
def _paused(parts: Parts, asked: Asked, tasks: tuple[ModelTask, ...], budget: Budget) -> Iterator[None]:
    """Let the serving engines rest: drained first, and started again whatever happens. A mark in /run says that they
    rest, so that they are started again when this was killed (appliance-release-settle); a start of the box does so
    anyway."""
    reason = f"evaluation of {asked.release}"
    try:
        drained(parts, asked.operation, asked.drain_timeout_s, None, reason)
        # As long as the engines may rest no visit begins: nobody would hear it.
        parts.drain.begin(asked.operation, reason, parts.now() + timedelta(seconds=budget.left_s()) + _COME_BACK)
        _mark(parts).parent.mkdir(parents=True, exist_ok=True)
        _mark(parts).write_text(" ".join(tasks))
        parts.say("idle", "the serving engines rest")
        parts.services.stop(tasks)
        yield
    finally:
        _end_pause(parts, begun=True)


def _end_pause(parts: Parts, *, begun: bool = False) -> None:
    mark = _mark(parts)
    if mark.exists():
        tasks: list[ModelTask] = [task for task in ("transcription", "drafting") if task in mark.read_text().split()]
        parts.say("idle", "the serving engines are started again")
        parts.services.start(tasks)
        mark.unlink()
        parts.drain.end()
    elif begun:
        parts.drain.end()


def _mark(parts: Parts) -> Path:
    return parts.places.below("/run/appliance-evaluate/resting")


def _folder(parts: Parts) -> Path:
    return parts.places.releases / "evaluations"


def _again(path: Path, asked: Asked, key: Ed25519PrivateKey) -> bytes:
    """Return the result of an order that was done. Raises UsageError when it was another order's."""
    try:
        with path.open("rb") as file:
            envelope = file.read(MAX_ENVELOPE_BYTES + 1)
        found = ClinicalResult.model_validate_json(open_envelope(envelope, key.public_key(), CLINICAL_RESULT))
    except (OSError, SignatureError, ValidationError):
        raise UnknownStateError(f"{path} is damaged", hint="give the order with another operation id") from None
    same = (found.release, found.set_sha256, found.policy_sha256)
    if same != (asked.release, asked.which.sha256, asked.policy.digest):
        raise UsageError(
            f"operation {asked.operation} evaluated {found.release}, or by another set or policy",
            hint="give every order an id of its own",
        )
    return envelope


def _keep(parts: Parts, path: Path, envelope: bytes) -> None:
    parts.disk.make_directory(path.parent)
    parts.disk.replace(path, envelope, mode=0o600)
    kept = sorted(path.parent.glob("*.json"), key=lambda each: each.stat().st_mtime_ns, reverse=True)
    for old in kept[_KEPT:]:
        parts.disk.remove(old)
