"""What operators order of a rollout that another process may control: written down as events, taken by the engine once.

promote, retry and rollback, and the notes of clinicians. Pausing and aborting are the column `wanted` of the rollout.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from fleetctl.errors import RefusedError, UsageError
from fleetctl.models.rollout import Plan
from fleetctl.nearest import nearest, nearest_or_all
from fleetctl.rollout.gates_note import countersigned, opened
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_records import Entry, Event, RolloutRecord, RolloutState, SiteRecord, SiteState
from fleetctl.rollout.verdict import moved

RETRY, ROLLBACK, PROMOTE, NOTE, TAKEN = "retry", "rollback", "promote", "countersigned", "taken"
_RETRIED = frozenset({SiteState.FAILED, SiteState.TIMED_OUT, SiteState.REFUSED, SiteState.SKIPPED})
# What a rollback may be ordered of: sites that run the new set, or that may.
_GO_BACK = frozenset({SiteState.BAKING, SiteState.DONE, SiteState.TIMED_OUT, SiteState.FAILED})


class Orders:
    """Of one rollout. `promoted`: waves by who promoted them; `countersigned`: digests of clinical results."""

    def __init__(self, journal: Journal, plan: Plan) -> None:
        self._journal, self._plan = journal, plan
        self._seen = 0
        self._open: dict[int, Entry] = {}
        self.promoted: dict[str, str] = {}
        self.countersigned: frozenset[str] = frozenset()

    def take(self, now: datetime, records: Mapping[str, SiteRecord], busy: Iterable[str]) -> list[SiteRecord]:
        """Sites as orders have changed them. An order about a site that is being worked at waits for that."""
        self.read()
        changed: dict[str, SiteRecord] = {}
        working = set(busy)
        for number, entry in sorted(self._open.items()):
            record = changed.get(entry.site) or records.get(entry.site)
            if entry.site in working or (record is not None and record.state is SiteState.ACTIVATING):
                # How the switch ends decides what there is to go back from.
                continue
            after = ordered(record, entry, now) if record is not None else None
            said = after.reason if after is not None else "nothing to do: the site is not in a state for it"
            taken = Event(TAKEN, f"{entry.what}: {said}", entry.site, {"order": number})
            self._journal.change(
                self._plan.id, now, entry.actor, records=[after] if after is not None else [], events=[taken]
            )
            del self._open[number]
            if after is not None:
                changed[entry.site] = after
        return list(changed.values())

    def read(self) -> None:
        """Read what is new: who promoted what, which results are countersigned, and orders that are yet to be taken."""
        new = self._journal.events(self._plan.id, (RETRY, ROLLBACK, PROMOTE, NOTE, TAKEN), self._seen)
        notes = []
        for number, entry in new:
            self._seen = number
            if entry.what == TAKEN:
                self._open.pop(entry.facts["order"], None)
            elif entry.what == PROMOTE:
                self.promoted[entry.facts["wave"]] = entry.actor
            elif entry.what == NOTE:
                notes.append(base64.b64decode(entry.facts["envelope"]))
            else:
                self._open[number] = entry
        clinical = self._plan.policy.gates.clinical
        if notes and clinical is not None:
            self.countersigned |= countersigned(
                notes, self._plan.id, self._plan.release.digest, clinical.countersigned_by
            )


def ordered(record: SiteRecord, entry: Entry, now: datetime) -> SiteRecord | None:
    """The site after an order; None: it is not in a state for it."""
    if entry.what == ROLLBACK and record.state in _GO_BACK:
        said = f"ordered by {entry.actor}: {entry.text}"
        if not record.switched_here:
            # It was ordered while the site was being switched, and came to nothing: why is what a person looks for.
            said += f" (before: {record.state.value.replace('_', ' ')}: {record.reason})"
        return moved(record, SiteState.ROLLING_BACK, said, now)
    clear = bool(entry.facts.get("clear"))
    if entry.what == RETRY and (record.state in _RETRIED or (clear and record.state is SiteState.ROLLED_BACK)):
        return moved(record, SiteState.WAITING, f"tried again, ordered by {entry.actor}", now, spent_s=0.0,
                     failing=0, unproven="", tries={}, offline_since=None, clear=clear)  # fmt: skip
    return None


def order_retry(journal: Journal, found: RolloutRecord, sites: Sequence[str], actor: str, now: datetime, *,
                clear: bool) -> list[str]:  # fmt: skip
    """Order sites to be tried again; without names, all that failed or timed out. Raises `RefusedError`."""
    _not_aborted(found)
    known = {record.site: record for record in journal.sites(found.plan.id)}
    fitting = _RETRIED | {SiteState.ROLLED_BACK} if clear else _RETRIED
    chosen = list(sites) or [site for site, record in known.items() if record.state in fitting]
    for site in chosen:
        record = _of(known, site)
        if record.state is SiteState.ROLLED_BACK and not clear:
            raise RefusedError(
                f"{site} was rolled back from {record.target.name} and refuses it: {record.reason}", host=site,
                hint=f"when the cause is found: fleetctl rollout retry {site} --clear",
            )  # fmt: skip
        if record.state not in fitting:
            raise RefusedError(
                f"{site} is {record.shown}: only failed, timed out, refused and skipped sites are tried again",
                host=site, hint=f"fleetctl rollout explain {site}",
            )  # fmt: skip
    events = [Event(RETRY, "tried again", site, {"clear": clear}) for site in chosen]
    journal.change(found.plan.id, now, actor, events=events)
    return chosen


def order_rollback(journal: Journal, found: RolloutRecord, sites: Sequence[str], actor: str, now: datetime,
                   reason: str) -> list[str]:  # fmt: skip
    """Order sites back to their last good set; without names, all that may run the new one."""
    known = {record.site: record for record in journal.sites(found.plan.id)}
    chosen = list(sites) or [site for site, record in known.items() if _may_go_back(record)]
    for site in chosen:
        record = _of(known, site)
        if not _may_go_back(record) and record.state is not SiteState.ACTIVATING:
            raise RefusedError(
                f"{site} is {record.shown}: this rollout has switched nothing there", host=site,
                hint=f"fleetctl rollout explain {site}",
            )  # fmt: skip
    events = [Event(ROLLBACK, reason, site) for site in chosen]
    journal.change(found.plan.id, now, actor, events=events)
    return chosen


def order_promotion(journal: Journal, found: RolloutRecord, wave: str, by: str, now: datetime) -> str:
    """Let the wave behind `wave` begin. Gives who has promoted it before, and then changes nothing; empty: nobody.

    Raises `RefusedError` when it has not passed, or nobody is asked.
    """
    names = [each.name for each in found.plan.waves]
    if wave not in names:
        raise UsageError(f"the plan has no wave {wave}", hint=nearest_or_all(wave, names, "waves"))
    place = names.index(wave)
    if found.plan.waves[place].promote != "human":
        raise RefusedError(f"wave {wave} is promoted by itself: the policy says auto", hint="fleetctl rollout status")
    if found.wave <= place:
        raise RefusedError(f"wave {wave} has not passed", hint="fleetctl rollout status; it waits for its sites")
    _not_aborted(found)
    orders = Orders(journal, found.plan)
    orders.read()
    if before := orders.promoted.get(wave, ""):
        return before
    said = f"{by} lets the wave behind {wave} begin"
    journal.change(found.plan.id, now, by, events=[Event(PROMOTE, said, facts={"wave": wave})])
    return ""


def order_note(journal: Journal, found: RolloutRecord, envelope: bytes, now: datetime) -> list[str]:
    """Keep a clinician's note. Raises `VerificationError` when the policy does not name its signer."""
    clinical = found.plan.policy.gates.clinical
    if clinical is None or not clinical.countersigned_by:
        raise RefusedError("the plan asks for no countersignature", hint="gates.clinical.countersigned_by")
    note = opened(envelope, found.plan.id, found.plan.release.digest, clinical.countersigned_by)
    facts = {"envelope": base64.b64encode(envelope).decode(), "results": list(note.results)}
    said = f"{note.clinician} countersigns {len(note.results)} clinical results"
    journal.change(found.plan.id, now, note.clinician, events=[Event(NOTE, said, facts=facts)])
    return list(note.results)


def _may_go_back(record: SiteRecord) -> bool:
    return record.switched_here and record.state in _GO_BACK


def _of(known: Mapping[str, SiteRecord], site: str) -> SiteRecord:
    if site not in known:
        raise UsageError(f"{site} is not in this rollout", hint=nearest(site, known, "fleetctl rollout status"))
    return known[site]


def _not_aborted(found: RolloutRecord) -> None:
    if RolloutState.ABORTED in (found.state, found.wanted):
        raise RefusedError("this rollout was aborted", hint="make a new plan: fleetctl rollout plan")
