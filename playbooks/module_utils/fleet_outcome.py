"""How our modules answer: steps in words and as a diff, the operator's part under `fleet`, refusals apart."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_box import CommandError, Refusal, WriteInCheckMode, without_recovery_keys
from ansible.module_utils.fleet_turn import own_turn


def finish(
    module: AnsibleModule,
    steps: list[str],
    fleet: dict[str, Any],
    *,
    diff: list[dict[str, str]] | None = None,
) -> None:
    """End the module; `steps` are what was done, or what check mode would do."""
    for warning in next((part["warnings"] for part in fleet.values() if "warnings" in part), []):
        module.warn(warning)
    shown = diff or ([{"prepared": "\n".join(f"+ {step}" for step in steps) + "\n"}] if steps else [])
    module.exit_json(changed=bool(steps), steps=steps, fleet=fleet, diff=shown)


def run_reporting(module: AnsibleModule, work: Callable[[], None], *, changes_box: bool = True) -> None:
    """Run the work; a refusal carries what a person must decide, a failure the command that failed.

    Only one module that changes the box works at a time; check mode changes nothing and waits for nobody.
    """
    waits = changes_box and not module.check_mode
    try:
        with own_turn(module._name) if waits else nullcontext():
            work()
    except Refusal as refusal:
        module.fail_json(
            msg=without_recovery_keys(str(refusal)),
            fleet={"refused": {"found": refusal.found, "decide": refusal.decide}},
        )
    except (CommandError, WriteInCheckMode, OSError, ValueError) as error:
        words = without_recovery_keys(f"{type(error).__name__}: {error}")
        module.fail_json(msg=words)
