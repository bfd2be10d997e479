"""Destruction of an encounter: with its key goes all that was sealed; the entry in the log is the record of it."""

from datetime import UTC, datetime

from appliance.gateway import recordings
from appliance.gateway.api import Deleted
from appliance.gateway.auth.principal import Principal
from appliance.gateway.core import Core
from appliance.gateway.store import encounters, patients
from appliance.gateway.store.encounters import EncounterRow
from appliance.gateway.trail import APPLIANCE, Act, actor_of
from appliance.problems import ProblemError


def destroy_encounter(core: Core, row: EncounterRow, act: Act, caller: Principal | None) -> Deleted:
    """Destroy key, rows and recordings. The entry comes first: a destruction is never without one."""
    core.live.stop(row.id, "destroyed")
    actor = actor_of(caller) if caller is not None else APPLIANCE
    with core.database.write() as connection:
        if encounters.wrapped_key(connection, row.id) is None:
            raise ProblemError(410, "destroyed", "The encounter was destroyed", "there is nothing left of it")
        index = core.trail.append(actor, act)
        encounters.destroy(connection, row.id)
        patients.forget_destroyed(connection)
    core.readings.forget(row.id)
    count = recordings.remove_all(core.settings.state_dir, row.id)
    core.database.forget()
    return Deleted(encounter=row.id, at=datetime.now(UTC), recordings=count, audit_index=index)
