"""The weights: are those in use the sealed ones, for every task of the site?"""

from collections.abc import Callable
from typing import Any

from appliance.contract.health import LoadedModel, ModelsPart, Verdict, worst
from appliance.contract.seal import ModelTask
from appliance.facts.reading import UnreadableError
from appliance.health.concerns.part import NOT_SEALED, PROVISION
from appliance.health.engines import EngineAnswer

Judged = tuple[Verdict, str, str]


def judge(
    engine: Callable[[ModelTask], EngineAnswer], verity: dict[str, Any], seal: dict[str, Any] | None
) -> ModelsPart:
    """Ask the engine of every sealed task; its answer, the kernel's table and the seal must agree.

    The worst answer decides. An unsealed box is asked for transcription only, which every site has.
    """
    sealed: dict[ModelTask, str] = {model["task"]: model["root_hash"] for model in seal["models"]} if seal else {}
    loaded: list[LoadedModel] = []
    judged: list[Judged] = []
    tasks: tuple[ModelTask, ...] = tuple(sealed) or ("transcription",)
    for task in tasks:
        try:
            answer = engine(task)
        except UnreadableError as error:
            judged.append((Verdict.UNKNOWN, f"{task}: cannot be read: {error}", "look on the box"))
            continue
        loaded.append(
            LoadedModel(
                task=task, name=answer.model, root_hash=answer.root_hash, engine_root_hash=answer.engine_root_hash
            )
        )
        verdict, reason, action = _judge_one(answer, verity, sealed.get(task))
        if verdict is Verdict.OK and task == "drafting":
            verdict, reason, action = _judge_engine(answer, verity, (seal or {}).get("engine"))
        judged.append((verdict, f"{task}: {reason}", action))
    verdict = worst([each[0] for each in judged])
    bad = [each for each in judged if each[0] is not Verdict.OK]
    return ModelsPart(
        verdict=verdict,
        reason="; ".join(each[1] for each in bad or judged)[:500],
        next_action="; ".join(dict.fromkeys(each[2] for each in bad))[:500],
        loaded=tuple(loaded),
    )


def _judge_one(answer: EngineAnswer, verity: dict[str, Any], sealed: str | None) -> Judged:
    if answer.root_hash is None:
        return (
            Verdict.CRITICAL,
            f"the weights are not verified: {answer.root_hash_source}",
            "install the signed model image",
        )
    device = next((device for device in verity.values() if device["root_hash"] == answer.root_hash), None)
    if device is None:
        return (
            Verdict.CRITICAL,
            "the service names a root hash that no dm-verity device has",
            "isolate the machine and inspect it",
        )
    if device["corrupted"]:
        return (
            Verdict.CRITICAL,
            "the kernel has read a block of the weights that does not match",
            "install the model image again and check the disks",
        )
    if sealed is None:
        return Verdict.DEGRADED, NOT_SEALED, PROVISION
    if sealed != answer.root_hash:
        return (
            Verdict.CRITICAL,
            f"{answer.root_hash} is mounted, sealed is {sealed}",
            "install the approved model image",
        )
    return Verdict.OK, "root hash of the mounted weights equals the sealed one", ""


def _judge_engine(answer: EngineAnswer, verity: dict[str, Any], sealed: dict[str, Any] | None) -> Judged:
    """Judge the image that the engine's program runs from, at a sealed box whose weights are right."""
    found, again = answer.engine_root_hash, "install the approved engine image"
    if sealed is None and found is None:
        return Verdict.OK, "root hash of the mounted weights equals the sealed one", ""
    if found is None:
        return Verdict.CRITICAL, f"the engine is not verified: {answer.engine_root_hash_source}", again
    if sealed is None:
        return Verdict.CRITICAL, "it runs from an engine image, and the seal approves none", again
    device = next((device for device in verity.values() if device["root_hash"] == found), None)
    if device is None:
        said = "the service names an engine's root hash that no dm-verity device has"
        return Verdict.CRITICAL, said, "isolate the machine and inspect it"
    if device["corrupted"]:
        said = "the kernel has read a block of the engine that does not match"
        return Verdict.CRITICAL, said, "install the engine image again and check the disks"
    if found != sealed["root_hash"]:
        return Verdict.CRITICAL, f"engine {found} is mounted, sealed is {sealed['root_hash']}", again
    return Verdict.OK, "root hashes of the mounted weights and of the engine equal the sealed ones", ""
