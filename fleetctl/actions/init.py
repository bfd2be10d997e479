"""Makes a fleet directory: keys first, then fleet.yaml, whose presence means that everything is there."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel

from fleetctl import atomic
from fleetctl.errors import RefusedError, UsageError
from fleetctl.models.base import NAME_PATTERN
from fleetctl.models.fleet import Fleet, check_recipient
from fleetctl.models.fleetdir import FLEET_FILE
from fleetctl.models.load import parse
from fleetctl.report.progress import Progress
from fleetctl.trust.ca import Authority
from fleetctl.trust.generate import generate_keys
from fleetctl.trust.keystore import KeyStore, refuse_git
from fleetctl.trust.passphrase import Passphrase

GITIGNORE = """\
# Keys live outside this directory; these lines catch what was copied here by mistake.
*.key
ssh_ed25519
escrow.age
.fleetctl-*
"""

HEADER = """\
# A fleet: the sites under sites/ share its certificate authority and keys.
# Whoever holds an age identity of escrow_recipients can open the recovery keys of the disks.
"""


@dataclass(frozen=True)
class Plan:
    """What will be made, checked before a passphrase is asked for."""

    directory: Path
    name: str
    keys_directory: Path
    recipients: list[str]


class Made(BaseModel):
    """What stands there now, and the next command."""

    fleet: str
    directory: str
    keys_directory: str
    keys: str
    escrow_recipients: list[str]
    certificate_authority_sha256: str
    next_command: str

    def text(self) -> str:
        """For a person."""
        return (
            f"fleet {self.fleet}: {self.directory}\n"
            f"keys ({self.keys}): {self.keys_directory}\n"
            f"certificate authority: SHA-256 {self.certificate_authority_sha256}\n"
            f"recovery keys can be opened by: {', '.join(self.escrow_recipients)}\n\n"
            "Back the key directory up now: without it and its passphrase no site can be changed, no disk recovered.\n"
            f"Next: {self.next_command}"
        )


def plan_fleet(directory: Path, name: str | None, keys_directory: Path | None, recipients: list[str]) -> Plan:
    """Raises `UsageError` for a wrong name or recipient, `RefusedError` for a fleet that exists or keys inside git."""
    directory = directory.absolute()
    if (directory / FLEET_FILE).exists():
        raise RefusedError(f"{directory / FLEET_FILE} exists", hint="nothing was changed; fleetctl status")
    name = name or re.sub(r"[^a-z0-9-]+", "-", directory.name.lower()).strip("-")
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(f"{name!r} is no fleet name", hint="--name NAME with a-z, 0-9 and -, at most 63 characters")
    for recipient in recipients:
        try:
            check_recipient(recipient)
        except ValueError as error:
            raise UsageError(str(error), hint="age-keygen prints one; --escrow-recipient age1…") from None
    keys = (keys_directory or _default_keys_directory(name)).expanduser().absolute()
    refuse_git(keys)
    if keys == directory or directory in keys.parents:
        raise RefusedError(
            f"the key directory {keys} is inside the fleet directory, which belongs in git",
            hint="choose one outside with --keys-directory",
        )
    return Plan(directory, name, keys, recipients)


def initialize(plan: Plan, passphrase: Passphrase, progress: Progress) -> Made:
    """Make what is missing."""
    if plan.keys_directory.exists():
        keys = _adopt(plan, passphrase)
        how = "kept from an interrupted run"
    else:
        with progress.step("making keys") as step:
            keys = generate_keys(plan.keys_directory, plan.name, passphrase, step.update)
        how = "encrypted with the passphrase"
    text = _fleet_text(plan, keys.text("escrow.pub"))
    (plan.directory / "sites").mkdir(parents=True, exist_ok=True)
    if not (plan.directory / ".gitignore").exists():
        atomic.write_text(plan.directory / ".gitignore", GITIGNORE)
    try:
        atomic.write_text(plan.directory / FLEET_FILE, text, replace=False)
    except FileExistsError:
        raise RefusedError(f"{plan.directory / FLEET_FILE} was made meanwhile", hint="fleetctl status") from None
    return _made(plan, keys, how, parse(text, Fleet, FLEET_FILE).spec.escrow_recipients)


def _adopt(plan: Plan, passphrase: Passphrase) -> KeyStore:
    """Keys that stand there while fleet.yaml does not: ours from an interrupted run, or somebody else's."""
    keys = KeyStore(plan.keys_directory)
    subject = keys.certificate("ca.crt").subject.rfc4514_string()
    if f"CN={plan.name} fleet CA"[:64] not in subject.split(","):
        raise RefusedError(
            f"{plan.keys_directory} holds the keys of another fleet ({subject})",
            hint="keys are never overwritten; choose another --keys-directory or --name",
        )
    Authority.open(keys, passphrase)
    return keys


def _fleet_text(plan: Plan, own_recipient: str) -> str:
    """fleet.yaml, checked by loading it."""
    recipients = list(dict.fromkeys([own_recipient, *plan.recipients]))
    document = {
        "apiVersion": "fleetctl/v1",
        "kind": "Fleet",
        "metadata": {"name": plan.name},
        "spec": {"keys_directory": _with_tilde(plan.keys_directory), "escrow_recipients": recipients},
    }
    text = HEADER + yaml.safe_dump(document, sort_keys=False, width=120)
    parse(text, Fleet, FLEET_FILE)
    return text


def _made(plan: Plan, keys: KeyStore, how: str, recipients: list[str]) -> Made:
    from cryptography.hazmat.primitives.hashes import SHA256

    here = plan.directory == Path.cwd()
    return Made(
        fleet=plan.name,
        directory=str(plan.directory),
        keys_directory=str(plan.keys_directory),
        keys=how,
        escrow_recipients=recipients,
        certificate_authority_sha256=keys.certificate("ca.crt").fingerprint(SHA256()).hex(),
        next_command=("" if here else f"cd {shlex.quote(str(plan.directory))} && ") + "fleetctl image build",
    )


def _default_keys_directory(name: str) -> Path:
    data = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (data if data.is_absolute() else Path.home() / ".local/share") / "fleetctl" / name / "keys"


def _with_tilde(path: Path) -> str:
    """`~/…` where possible, so that fleet.yaml suits every operator who keeps the keys in the same place."""
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)
