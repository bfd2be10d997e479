"""Plan files: one signed envelope with a plan in it. Written once, read with bounds, believed by signature alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from appliance.contract.envelope import (
    MAX_ENVELOPE_BYTES,
    SignatureError,
    WrongKeyError,
    key_id,
    open_envelope,
    public_key_of,
    seal,
)
from appliance.contract.health_reading import MAX_BYTES, SnapshotError, check_bounds
from fleetctl import atomic
from fleetctl.errors import ConfigError, RefusedError, VerificationError
from fleetctl.models.rollout import PLAN_TYPE, Plan
from fleetctl.nearest import nearest

MAX_PLAN_BYTES = MAX_BYTES
"""Of the plan itself, as the envelope bounds it; 600 sites with labels and three windows are 376 KiB."""


@dataclass(frozen=True)
class SignedPlan:
    """A plan whose signature holds."""

    plan: Plan
    key: str
    signer: str
    """Whose key it is, as `releases/plan_keys` says."""


def check_size(plan: Plan) -> None:
    """Raise `RefusedError` for a plan that no file may hold."""
    size = len(plan.content())
    if size > MAX_PLAN_BYTES:
        raise RefusedError(
            f"the plan of {len(plan.sites)} sites has {size} bytes, at most {MAX_PLAN_BYTES} are read",
            hint="plan it in parts: -l KEY=VALUE",
        )


def write_plan(path: Path, plan: Plan, key: Ed25519PrivateKey) -> None:
    """Sign the plan and write it. Raises `RefusedError` if the file exists or the plan is too large."""
    check_size(plan)
    check(plan, str(path))
    try:
        atomic.write_bytes(path, seal(plan.content(), key, PLAN_TYPE) + b"\n", replace=False)
    except FileExistsError:
        raise RefusedError(f"{path} exists", hint="a plan is never overwritten: choose another name for -O") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}", hint="choose another place for -O") from None


def read_plan(path: Path, keys: Mapping[str, str]) -> SignedPlan:
    """The plan in a file. `keys`: public key → whose it is, as `read_plan_keys` gives them.

    Raises `ConfigError` for what is no plan file, `VerificationError` if none of these keys signed it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_ENVELOPE_BYTES + 1)
    except OSError as error:
        hint = "fleetctl rollout plan … -O FILE"
        if isinstance(error, FileNotFoundError):
            hint = nearest(path.name, sorted(each.name for each in path.parent.glob("*") if each.is_file()), hint)
        raise ConfigError(f"{path}: cannot be read, a plan file was wanted: {error.strerror}", hint=hint) from None
    return open_plan(content, keys, str(path))


def open_plan(content: bytes, keys: Mapping[str, str], source: str) -> SignedPlan:
    """`read_plan`, from bytes; `source` stands where the file's name would."""
    if not keys:
        raise VerificationError(
            f"{source}: no plan key is known", hint="releases/plan_keys of the fleet directory names them; git pull"
        )
    signed_by = ""
    for text, signer in keys.items():
        try:
            payload = open_envelope(content.removesuffix(b"\n"), public_key_of(text), PLAN_TYPE)
        except WrongKeyError as error:
            signed_by = str(error).partition(",")[0]
            continue
        except SignatureError as error:
            raise VerificationError(f"{source}: {error}", hint="get the plan again from whoever made it") from None
        return SignedPlan(_parsed(payload, source), text, signer)
    known = ", ".join(f"{key_id(public_key_of(text))} ({signer})" for text, signer in list(keys.items())[:5])
    raise VerificationError(
        f"{source}: {signed_by}, which releases/plan_keys does not name; it names {known}",
        hint="if that operator may plan, add the key there by a reviewed commit",
    )


def check(plan: Plan, source: str) -> None:
    """Raise `ConfigError` for a plan that contradicts itself: a signature says who made it, not that it makes sense."""
    waves = [wave.name for wave in plan.waves]
    sites = [site.site for site in plan.sites] + [left.site for left in plan.left_out]
    problems = []
    if len(set(waves)) != len(waves):
        problems.append("two waves have the same name")
    if [wave.canary for wave in plan.waves] != [True] + [False] * (len(waves) - 1):
        problems.append("the first wave, and no other, has to be the canary")
    if twice := sorted(site for site, times in Counter(sites).items() if times > 1):
        problems.append(f"sites named twice: {', '.join(twice[:5])}")
    members = Counter(site.wave for site in plan.sites)
    if strange := sorted(members.keys() - set(waves)):
        problems.append(f"sites are in waves that it does not have: {', '.join(strange[:5])}")
    if empty := [wave for wave in waves if not members[wave]]:
        problems.append(f"waves without a site: {', '.join(empty[:5])}")
    if plan.created_at.tzinfo is None or plan.expires_at.tzinfo is None:
        problems.append("a time without a zone")
    elif plan.expires_at <= plan.created_at:
        problems.append("it expired before it was made")
    if problems:
        raise ConfigError(f"{source}: {'; '.join(problems)}", hint="make a new plan: fleetctl rollout plan")


def _parsed(payload: bytes, source: str) -> Plan:
    try:
        check_bounds(payload, MAX_PLAN_BYTES)
        plan = Plan.model_validate_json(payload)
    except SnapshotError as error:
        raise ConfigError(f"{source}: {error}", hint="make a new plan: fleetctl rollout plan") from None
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(each) for each in first["loc"])
        raise ConfigError(
            f"{source}: signed, and not understood: {where}: {first['msg']}"[:400],
            hint="it was made by another version of fleetctl: make a new plan with this one",
        ) from None
    check(plan, source)
    return plan
