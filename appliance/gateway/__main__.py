"""Starts the gateway: keys, store, audit log, access; then serves on a unix socket."""

import asyncio
import gc
import json
import logging
import sys
import time

from appliance.audit import AuditLog
from appliance.coding.tables.library import Library
from appliance.gateway import settings as settings_module
from appliance.gateway.auth.verifier import TokenVerifier
from appliance.gateway.codes import Codes, shipped_suggester
from appliance.gateway.consent import law, overrides
from appliance.gateway.consent.law import LawTable
from appliance.gateway.consent.overrides import Overrides
from appliance.gateway.core import Core
from appliance.gateway.drafts import Drafts
from appliance.gateway.jobs import Jobs
from appliance.gateway.live import LiveSessions
from appliance.gateway.retention import Retention
from appliance.gateway.settings import Settings
from appliance.gateway.speech import Speech
from appliance.gateway.store.database import Database
from appliance.gateway.vault import Vault, master_key
from appliance.listening import listen
from appliance.sdnotify import notify, watchdog_interval_s
from appliance.service import run

_SWITCH_S = 0.001


def overrides_of(settings: Settings, table: LawTable) -> Overrides:
    """Return counsel's decisions; they are known by the digest of their canonical form. Raises UsageError."""
    if settings.consent_overrides is None:
        return Overrides()
    return overrides.parse(json.dumps(settings.consent_overrides, sort_keys=True).encode(), table)


def build(settings: Settings) -> Core:
    """Return the gateway's parts, opened. Raises ApplianceError when one of them cannot be trusted."""
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    table = law.load()
    database = Database(settings.url)
    database.prepare()
    vault = Vault(master_key(settings.state_dir / "keys" / "master.key", may_make=database.is_empty()))
    log = AuditLog.open(
        settings.audit_dir, settings.state_dir / "keys" / "audit.key", f"fleetctl.audit/{settings.site}"
    )
    core = Core(
        settings=settings,
        database=database,
        vault=vault,
        log=log,
        tokens=TokenVerifier(settings.all_access),
        law=table,
        overrides=overrides_of(settings, table),
        speech=Speech(settings.transcription_socket, settings.transcription_timeout_s),
    )
    core.jobs, core.live, core.drafts, core.retention = Jobs(core), LiveSessions(core), Drafts(core), Retention(core)
    core.codes = Codes(Library(settings.code_packs), shipped_suggester if settings.coding else None)
    return core


def serve(settings: Settings) -> None:
    """Run until systemd says stop."""
    started = time.monotonic()
    core = build(settings)

    import uvicorn
    import uvloop

    from appliance.gateway.app import served

    listener = listen(settings.socket)
    server = uvicorn.Server(
        uvicorn.Config(
            served(core), log_config=None, access_log=False, server_header=False, lifespan="on", loop="uvloop",
            http="httptools", ws="websockets-sansio", ws_max_size=128 * 1024, ws_per_message_deflate=False,
            timeout_keep_alive=75, timeout_graceful_shutdown=30, backlog=256,
        )
    )  # fmt: skip

    async def until_stopped() -> None:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.02)
        # What lives as long as the process need not be looked through again; it took 50 to 100 ms of some requests.
        gc.collect()
        gc.freeze()
        logging.info("ready: audit_size=%d start_s=%.1f", core.log.size, time.monotonic() - started)
        notify("READY=1", f"STATUS=serving; audit log of {core.log.size} entries")
        while not serving.done():
            notify("WATCHDOG=1")
            await asyncio.wait([serving], timeout=watchdog_interval_s())
        await serving

    # The event loop shares the interpreter with the threads that wait for the disk. It takes it back from one that
    # computes after this time; the default of 5 ms is more than the gateway may add to a first word.
    sys.setswitchinterval(_SWITCH_S)
    # uvicorn's own choice of a loop counts only where uvicorn starts it.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(until_stopped())


def main() -> int:
    """Return the exit code."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    return run(lambda path: serve(settings_module.load(path)), settings_module.CONFIG_PATH)


if __name__ == "__main__":
    sys.exit(main())
