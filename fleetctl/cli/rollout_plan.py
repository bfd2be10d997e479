"""`fleetctl rollout plan`: make a signed plan of a rollout, or show one. Changes no site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import OutputFormat, OutputOption, SelectorOption
from fleetctl.cli.site_hold import ByOption

if TYPE_CHECKING:
    from fleetctl.report.rollout_plan import ShownPlan


@grouped
def plan(
    access: Access,
    release: Annotated[
        str | None, typer.Option("--release", "-r", metavar="RELEASE", help="An approved release of the channel.")
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", "-p", metavar="NAME", help="policies/rollouts/NAME.yaml.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-O", metavar="FILE", help="Write the signed plan here; without it nothing is kept."),
    ] = None,
    show: Annotated[
        Path | None, typer.Option("--show", metavar="FILE", help="Verify and show the plan in this file; asks no site.")
    ] = None,
    selector: SelectorOption = None,
    expires: Annotated[
        str, typer.Option("--expires", metavar="DURATION", help="How long it may be started; at most 90d.")
    ] = "7d",
    by: ByOption = None,
    parallel: Annotated[int, typer.Option(min=1, max=200, help="Sites that are asked at once.")] = 16,
    deadline: Annotated[
        float, typer.Option(min=1, max=3600, metavar="SECONDS", help="Who has not answered by then is out of reach.")
    ] = 120.0,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Plan who gets a release, when and in which order. `rollout start` takes the file, and nothing else.

    Every site is asked what it runs; none is changed. The plan is signed with your plan key.
    """
    from fleetctl.errors import UsageError
    from fleetctl.report.lines import write_lines
    from fleetctl.report.rollout_plan import plan_lines

    now = datetime.now(UTC).replace(microsecond=0)
    if show is not None:
        if release or policy or file or selector:
            raise UsageError("--show stands alone", hint="fleetctl rollout plan --show FILE")
        found = _read(access, show)
    elif release is None or policy is None:
        raise UsageError(
            "name a release and a policy", hint="fleetctl rollout plan --release R --policy P -O FILE, or --show FILE"
        )
    else:
        wanted = _Wanted(release, policy, selector or [], file, expires, by, parallel, deadline)
        found = _made(access, wanted, now)
    write_lines(found, output, lambda data, width: plan_lines(data, now, width))


@dataclass(frozen=True)
class _Wanted:
    """The options of a new plan."""

    release: str
    policy: str
    selector: list[str]
    file: Path | None
    expires: str
    by: str | None
    parallel: int
    deadline_s: float


def _read(access: Access, path: Path) -> ShownPlan:
    from fleetctl.report.rollout_plan import shown_plan
    from fleetctl.rollout.planfile import read_plan
    from fleetctl.trust.plan_key import read_plan_keys

    signed = read_plan(path, read_plan_keys(access.fleet))
    return shown_plan(signed.plan, signed)


def _made(access: Access, wanted: _Wanted, now: datetime) -> ShownPlan:
    from fleetctl.actions.hold import operator
    from fleetctl.actions.rollout_plan import Asking, draft, expiry, plan_key_note, prepare, sign
    from fleetctl.actions.rollout_sites import ssh_boxes
    from fleetctl.errors import RefusedError, UsageError
    from fleetctl.models.fleetdir import labels_of
    from fleetctl.report.progress import Progress
    from fleetctl.report.rollout_plan import shown_plan

    if wanted.file is not None and wanted.file.exists():
        raise RefusedError(f"{wanted.file} exists", hint="a plan is never overwritten: choose another name for -O")
    if wanted.file is not None and not wanted.file.parent.is_dir():
        raise UsageError(f"{wanted.file.parent} is no folder", hint="make it, or choose another place for -O")
    expires_in = expiry(wanted.expires)
    by, fleet = operator(wanted.by), access.fleet
    subject = prepare(
        fleet, release=wanted.release, policy=wanted.policy, selectors=labels_of(wanted.selector), now=now
    )
    passphrase = access.passphrase()
    progress, total = Progress(), len(fleet.site_names())
    heard: list[str] = []
    with progress.step("Ask every site what it runs") as step, ssh_boxes(fleet, passphrase) as boxes:

        def answered(site: str, seen: object) -> None:
            heard.append(site)
            step.update(f"{len(heard)} of {total} sites")

        asking = Asking(boxes, wanted.parallel, wanted.deadline_s, answered)
        made = draft(fleet, subject, asking, by=by, expires_in=expires_in, now=now)
    if wanted.file is None:
        return shown_plan(made, None)
    note = plan_key_note(fleet)
    signed = sign(fleet, made, wanted.file, passphrase)
    if note:
        progress.line(note)
    progress.line(f"wrote {wanted.file}; when it has been reviewed: fleetctl rollout start {wanted.file}")
    return shown_plan(made, signed)
