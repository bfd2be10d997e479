"""The journal of rollouts in the fleet's store: an intent before each step, its outcome after it, and every decision.

One transaction a method, durable when it returns. Whatever the store fails in is a `StoreError`, and the engine stops
there: what cannot be written down is not done.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from fleetctl.errors import RefusedError, StoreError, UsageError
from fleetctl.models.rollout import Plan, Stamp
from fleetctl.nearest import nearest
from fleetctl.rollout.journal_records import (
    SETTLED,
    Committed,
    Entry,
    Event,
    OpenStep,
    RolloutRecord,
    RolloutState,
    SiteRecord,
    SiteState,
    StepKind,
    StepOutcome,
)
from fleetctl.store.database import Database
from fleetctl.store.records import milliseconds, moment
from fleetctl.store.rollout_tables import rollout, rollout_event, rollout_site, rollout_step, site_release

ENDED = (RolloutState.ABORTED, RolloutState.DONE)
_MOST_ENTRIES = 200_000


class Journal:
    """The rollouts of one fleet."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def database(self) -> Database:
        """Where it lies."""
        return self._database

    def begin(self, plan: Plan, actor: str, at: datetime) -> list[str]:
        """Write a plan down as a rollout, each site waiting. Which sites an older rollout still waited for is told.

        Raises `RefusedError` when the plan was started before, or another rollout changes one of its sites.
        """
        content = plan.content().decode()
        with self._database.transaction(writes=True) as connection:
            _demand_new(connection, plan)
            taken = _others(connection, plan)
            blocking = [(older, record.site) for older, record, state in taken
                        if state is not RolloutState.CATCHING_UP or record.offline_since is None]  # fmt: skip
            if blocking:
                names, older = ", ".join(sorted(site for _, site in blocking)[:5]), blocking[0][0][:12]
                raise RefusedError(
                    f"another rollout has {len(blocking)} of the plan's sites in work: {names}",
                    hint=f"fleetctl rollout status --id {older}; let it end, or: fleetctl rollout abort --id {older}",
                )
            now = milliseconds(at)
            connection.execute(
                insert(rollout).values(
                    id=plan.id, plan=content, release=plan.release.name, sequence=plan.release.sequence,
                    channel=plan.channel, state=RolloutState.RUNNING.value, wanted=RolloutState.RUNNING.value,
                    wave=0, reason="", started_at=now, started_by=actor[:200], changed_at=now,
                )
            )  # fmt: skip
            rows = [
                _site_row(plan.id, position, SiteRecord(site=each.site, wave=each.wave, since=at, target=plan.release))
                for position, each in enumerate(plan.sites)
            ]
            connection.execute(insert(rollout_site), rows)
            _event(connection, plan.id, at, actor, Event("started", f"{plan.release.name} to {len(rows)} sites",
                                                        facts={"plan_sha256": plan.digest}))  # fmt: skip
            for older, record, _ in taken:
                why = f"rollout {plan.id[:12]} brings it to {plan.release.name}"
                gone = record.model_copy(update={"state": SiteState.SKIPPED, "since": at, "reason": why})
                _write_site(connection, older, gone)
                _event(connection, older, at, actor, Event("superseded", why, record.site))
        return [record.site for _, record, _ in taken]

    def demand_new(self, plan: Plan) -> None:
        """Raise `RefusedError` when the plan was started before. `begin` asks again: somebody may be faster."""
        with self._database.transaction(writes=False) as connection:
            _demand_new(connection, plan)

    def find(self, begins: str = "") -> RolloutRecord:
        """The rollout whose id begins so; without one, the newest. Raises `UsageError` for none or several."""
        wanted = select(rollout).order_by(rollout.c.started_at.desc(), rollout.c.id)
        if begins:
            if not begins.isalnum():
                raise UsageError(f"{begins!r} is no id of a rollout", hint=self._meant(begins))
            wanted = wanted.where(rollout.c.id.like(f"{begins}%"))
        with self._database.transaction(writes=False) as connection:
            rows = connection.execute(wanted.limit(2)).all()
        if not rows:
            said = f"no rollout begins with {begins}" if begins else "there was no rollout yet"
            raise UsageError(said, hint=self._meant(begins))
        if begins and len(rows) > 1:
            raise UsageError(f"several rollouts begin with {begins}", hint="give more of the id")
        return self._record(rows[0])

    def _meant(self, seen: str) -> str:
        """The hint for an id that there is not. People also name the release, or the plan's file."""
        found = self.all()
        if not found:
            return "fleetctl rollout plan, then: fleetctl rollout start PLANFILE"
        of_release = next((each for each in found if each.plan.release.name == seen), None)
        if of_release is not None:
            return f"{seen} is a release; the newest rollout of it is {of_release.plan.id[:12]}"
        return nearest(seen[:12], (each.plan.id[:12] for each in found), "fleetctl rollout status --all lists them")

    def wanted(self, identity: str) -> RolloutState:
        """What operators want of a rollout; cheap, because a controller asks each second."""
        with self._database.transaction(writes=False) as connection:
            found = connection.execute(select(rollout.c.wanted).where(rollout.c.id == identity)).scalar_one()
        return RolloutState(found)

    def all(self) -> list[RolloutRecord]:
        """Every rollout, newest first."""
        with self._database.transaction(writes=False) as connection:
            rows = connection.execute(select(rollout).order_by(rollout.c.started_at.desc()).limit(1000)).all()
        return [self._record(row) for row in rows]

    def sites(self, identity: str) -> list[SiteRecord]:
        """Every site of a rollout, in the plan's order."""
        wanted = select(rollout_site.c.document).where(rollout_site.c.rollout == identity)
        with self._database.transaction(writes=False) as connection:
            rows = connection.execute(wanted.order_by(rollout_site.c.position)).all()
        return [self._site(row.document) for row in rows]

    def open_steps(self, identity: str) -> dict[str, OpenStep]:
        """The intent without an outcome of each site that has one; never more than one a site."""
        ended = select(rollout_step.c.step).where(rollout_step.c.rollout == identity, rollout_step.c.phase == "outcome")
        wanted = select(rollout_step).where(
            rollout_step.c.rollout == identity, rollout_step.c.phase == "intent", rollout_step.c.id.not_in(ended)
        )
        with self._database.transaction(writes=False) as connection:
            rows = connection.execute(wanted.order_by(rollout_step.c.id)).all()
        return {row.site: OpenStep(row.id, row.site, StepKind(row.kind), row.operation, moment(row.at)) for row in rows}

    def intend(self, identity: str, record: SiteRecord, kind: StepKind, operation: str, at: datetime,
               facts: Mapping[str, Any]) -> OpenStep:  # fmt: skip
        """Write down what is about to be ordered of a site, with the state that follows from it."""
        with self._database.transaction(writes=True) as connection:
            found = connection.execute(
                insert(rollout_step).values(
                    rollout=identity, site=record.site, step=0, kind=kind.value, operation=operation, phase="intent",
                    outcome="", at=milliseconds(at), reason="", facts=_json(facts),
                ).returning(rollout_step.c.id)
            ).scalar_one()  # fmt: skip
            _write_site(connection, identity, record)
        return OpenStep(found, record.site, kind, operation, at)

    def end(self, identity: str, step: OpenStep, record: SiteRecord, outcome: StepOutcome, reason: str, at: datetime,
            facts: Mapping[str, Any], events: Sequence[Event] = (), actor: str = "engine",
            committed: Committed | bool | None = False) -> None:  # fmt: skip
        """Write down how a step ended, and what became of the site. `committed`: what it runs now; None: what was
        provisioned; False: as before."""
        with self._database.transaction(writes=True) as connection:
            connection.execute(
                insert(rollout_step).values(
                    rollout=identity, site=record.site, step=step.id, kind=step.kind.value, operation=step.operation,
                    phase="outcome", outcome=outcome.value, at=milliseconds(at), reason=reason[:500],
                    facts=_json(facts),
                )
            )  # fmt: skip
            _write_site(connection, identity, record)
            for event in events:
                _event(connection, identity, at, actor, event)
            if committed is not False:
                connection.execute(delete(site_release).where(site_release.c.site == record.site))
            if isinstance(committed, Committed):
                connection.execute(insert(site_release).values({**asdict(committed), "at": milliseconds(at)}))

    def change(self, identity: str, at: datetime, actor: str, *, records: Iterable[SiteRecord] = (),
               events: Sequence[Event] = (), values: Mapping[str, Any] | None = None) -> None:  # fmt: skip
        """Write decisions down: sites, the rollout's own columns (state, wanted, wave, reason), and why."""
        with self._database.transaction(writes=True) as connection:
            for record in records:
                _write_site(connection, identity, record)
            if values:
                given = {name: getattr(value, "value", value) for name, value in values.items()}
                connection.execute(
                    update(rollout).where(rollout.c.id == identity).values(**given, changed_at=milliseconds(at))
                )
            for event in events:
                _event(connection, identity, at, actor, event)

    def events(self, identity: str, kinds: Sequence[str] = (), after: int = 0) -> list[tuple[int, Entry]]:
        """Decisions with their row's number, oldest first."""
        wanted = select(rollout_event).where(rollout_event.c.rollout == identity, rollout_event.c.id > after)
        if kinds:
            wanted = wanted.where(rollout_event.c.kind.in_(kinds))
        with self._database.transaction(writes=False) as connection:
            rows = connection.execute(wanted.order_by(rollout_event.c.id).limit(_MOST_ENTRIES)).all()
        return [
            (row.id, Entry(moment(row.at), row.site, row.kind, row.text, json.loads(row.facts), row.actor))
            for row in rows
        ]

    def steps(self, identity: str, site: str = "") -> list[Entry]:
        """Intents and outcomes, oldest first; of one site or of all."""
        wanted = select(rollout_step).where(rollout_step.c.rollout == identity)
        if site:
            wanted = wanted.where(rollout_step.c.site == site)
        with self._database.transaction(writes=False) as connection:
            rows = connection.execute(wanted.order_by(rollout_step.c.id).limit(_MOST_ENTRIES)).all()
        return [
            Entry(
                moment(row.at), row.site, f"{row.kind} {row.outcome or 'ordered'}", row.reason, json.loads(row.facts),
                operation=row.operation,
            )
            for row in rows
        ]  # fmt: skip

    def passed(self, channel: str) -> set[str]:
        """Digests of releases that another rollout of the channel has brought through every wave."""
        wanted = select(rollout.c.plan).where(
            rollout.c.channel == channel,
            rollout.c.state.in_([RolloutState.DONE.value, RolloutState.CATCHING_UP.value]),
        )
        with self._database.transaction(writes=False) as connection:
            rows = connection.execute(wanted).all()
        return {self._plan(row.plan).release.digest for row in rows}

    def committed(self) -> dict[str, Committed]:
        """What rollouts have committed at each site."""
        with self._database.transaction(writes=False) as connection:
            rows = connection.execute(select(site_release)).mappings().all()
        return {row["site"]: Committed(**{**row, "at": moment(row["at"])}) for row in rows}

    def forget_committed(self, site: str) -> bool:
        """Forget what runs at a site, because its machine is gone; False when nothing was known. History stays."""
        with self._database.transaction(writes=True) as connection:
            return connection.execute(delete(site_release).where(site_release.c.site == site)).rowcount > 0

    def known(self, digest: str) -> Stamp | None:
        """A release that some plan named, by its digest."""
        return next((each.plan.release for each in self.all() if each.plan.release.digest == digest), None)

    def _record(self, row: Any) -> RolloutRecord:
        return RolloutRecord(
            self._plan(row.plan), RolloutState(row.state), RolloutState(row.wanted), row.wave, row.reason,
            moment(row.started_at), row.started_by, moment(row.changed_at),
        )  # fmt: skip

    def _plan(self, text: str) -> Plan:
        try:
            return Plan.model_validate_json(text)
        except ValueError:
            raise StoreError(
                "a plan in the journal is not readable", hint="was it written by a newer fleetctl?"
            ) from None

    def _site(self, text: str) -> SiteRecord:
        try:
            return SiteRecord.model_validate_json(text)
        except ValueError:
            raise StoreError(
                "a site in the journal is not readable", hint="was it written by a newer fleetctl?"
            ) from None


def _demand_new(connection: Connection, plan: Plan) -> None:
    row = connection.execute(select(rollout.c.state).where(rollout.c.id == plan.id)).first()
    if row is None:
        return
    begins, over = plan.id[:12], row.state in (RolloutState.DONE.value, RolloutState.ABORTED.value)
    another = "fleetctl rollout plan makes another"
    raise RefusedError(
        f"plan {begins} was started before; its rollout is {row.state.replace('_', ' ')}",
        hint=f"fleetctl rollout status --id {begins}; "
        + (another if over else f"fleetctl rollout resume --id {begins} goes on with it"),
    )


def _others(connection: Connection, plan: Plan) -> list[tuple[str, SiteRecord, RolloutState]]:
    """Sites of this plan that an unended rollout has not settled: (its id, the site, its state)."""
    names = {each.site for each in plan.sites}
    open_ones = select(rollout.c.id, rollout.c.state).where(rollout.c.state.not_in([each.value for each in ENDED]))
    found = []
    for older in connection.execute(open_ones).all():
        rows = connection.execute(
            select(rollout_site).where(
                rollout_site.c.rollout == older.id, rollout_site.c.state.not_in([each.value for each in SETTLED])
            )
        ).all()
        found += [
            (older.id, SiteRecord.model_validate_json(row.document), RolloutState(older.state))
            for row in rows
            if row.site in names
        ]
    return found


def _site_row(identity: str, position: int, record: SiteRecord) -> dict[str, Any]:
    return {
        "rollout": identity, "site": record.site, "position": position, "state": record.state.value,
        "document": record.model_dump_json(),
    }  # fmt: skip


def _write_site(connection: Connection, identity: str, record: SiteRecord) -> None:
    table: Table = rollout_site
    connection.execute(
        update(table)
        .where(table.c.rollout == identity, table.c.site == record.site)
        .values(state=record.state.value, document=record.model_dump_json())
    )


def _event(connection: Connection, identity: str, at: datetime, actor: str, event: Event) -> None:
    connection.execute(
        insert(rollout_event).values(
            rollout=identity, site=event.site, at=milliseconds(at), kind=event.kind, actor=actor[:200],
            text=event.text[:2000], facts=_json(event.facts),
        )
    )  # fmt: skip


def _json(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, sort_keys=True, default=str)
