"""Retention: recordings go some days after the last signature, encounters when their time is over."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import DBAPIError

from appliance.gateway import recordings
from appliance.gateway.core import Core
from appliance.gateway.destroy import destroy_encounter
from appliance.gateway.review import State
from appliance.gateway.settings import Settings
from appliance.gateway.store import captures, documents, encounters
from appliance.gateway.store.documents import DocumentRow
from appliance.gateway.store.encounters import EncounterRow
from appliance.gateway.threads import to_its_end
from appliance.gateway.trail import APPLIANCE, Act
from appliance.problems import ProblemError

log = logging.getLogger("appliance.gateway")
_EVERY_S = 3600.0
_PAGE = 500


@dataclass(frozen=True)
class Due:
    """What is due for one encounter now."""

    recordings: bool
    encounter: str | None
    """Why it is destroyed: retention or unfinished; None while it stays."""


def due(row: EncounterRow, found: list[DocumentRow], settings: Settings, now: datetime) -> Due:
    """Return what a policy asks for. An encounter with a draft that somebody may still sign is not finished."""
    signed = [one.closed_at for one in found if one.state == State.SIGNED and one.closed_at]
    if not signed:
        last = max([row.created_at, *(one.closed_at or one.completed_at or one.created_at for one in found)])
        return Due(False, "unfinished" if now - last > timedelta(days=settings.unsigned_retention_days) else None)
    open_ones = any(
        one.state in (State.DRAFTING, State.DRAFT, State.IN_REVIEW, State.CORRECTED)
        and one.created_at > now - timedelta(hours=settings.review_window_h)
        for one in found
    )
    since = now - max(signed)
    return Due(
        not open_ones and since > timedelta(days=settings.recording_retention_days),
        "retention" if since > timedelta(days=settings.retention_days) else None,
    )


class Retention:
    """Looks every hour."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                count = await to_its_end(self.sweep, datetime.now(UTC))
                if count:
                    log.info("retention: %d encounters changed", count)
            except (ProblemError, DBAPIError, OSError) as error:
                log.error("retention: %s; tried again in an hour", type(error).__name__)
            await asyncio.sleep(_EVERY_S)

    def sweep(self, now: datetime) -> int:
        """Do what is due; return for how many encounters something was."""
        after, changed = None, 0
        while True:
            with self._core.database.read() as connection:
                rows = encounters.page(connection, member=None, state=None, after=after, limit=_PAGE)
                found = {row.id: documents.of_encounter(connection, row.id) for row in rows if row.state != "deleted"}
            for row in rows:
                if row.id in found:
                    changed += self._one(row, due(row, found[row.id], self._core.settings, now))
            if len(rows) < _PAGE:
                if changed:
                    self._core.database.forget()
                return changed
            after = (rows[-1].created_at, rows[-1].id)

    def _one(self, row: EncounterRow, wanted: Due) -> bool:
        if wanted.encounter is not None:
            destroy_encounter(self._core, row, Act("retention.key_destroyed", row.id, reason=wanted.encounter), None)
            return True
        if not wanted.recordings:
            return False
        with self._core.database.write() as connection:
            there = [one for one in captures.recordings(connection, encounter=row.id) if one.state != "deleted"]
            if not there:
                return False
            act = Act("retention.recordings_deleted", row.id, numbers={"recordings": len(there)})
            self._core.trail.append(APPLIANCE, act)
            captures.delete_recordings(connection, row.id)
        recordings.remove_all(self._core.settings.state_dir, row.id)
        return True
