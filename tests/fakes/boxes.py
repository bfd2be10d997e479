"""A fake box: `fleetctl.rollout.box.Box` in memory, scripted, for fast tests of plans and of the engine.

It is no model of crash safety or of signatures: that is tested on the real `appliancectl` (tests/sim/sites). What it
keeps faithfully is what an orchestrator sees: operation ids (the same one again is the same change), the deny-list,
the minimum sequence, missing images, transfers that break off, and answers that are lost after the change was made.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.contract.envelope import seal
from appliance.contract.release import ReleaseManifest
from appliance.contract.release_status import (
    CLINICAL_RESULT,
    Action,
    ClinicalResult,
    Comparison,
    Denied,
    LastChange,
    Offer,
    Outcome,
    Phase,
    ReleaseStatus,
    SetState,
    WantedImage,
)
from fleetctl.errors import ChangeError, FleetctlError, RefusedError, UnreachableError, VerificationError
from fleetctl.models.alerts import seconds
from fleetctl.models.rollout import ClinicalSpec
from fleetctl.rollout.box import Rest, Sent
from fleetctl.rollout.clinical_policy import policy_of
from tests.fakes.sets import PROVISIONED, set_of

GIB = 1024**3
Verb = Literal["status", "offer", "receive", "stage", "evaluate", "activate", "rollback", "clear"]
How = Literal["lost_before", "lost_after", "refused", "failed", "rolled_back", "verification", "hangs"]
"""lost_before: nothing reached the box. lost_after: it was done, the answer was lost. rolled_back: behind the switch.
hangs: the change goes on (phase draining) until `finish()`; the connection is lost."""
_ENDED: dict[Outcome, type[FleetctlError]] = {
    "refused": RefusedError,
    "failed": ChangeError,
    "rolled_back": ChangeError,
    "interrupted": ChangeError,
}
_CLINICAL = (
    "word_error_rate",
    "number_error_rate",
    "drug_error_rate",
    "negation_error_rate",
    "words_on_silence",
    "unsupported_share",
)


@dataclass
class FakeBox:
    """One site. Set its attributes, or script single calls with `script`; `calls` and `switches` say what happened."""

    site: str
    releases: dict[str, ReleaseManifest] = field(default_factory=dict)
    channel: str = "stable"
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    active: SetState | None = PROVISIONED
    usr: str = "a1" * 32
    reachable: bool = True
    free_bytes: int = 100 * GIB
    in_flight: dict[str, int] | None = field(default_factory=lambda: {"visits": 0, "drafts": 0})
    rests: list[Rest | None] = field(default_factory=list)
    refuses: tuple[str, ...] = ()
    measures: dict[str, tuple[float, float]] = field(default_factory=dict)
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    minimum_sequence: int = 0
    previous: SetState | None = None
    staged: SetState | None = None
    denied: list[Denied] = field(default_factory=list)
    changes: list[LastChange] = field(default_factory=list)
    phase: Phase = "idle"
    boot: int = 1
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Verb and operation (or release, or root hash) of every call that reached the box."""
    switches: list[str | None] = field(default_factory=list)
    """Release of every switch, in order: a step that was done twice shows here."""
    wire_bytes: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._scripts: dict[Verb, deque[How]] = {}
        self._results: dict[str, bytes] = {}
        self._partial: dict[str, int] = {}
        self.images: dict[str, int] = dict.fromkeys(self.active.models.values(), 1000) if self.active else {}

    # --- the script

    def script(self, verb: Verb, *how: How) -> None:
        """What the next calls of `verb` meet, one each; later ones go well."""
        self._scripts.setdefault(verb, deque()).extend(how)

    def power_cut(self) -> None:
        """The box restarts: what went on ends. Behind a switch nothing goes on here, so nothing has changed."""
        with self._lock:
            self.boot += 1
            self._end_open("interrupted", "the power failed")

    def finish(self, outcome: Outcome = "done") -> None:
        """End a change that `hangs`: it is carried out, or ends so."""
        with self._lock:
            change = next(each for each in self.changes if each.outcome is None)
            if outcome == "done" and change.action == "activate":
                self._switch()
            self._end_open(outcome, "" if outcome == "done" else f"scripted: {outcome}")

    # --- Box

    def status(self) -> ReleaseStatus:
        with self._lock:
            self._arrives("status", "")
            return self._status()

    def offer(self, release: str, channel: str) -> Offer:
        with self._lock:
            self._arrives("offer", release)
            wanted = self._release(release)
            missing = () if self._refusals(wanted, channel) else tuple(self._missing(wanted))
            return Offer(
                release=release,
                channel=channel,
                digest=wanted.digest,
                refused=tuple(self._refusals(wanted, channel)),
                missing=missing,
            )

    def receive(self, wanted: WantedImage, *, kib_s: int | None, on_progress: Callable[[int], None]) -> Sent:
        """A lost_after breaks off in the middle: half of it has arrived, and the next call goes on from there."""
        with self._lock:
            how = self._arrives("receive", wanted.root_hash)
            had = self._partial.get(wanted.root_hash, 0)
            if how == "lost_after":
                self._partial[wanted.root_hash] = had + (wanted.size_bytes - had) // 2
                self.wire_bytes += (wanted.size_bytes - had) // 2
                raise self._gone()
            sent = wanted.size_bytes - had
            self._partial[wanted.root_hash] = wanted.size_bytes
            self.wire_bytes += sent
        on_progress(wanted.size_bytes)
        return Sent(wanted.root_hash, wanted.size_bytes, sent, sent / (kib_s * 1024) if kib_s else 1.0)

    def stage(self, operation: str, release: str, channel: str) -> ReleaseStatus:
        with self._lock:
            how = self._arrives("stage", operation)
            if self._known(operation):
                return self._again(operation)
            wanted = self._release(release)
            if refused := self._refusals(wanted, channel):
                raise self._ended(operation, "stage", release, "refused", "; ".join(refused))
            self._scripted(how, operation, "stage", release)
            lacking = [model for model in wanted.models if model.root_hash not in self.images]
            if any(self._partial.get(model.root_hash) != model.size_bytes for model in lacking):
                raise self._ended(operation, "stage", release, "failed", "an image has not arrived")
            self.images |= {model.root_hash: model.size_bytes for model in lacking}
            self._partial.clear()
            self.staged = set_of(wanted)
            return self._done(how, operation, "stage", release)

    def evaluate(
        self, operation: str, release: str, clinical: ClinicalSpec, evaluation_set: bytes, *, rest: Rest | None = None
    ) -> bytes:
        with self._lock:
            how = self._arrives("evaluate", operation)
            if self._known(operation):
                self._again(operation)
                return self._results[operation]
            self._scripted(how, operation, "evaluate", release)
            self.rests.append(rest)
            if rest is not None and (self.in_flight is None or any(self.in_flight.values())):
                said = f"in use after {rest.drain_timeout_s} s"
                raise self._ended(operation, "evaluate", release, "refused", said)
            if self.staged is None or self.staged.release != release:
                raise self._ended(operation, "evaluate", release, "refused", f"{release} is not staged")
            self._results[operation] = self._evaluated(self._release(release), clinical, evaluation_set)
            self._done(how, operation, "evaluate", release)
            return self._results[operation]

    def activate(
        self, operation: str, release: str, *, drain_timeout_s: int, not_after: datetime | None
    ) -> ReleaseStatus:
        with self._lock:
            how = self._arrives("activate", operation)
            if self._known(operation):
                return self._again(operation)
            if self.staged is None or self.staged.release != release:
                raise self._ended(operation, "activate", release, "refused", f"{release} is not staged")
            if any(denied.release == release for denied in self.denied):
                raise self._ended(operation, "activate", release, "refused", f"{release} is denied here")
            if not_after is not None and self.clock() > not_after:
                raise self._ended(operation, "activate", release, "refused", "the window has closed")
            if self.in_flight is None or any(self.in_flight.values()):
                raise self._ended(operation, "activate", release, "refused", f"in use after {drain_timeout_s} s")
            if how == "rolled_back":
                self._deny(self.staged, "the probe failed")
                self.switches += [release, self.active.release if self.active else None]
                self.staged = None
            self._scripted(how, operation, "activate", release)
            self._switch()
            return self._done(how, operation, "activate", release)

    def rollback(self, operation: str, reason: str) -> ReleaseStatus:
        with self._lock:
            how = self._arrives("rollback", operation)
            if self._known(operation):
                return self._again(operation)
            left = self.active.release if self.active else None
            if self.previous is None or self.active is None:
                raise self._ended(operation, "rollback", left, "refused", "there is no last good set")
            self._scripted(how, operation, "rollback", left)
            self._deny(self.active, reason)
            self.active, self.previous, self.staged = self.previous, None, None
            self.switches.append(self.active.release)
            return self._done(how, operation, "rollback", left)

    def clear(self, operation: str, release: str) -> ReleaseStatus:
        with self._lock:
            how = self._arrives("clear", operation)
            if self._known(operation):
                return self._again(operation)
            self._scripted(how, operation, "clear", release)
            self.denied = [denied for denied in self.denied if denied.release != release]
            return self._done(how, operation, "clear", release)

    # --- within

    def _arrives(self, verb: Verb, what: str) -> How | None:
        """The script of this call. Raises UnreachableError when it does not reach the box."""
        if not self.reachable:
            raise self._gone()
        queue = self._scripts.get(verb)
        how = queue.popleft() if queue else None
        if how == "lost_before":
            raise self._gone()
        self.calls.append((verb, what))
        if how == "lost_after" and verb in ("status", "offer"):
            raise self._gone()
        if how == "verification":
            raise VerificationError("scripted: not what was signed", hint="none: a fake", host=self.site)
        return how

    def _gone(self) -> UnreachableError:
        return UnreachableError("no answer", hint="none: a fake", host=self.site)

    def _scripted(self, how: How | None, operation: str, action: Action, release: str | None) -> None:
        """End this change as the script says, if it says so."""
        if how == "hangs":
            self._begin(operation, action, release)
            self.phase = "draining" if action == "activate" else "staging"
            raise self._gone()
        if how in ("refused", "failed", "rolled_back"):
            raise self._ended(operation, action, release, how, f"scripted: {how}")

    def _known(self, operation: str) -> LastChange | None:
        return next((each for each in self.changes if each.operation == operation), None)

    def _again(self, operation: str) -> ReleaseStatus:
        """What a repeated order is told: how it ended. One that still goes on is refused, as on the box."""
        change = self._known(operation)
        assert change is not None
        if change.outcome is None:
            raise RefusedError("this change goes on", hint="none: a fake", host=self.site)
        if change.outcome != "done":
            raise _ENDED[change.outcome](change.reason, hint="none: a fake", host=self.site)
        return self._status()

    def _begin(self, operation: str, action: Action, release: str | None) -> None:
        if any(each.outcome is None for each in self.changes):
            raise RefusedError("another change goes on", hint="none: a fake", host=self.site)
        change = LastChange(
            operation=operation,
            action=action,
            release=release,
            started_at=self.clock(),
            ended_at=None,
            outcome=None,
        )
        self.changes = [change, *self.changes][:32]

    def _ended(
        self, operation: str, action: Action, release: str | None, outcome: Outcome, reason: str
    ) -> FleetctlError:
        self._begin(operation, action, release)
        self._end_open(outcome, reason)
        return _ENDED[outcome](reason, hint="none: a fake", host=self.site)

    def _done(self, how: How | None, operation: str, action: Action, release: str | None) -> ReleaseStatus:
        self._begin(operation, action, release)
        self._end_open("done", "")
        if how == "lost_after":
            raise self._gone()
        return self._status()

    def _end_open(self, outcome: Outcome, reason: str) -> None:
        ended = {"outcome": outcome, "ended_at": self.clock(), "reason": reason}
        self.changes = [each if each.outcome else each.model_copy(update=ended) for each in self.changes]
        self.phase = "idle"

    def _switch(self) -> None:
        assert self.staged is not None
        self.previous, self.active, self.staged = self.active, self.staged, None
        self.switches.append(self.active.release)
        if self.active.release is not None:
            self.minimum_sequence = max(self.minimum_sequence, self._release(self.active.release).minimum_sequence)

    def _deny(self, left: SetState, reason: str) -> None:
        if left.release is not None and left.digest is not None:
            self.denied.append(Denied(release=left.release, digest=left.digest, at=self.clock(), reason=reason))

    def _release(self, name: str) -> ReleaseManifest:
        if name not in self.releases:
            raise VerificationError(f"{name} is not in the metadata", hint="none: a fake", host=self.site)
        return self.releases[name]

    def _refusals(self, wanted: ReleaseManifest, channel: str) -> Iterable[str]:
        found = list(self.refuses)
        if channel != self.channel:
            found.append(f"channel {channel}, this box follows {self.channel}")
        if wanted.sequence < self.minimum_sequence:
            found.append(f"sequence {wanted.sequence} is below {self.minimum_sequence}")
        if any(denied.digest == wanted.digest for denied in self.denied):
            found.append("was rolled back from here")
        if self.usr not in wanted.usr_root_hashes:
            found.append("is not made for this OS image")
        if sum(image.size_bytes - image.received_bytes for image in self._missing(wanted)) > self.free_bytes:
            found.append("the disk is too full")
        return found

    def _missing(self, wanted: ReleaseManifest) -> Iterable[WantedImage]:
        for model in wanted.models:
            received = self._partial.get(model.root_hash, 0)
            if model.root_hash in self.images or received == model.size_bytes:
                continue
            yield WantedImage(
                task=model.task,
                root_hash=model.root_hash,
                sha256=model.sha256,
                size_bytes=model.size_bytes,
                basis=self.active.models.get(model.task) if self.active else None,
                received_bytes=received,
            )

    def _evaluated(self, candidate: ReleaseManifest, clinical: ClinicalSpec, evaluation_set: bytes) -> bytes:
        comparisons = []
        for measure in _CLINICAL:
            before, after = self.measures.get(measure, (0.0, 0.0))
            allowed = before + getattr(clinical, measure)
            comparisons.append(
                Comparison(
                    measure=measure, incumbent=before, candidate=after, allowed=allowed, passed=after <= allowed + 1e-9
                )
            )
        now = self.clock()
        result = ClinicalResult(
            site=self.site,
            release=candidate.name,
            digest=candidate.digest,
            incumbent=self.active.models if self.active else {},
            candidate={model.task: model.root_hash for model in candidate.models},
            set_sha256=sha256(evaluation_set).hexdigest(),
            policy_sha256=policy_of(clinical).digest,
            encounters=3,
            comparisons=tuple(comparisons),
            passed=all(comparison.passed for comparison in comparisons),
            at=now,
            expires_at=now + timedelta(seconds=seconds(clinical.valid_for)),
        )
        return seal(result.model_dump_json().encode(), self.key, CLINICAL_RESULT)

    def _status(self) -> ReleaseStatus:
        return ReleaseStatus(
            site=self.site,
            at=self.clock(),
            boot_id=f"boot-{self.boot}",
            phase=self.phase,
            active=self.active,
            previous=self.previous,
            staged=self.staged,
            minimum_sequence=self.minimum_sequence,
            denied=tuple(self.denied),
            changes=tuple(self.changes),
            images=dict(self.images),
            free_bytes=self.free_bytes,
            in_flight=self.in_flight,
        )
