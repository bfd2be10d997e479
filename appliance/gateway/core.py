"""What the gateway is made of; one of it for the life of the process."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appliance.audit import AuditLog, Checkpoint
from appliance.audit.note import read_checkpoint
from appliance.audit.proof import make
from appliance.audit.tiles import TileStore
from appliance.gateway.auth.verifier import TokenVerifier
from appliance.gateway.consent.law import LawTable
from appliance.gateway.consent.overrides import Overrides
from appliance.gateway.deid import Deidentification, policy_of
from appliance.gateway.drain import Drain
from appliance.gateway.readings import Readings
from appliance.gateway.refusals import Refusals
from appliance.gateway.settings import Settings
from appliance.gateway.speech import Speech
from appliance.gateway.store import patients
from appliance.gateway.store.database import Database
from appliance.gateway.trail import Trail
from appliance.gateway.vault import Vault
from appliance.problems import ProblemError

if TYPE_CHECKING:
    from appliance.gateway.codes import Codes
    from appliance.gateway.drafts import Drafts
    from appliance.gateway.jobs import Jobs
    from appliance.gateway.live import LiveSessions
    from appliance.gateway.retention import Retention


@dataclass
class Core:
    """Settings, storage, log, access and engines."""

    settings: Settings
    database: Database
    vault: Vault
    log: AuditLog
    tokens: TokenVerifier
    law: LawTable
    overrides: Overrides
    speech: Speech
    drain: Drain = field(init=False)
    trail: Trail = field(init=False)
    refusals: Refusals = field(init=False)
    readings: Readings = field(init=False)
    deid: Deidentification = field(init=False)
    jobs: Jobs = field(init=False)
    live: LiveSessions = field(init=False)
    drafts: Drafts = field(init=False)
    retention: Retention = field(init=False)
    codes: Codes = field(init=False)

    def __post_init__(self) -> None:
        self.drain = Drain(self.settings.drain)
        self.trail = Trail(self.log)
        self.refusals = Refusals(self.trail)
        self.readings = Readings(self.settings.kept_sources_bytes)
        self.deid = Deidentification(policy_of(self.settings.deid_policy))

    def start(self) -> None:
        """Take up what an earlier process left: lost drafts, cut recordings, transcripts that wait, old secrets."""
        self.drafts.close_lost()
        self.live.close_cut()
        with self.database.write() as connection:
            patients.forget_destroyed(connection)
        self.jobs.start()
        self.retention.start()
        self.refusals.start()
        self.readings.start()

    async def stop(self) -> None:
        """End everything that runs by itself, and close the log last."""
        await self.jobs.stop()
        await self.retention.stop()
        self.readings.stop()
        await self.speech.close()
        await self.drafts.close()
        await self.refusals.stop()
        await asyncio.to_thread(self.log.close)
        self.database.close()

    def published(self) -> tuple[Checkpoint, float] | None:
        """Return the log's last published head and when it was; None before the first."""
        path = self.settings.audit_dir / "checkpoint"
        try:
            return read_checkpoint(path.read_text(), self.log.verifier_key), path.stat().st_mtime
        except (OSError, ValueError):
            return None

    def proof(self, index: int) -> str:
        """Return the proof of an entry under the newest head. Raises ValueError beyond the log."""
        return str(make(TileStore(self.settings.audit_dir), index, self.log.checkpoint()))

    def require_room(self) -> None:
        """Refuse new captures while the disk is nearly full: the audit log and signatures need what is left.

        Raises ProblemError 507.
        """
        free = shutil.disk_usage(self.settings.state_dir).free
        if free < self.settings.min_free_bytes:
            raise ProblemError(
                507, "disk-full", "The disk is nearly full",
                f"{free >> 20} MiB are free, {self.settings.min_free_bytes >> 20} MiB are kept; nothing was stored",
            )  # fmt: skip
