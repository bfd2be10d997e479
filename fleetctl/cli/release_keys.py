"""`fleetctl release keys`: the keys of the release repository, and the roles they count for."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fleetctl.cli.groups import grouped
from fleetctl.cli.options import DryRunOption, OutputFormat, OutputOption
from fleetctl.cli.release_access import ReleaseAccess, tell
from fleetctl.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fleetctl.release.repository_report import RoleRow
    from fleetctl.trust.release_keys import KeyRecord

app = typer.Typer(no_args_is_help=True, help="Make, show, rotate and revoke the keys that sign releases.")

KeyName = Annotated[str, typer.Argument(metavar="NAME", help="Of the key: its holder, or what it is for.")]
RoleArgument = Annotated[str, typer.Argument(metavar="ROLE", help="root, targets, snapshot, timestamp or a channel.")]
AddOption = Annotated[
    list[str] | None,
    typer.Option("--add", metavar="KEY", help="A key's record (file), or a key at hand; repeat for more."),
]
ThresholdOption = Annotated[int | None, typer.Option("--threshold", min=1, help="Signatures wanted from now on.")]


@app.command()
@grouped
def init(
    access: ReleaseAccess,
    channel: Annotated[
        list[str] | None,
        typer.Option("--channel", help="A channel; repeat for more.", show_default="candidate, stable"),
    ] = None,
    root_keys: Annotated[int, typer.Option("--root-keys", min=0, max=20, help="Keys of the root to make here.")] = 3,
    root_threshold: Annotated[int, typer.Option("--root-threshold", min=1, help="Signatures a new root wants.")] = 2,
    root_keys_dir: Annotated[
        Path | None,
        typer.Option("--root-keys-dir", help="Folder for the root's keys: a medium that lies in a safe afterwards."),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key", metavar="ROLE=KEY", help="A key made elsewhere (its record) for a role; repeat for more."
        ),
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            "--threshold", metavar="ROLE=N", help="Signatures that a role wants; repeat for more.", show_default="1"
        ),
    ] = None,
    confirm: Annotated[
        str | None,
        typer.Option("--confirm", metavar="SHA256", help="Sign the first root that waits, which has this SHA-256."),
    ] = None,
    dry_run: DryRunOption = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Make the release keys and the repository. A role without a --key gets one that is made here.

    Where several people sign the first root, each of the others runs this with --confirm and his own --keys-dir.
    A run that was cut off goes on when it is repeated.
    """
    from fleetctl.nearest import nearest_or_all
    from fleetctl.release import repository
    from fleetctl.release.repository_roles import TOP, check_threshold
    from fleetctl.report.emit import emit
    from fleetctl.trust.release_keys import ReleaseKeys

    repository.check_new(access.store)
    given: dict[str, list[Any]] = {}
    for text in key or []:
        role, name = _assigned(text)
        given.setdefault(role, []).append(access.record(name).key)
    channels = [_channel(name) for name in channel or ["candidate", "stable"]]
    wanted = {role: _number(number) for role, number in map(_assigned, threshold or [])}
    for role in (*given, *wanted):
        if role not in (*TOP, *channels):
            raise UsageError(f"there will be no role {role}", hint=nearest_or_all(role, [*TOP, *channels], "roles"))
    own = access.folders[0]
    root_folder = ReleaseKeys(root_keys_dir.absolute()) if root_keys_dir else own
    counts = {"root": root_keys} | {role: max(1, wanted.get(role, 1)) for role in (*TOP[1:], *channels)}
    counts |= {role: 0 for role in given if role != "root"}
    plan = {role: [f"{role}-{number}" for number in range(1, count + 1)] for role, count in counts.items()}
    if dry_run:
        emit({"keys": plan, "folder": str(own.directory), "root_folder": str(root_folder.directory)}, output)
        return
    keyring = access.keyring(root_folder, new=True)
    places = {role: root_folder if role == "root" else own for role in plan}
    mine = all(_has(places[role], name) for role, names in plan.items() for name in names)
    if confirm or (repository.waits_for_signatures(access.store) and not mine):
        tell(repository.create(access.store, access.hand(False), {}, _now(), confirmed=confirm), output)
        return
    roles = {}
    for role in (*TOP, *channels):
        made = [_kept_or_made(places[role], name, keyring.secret_of_files) for name in plan[role]]
        keys = [*(record.key for record in made), *given.get(role, [])]
        number = wanted.get(role, root_threshold if role == "root" else 1)
        check_threshold(role, keys, number)
        roles[role] = (keys, number)
    documents = repository.first(roles, _now())
    tell(repository.create(access.store, access.hand(False, keyring), documents, _now()), output)


@app.command()
@grouped
def make(name: KeyName, access: ReleaseAccess, output: OutputOption = OutputFormat.table) -> None:
    """Make a key, sealed with the passphrase. Its record (NAME.json) is public: give it to who adds it to a role."""
    from fleetctl.report.emit import emit

    folder = access.folders[0]
    record = folder.make(name, access.passphrase(new=True))
    emit({"key": record.name, "keyid": record.keyid, "record": str(folder.directory / f"{record.name}.json")}, output)


@app.command("import")
@grouped
def import_(
    name: KeyName,
    access: ReleaseAccess,
    token: Annotated[str, typer.Option("--token", help="Label of the PKCS#11 token.")],
    object_id: Annotated[int, typer.Option("--id", min=1, help="CKA_ID of the key on it, as a number.")] = 2,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Write the record of a key that is on a PKCS#11 token: ECDSA P-256 or P-384. The private key stays there."""
    from fleetctl.report.emit import emit
    from fleetctl.trust.release_token import import_key, module_path

    folder = access.folders[0]
    record = import_key(name, module_path(access.module), token, object_id, access.pin)
    folder.add(record)
    emit({"key": record.name, "keyid": record.keyid, "record": str(folder.directory / f"{record.name}.json")}, output)


@app.command()
@grouped
def show(access: ReleaseAccess, output: OutputOption = OutputFormat.table) -> None:
    """Show every role: whose keys, how many, until when. Exit code 3: something ends soon; 4: has ended."""
    from fleetctl.release.repository_client import trusted
    from fleetctl.release.repository_report import roles, tell_ends
    from fleetctl.report.emit import emit

    found = trusted(access.store)
    at_hand = {record.keyid for folder in access.folders if folder.exists() for record in folder.records()}
    rows = roles(found, at_hand, _now())
    emit({"root_sha256": found.fingerprint, "roles": rows}, output, lambda shown: _table(found.fingerprint, rows))
    tell_ends(rows)


@app.command()
@grouped
def rotate(
    role: RoleArgument,
    access: ReleaseAccess,
    add: AddOption = None,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", metavar="KEY", help="Name or id of a key of the role; repeat for more."),
    ] = None,
    threshold: ThresholdOption = None,
    dry_run: DryRunOption = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Change the keys of a role. The keys above it sign; a new root is signed by old and new ones, as TUF wants it."""
    from fleetctl.release.repository_roles import change_keys

    if not (add or remove or threshold):
        raise UsageError("nothing was named that would change", hint="--add KEY, --remove KEY or --threshold N")
    keys = [access.record(text).key for text in add or []]
    hand = access.hand(dry_run)
    done = change_keys(
        access.store, hand, role, add=keys, remove=remove or [], threshold=threshold, now=_now()
    )  # fmt: skip
    tell(done, output)


@app.command()
@grouped
def revoke(
    role: RoleArgument,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Name or id of the key: lost, stolen, or its holder left.")],
    access: ReleaseAccess,
    threshold: ThresholdOption = None,
    dry_run: DryRunOption = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Take a key out of a role. What it had signed alone is signed anew by the others in the same change."""
    from fleetctl.release.repository_roles import change_keys

    hand = access.hand(dry_run)
    tell(change_keys(access.store, hand, role, add=[], remove=[key], threshold=threshold, now=_now()), output)


@app.command()
@grouped
def channel(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the new channel.")],
    access: ReleaseAccess,
    add: AddOption = None,
    threshold: ThresholdOption = None,
    dry_run: DryRunOption = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Make a channel for these keys. The targets' keys sign, and its own."""
    from fleetctl.release.repository_roles import add_channel

    if not add:
        raise UsageError("a channel needs a key", hint="--add KEY; fleetctl release keys make NAME makes one")
    keys = [access.record(text).key for text in add]
    hand = access.hand(dry_run)
    tell(add_channel(access.store, hand, _channel(name), keys, threshold or 1, _now()), output)


def _has(folder: Any, name: str) -> bool:
    return folder.exists() and any(record.name == name for record in folder.records())


def _kept_or_made(folder: Any, name: str, passphrase: Any) -> KeyRecord:
    """A key of a run that was cut off, else a new one."""
    known = {record.name: record for record in folder.records()} if folder.exists() else {}
    found: KeyRecord = known[name] if name in known else folder.make(name, passphrase())
    return found


def _assigned(text: str) -> tuple[str, str]:
    role, equals, value = text.partition("=")
    if not (role and equals and value):
        raise UsageError(f"{text!r} is not ROLE=VALUE", hint="for example: --threshold stable=2")
    return role, value


def _number(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]?", text):
        raise UsageError(f"{text!r} is no number of signatures", hint="for example: --threshold stable=2")
    return int(text)


def _channel(name: str) -> str:
    from fleetctl.release.repository_roles import TOP

    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name) or name in TOP:
        raise UsageError(f"{name[:40]!r} is no name of a channel", hint="a-z, 0-9 and -, at most 31 characters")
    return name


def _now() -> datetime:
    return datetime.now(UTC)


def _table(fingerprint: str, rows: list[RoleRow]) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table("ROLE", "VERSION", "WANTS", "KEYS (* at hand)", "GOOD UNTIL", "STATE", box=None)
    for each in rows:
        keys = ", ".join(f"{key.holder}{'*' if key.at_hand else ''}" for key in each.keys)
        wants = f"{each.threshold} of {len(each.keys)}"
        end = f"{each.expires_at:%Y-%m-%d}"
        table.add_row(each.role, str(each.version), wants, Text(keys), end, each.state.value)
    return Group(table, Text(f"root SHA-256 {fingerprint}"))
