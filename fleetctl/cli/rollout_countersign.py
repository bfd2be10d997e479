"""`fleetctl rollout countersign`: a clinician signs the results of the clinical gate that a rollout waits for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetctl.cli.groups import PassphraseSource, grouped
from fleetctl.cli.options import FleetOption, YesOption
from fleetctl.cli.rollout_story import IdOption

if TYPE_CHECKING:
    from fleetctl.rollout.journal import Journal
    from fleetctl.rollout.journal_records import RolloutRecord


@grouped
def countersign(
    source: PassphraseSource,
    by: Annotated[str, typer.Option("--by", help="Name of the clinician, as the policy spells it.")] = "",
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="The clinician's Ed25519 key, sealed by a passphrase.")
    ] = None,
    note: Annotated[
        Path | None, typer.Option("--note", metavar="FILE", help="A note that was signed elsewhere, instead of a key.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option("--write", metavar="FILE", help="Keep the signed note in this file as well.")
    ] = None,
    identity: IdOption = "",
    yes: YesOption = False,
    fleet: FleetOption = None,
) -> None:
    """Show the clinical results that wait, and sign them. What was signed stands in the history, with the name."""
    from fleetctl.errors import RefusedError, UsageError
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.rollout.engine_orders import order_note
    from fleetctl.rollout.engine_run import now, opened_journal

    if (key is None) == (note is None):
        raise UsageError("give a key, or a note that was signed elsewhere", hint="--by NAME --key FILE, or --note FILE")
    with opened_journal(FleetDir.find(fleet)) as journal:
        found = journal.find(identity)
        waiting = _waiting(journal, found)
        for site, said in waiting.values():
            typer.echo(f"{site}: {said}", err=True)
        if note is not None:
            envelope = _read(note)
        elif not waiting:
            raise RefusedError("no clinical result waits for a countersignature", hint="fleetctl rollout status")
        else:
            _confirm(yes, len(waiting))
            envelope = _signed(source, by, key or Path(), found, list(waiting))
        results = order_note(journal, found, envelope, now())
        if write is not None:
            write.write_bytes(envelope)
        typer.echo(f"countersigned: {len(results)} results; without a controller: rollout resume")


def _waiting(journal: Journal, found: RolloutRecord) -> dict[str, tuple[str, str]]:
    """Result → site, and its figures in a line."""
    from fleetctl.rollout.journal_records import SiteState

    waiting = {}
    for record in journal.sites(found.plan.id):
        if record.clinical_sha256 and record.state is SiteState.EVALUATED:
            entry = next(each for each in reversed(journal.steps(found.plan.id, record.site))
                         if each.facts.get("result_sha256") == record.clinical_sha256)  # fmt: skip
            figures = entry.facts["gates"][0]["result"]["comparisons"]
            said = ", ".join(
                f"{each['measure']} {each['candidate']:.4g} (running {each['incumbent']:.4g}, allowed "
                f"{each['allowed']:.4g})" for each in figures
            )  # fmt: skip
            waiting[record.clinical_sha256] = (record.site, said)
    return waiting


def _confirm(yes: bool, number: int) -> None:
    from fleetctl.errors import RefusedError

    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedError("nobody can be asked here whether to sign", hint="read the results, then add --yes")
    if not typer.confirm(f"Sign {number} results?", err=True):
        raise RefusedError("nothing was signed", hint="fleetctl rollout explain SITE shows a result with its facts")


def _read(note: Path) -> bytes:
    from appliance.contract.envelope import MAX_ENVELOPE_BYTES
    from fleetctl.errors import ConfigError

    try:
        with note.open("rb") as file:
            return file.read(MAX_ENVELOPE_BYTES + 1).removesuffix(b"\n")
    except OSError as problem:
        raise ConfigError(f"{note}: cannot be read: {problem.strerror}", hint="give the signed note's file") from None


def _signed(source: PassphraseSource, by: str, path: Path, found: RolloutRecord, results: list[str]) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from fleetctl.errors import ConfigError
    from fleetctl.rollout.engine_run import now
    from fleetctl.rollout.gates_note import ClinicalNote, sign
    from fleetctl.trust.sealing import open_key

    clinical = found.plan.policy.gates.clinical
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise ConfigError(f"{path}: cannot be read: {problem.strerror}", hint="--key FILE") from None
    key = open_key(content, source.passphrase(), path.name)
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path} is no Ed25519 key", hint="openssl genpkey -algorithm ed25519 -aes-256-cbc")
    note = ClinicalNote(
        rollout=found.plan.id, release_digest=found.plan.release.digest, clinician=by, results=tuple(results),
        signed_at=now(),
    )  # fmt: skip
    return sign(note, key, clinical.countersigned_by if clinical is not None else [])
