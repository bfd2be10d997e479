"""Compares the live box with its seal. PHI services start only after it (appliance-seal-check.service).

A difference and a fact that cannot be read both refuse; they have different exit codes (9 and 5).
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from appliance.contract.seal import SEAL_PATH, ModelTask, Seal
from appliance.errors import ApplianceError, SealBrokenError, UnknownStateError
from appliance.facts.gather import SOURCES, gather
from appliance.facts.reading import UnreadableError, read_text
from appliance.health.engines import EngineAnswer, ask_engine

_NEEDED = ("firewall", "verity", "state_volume", "root_volume", "unencrypted_swaps")


@dataclass(frozen=True)
class Comparison:
    """One property: what the seal says and what is. `live` is None when it could not be read, `reason` says why."""

    name: str
    sealed: str
    live: str | None
    reason: str = ""

    @property
    def equal(self) -> bool:
        """Whether the property is as sealed."""
        return self.live == self.sealed


def read_seal(path: Path = Path(SEAL_PATH)) -> Seal:
    """Read the seal. Raises UnknownStateError if there is none or it is not understood."""
    try:
        return Seal.model_validate_json(read_text(path))
    except UnreadableError as error:
        raise UnknownStateError(f"no seal: {error}", hint="provision the site: fleetctl site provision") from None
    except ValidationError as error:
        where = ", ".join(".".join(map(str, each["loc"])) or "the document" for each in error.errors()[:5])
        raise UnknownStateError(
            f"the seal is not understood: {where}", hint="provision the site again with a matching fleetctl"
        ) from None


def _compared(name: str, sealed: str, read: Callable[[], str]) -> Comparison:
    try:
        return Comparison(name, sealed, read())
    except UnreadableError as error:
        return Comparison(name, sealed, None, str(error))
    except (KeyError, TypeError) as error:
        return Comparison(name, sealed, None, f"not understood ({type(error).__name__})")


def compare(seal: Seal, facts: dict[str, Any], engine: Callable[[ModelTask], EngineAnswer] | None) -> list[Comparison]:
    """Compare everything; without `engine` the weights are left to the engines, which check them themselves."""

    def fact(name: str) -> Any:
        found = facts.get(name, {"error": "not gathered"})
        if "value" not in found:
            raise UnreadableError(found["error"])
        return found["value"]

    def usr() -> str:
        device = fact("verity").get("usr")
        return "no dm-verity device named usr" if device is None else str(device["root_hash"])

    def volume_below(name: str) -> str:
        volume = fact(name)
        if not volume["mounted"]:
            return "not mounted"
        return str(volume["luks_uuid"]) if volume["encrypted"] else "mounted, but not on LUKS2"

    comparisons = [
        _compared("firewall rules", seal.ruleset_digest, lambda: str(fact("firewall")["digest"])),
        _compared("root hash of /usr", seal.usr_root_hash, usr),
        _compared("state volume", seal.state_volume.luks_uuid, lambda: volume_below("state_volume")),
        _compared("unencrypted swap", "none", lambda: ", ".join(fact("unencrypted_swaps")) or "none"),
    ]
    if (root_uuid := seal.root_luks_uuid) is not None:
        comparisons.append(_compared("root volume", root_uuid, lambda: volume_below("root_volume")))
    if engine is not None:
        comparisons += [_weights(model.task, model.root_hash, engine) for model in seal.models]
        if seal.engine is not None and seal.model_for("drafting") is not None:
            comparisons.append(_engine_image(seal.engine.root_hash, engine))
    return comparisons


def _weights(task: ModelTask, sealed: str, engine: Callable[[ModelTask], EngineAnswer]) -> Comparison:
    return _compared(f"root hash of the weights for {task}", sealed, lambda: engine(task).root_hash or "not verified")


def _engine_image(sealed: str, engine: Callable[[ModelTask], EngineAnswer]) -> Comparison:
    return _compared("root hash of the engine", sealed, lambda: engine("drafting").engine_root_hash or "not verified")


def check(*, before_start: bool, seal_path: Path = Path(SEAL_PATH)) -> list[Comparison]:
    """Read the seal and the live state, and compare."""
    seal = read_seal(seal_path)
    facts = gather({name: SOURCES[name] for name in _NEEDED})["facts"]
    return compare(seal, facts, None if before_start else ask_engine)


def require(comparisons: list[Comparison]) -> None:
    """Raise SealBrokenError on a difference, UnknownStateError if nothing differs but something was not readable."""
    different = [each for each in comparisons if each.live is not None and not each.equal]
    broken = [f"{each.name} is {each.live}, sealed is {each.sealed}" for each in different]
    unread = [f"{each.name} cannot be read: {each.reason}" for each in comparisons if each.live is None]
    if broken:
        raise SealBrokenError(
            "; ".join(broken + unread), hint="find out who changed the box; then undo it, or provision the site again"
        )
    if unread:
        raise UnknownStateError("; ".join(unread), hint="a box whose state is unknown starts no clinical service")


def words(comparisons: list[Comparison]) -> list[str]:
    """One line for each property."""

    def verdict(each: Comparison) -> str:
        if each.live is None:
            return "UNKNOWN"
        return "as sealed" if each.equal else "DIFFERS"

    return [f"{verdict(each):9}  {each.name}" for each in comparisons]


def main() -> int:
    """Run before the services start."""
    try:
        comparisons = check(before_start="--before-start" in sys.argv[1:])
        print("\n".join(words(comparisons)))
        require(comparisons)
    except ApplianceError as error:
        print(f"error: {error}\n  hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
