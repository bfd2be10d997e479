"""What an observation of a site comes to: a verdict, every reason for it worst first, and the next action."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appliance.contract.health import HealthSnapshot, Part, Verdict, worst
from appliance.contract.seal import ModelTask
from fleetctl.checks.wanted import Wanted
from fleetctl.facts.base import Unreadable
from fleetctl.models.site import Site
from fleetctl.remote.poll_outcome import WORDS, Observation, Outcome, Signature

_FIGURE = re.compile(r"[0-9]+(?:\.[0-9]+)?")
# The box keeps a snapshot for some seconds, and the way to us takes time: only more than that is the clocks' doing.
AHEAD_S = 5.0
BEHIND_S = 60.0

_ORDER = (Verdict.CRITICAL, Verdict.UNKNOWN, Verdict.DEGRADED, Verdict.OK)
RANK = {verdict: rank for rank, verdict in enumerate(_ORDER)}


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that was judged. `check` is what `fleetctl health explain` takes; `said` holds what was compared."""

    check: str
    verdict: Verdict
    said: str
    next_action: str = ""


@dataclass(frozen=True, slots=True)
class SiteHealth:
    """A site with everything that was judged of it. `reasons` are what is not ok, worst first."""

    site: Site
    observation: Observation
    verdict: Verdict
    reasons: tuple[Reason, ...]
    drift: tuple[Reason, ...] = ()

    @property
    def why(self) -> str:
        return "; ".join(reason.said for reason in self.reasons)

    @property
    def next_action(self) -> str:
        actions = (action for reason in self.reasons for action in reason.next_action.split("; ") if action)
        return "; ".join(dict.fromkeys(actions))

    @property
    def snapshot(self) -> HealthSnapshot | None:
        """The snapshot, where it says something about now."""
        return self.observation.snapshot if self.observation.answered else None


def judge(site: Site, observation: Observation, wanted: Wanted | None = None) -> SiteHealth:
    """Judge one observation. `wanted` is what the operator built for this site, where that is known."""
    reached = _reached(observation)
    if not observation.answered or observation.snapshot is None:
        return SiteHealth(site, observation, reached.verdict, (reached,))
    found = of_snapshot(observation.snapshot)
    found += _clock(observation, observation.snapshot)
    found += _signed(site, observation)
    drift = drifted(site, observation.snapshot, wanted)
    bad = [reason for reason in (*found, *drift) if reason.verdict is not Verdict.OK]
    bad.sort(key=lambda reason: RANK[reason.verdict])
    return SiteHealth(site, observation, worst([Verdict.OK, *(each.verdict for each in bad)]), tuple(bad), tuple(drift))


def every_check(health: SiteHealth) -> list[Reason]:
    """All that was compared, the good included, worst first."""
    snapshot = health.snapshot
    if snapshot is None:
        return list(health.reasons)
    good = [Reason("reachable", Verdict.OK, f"answered in {health.observation.took_ms:.0f} ms")]
    good += [
        Reason(name, Verdict.OK, f"{name}: {part.reason}")
        for name, part in snapshot.parts().items()
        if part.verdict is Verdict.OK
    ]
    named = {reason.check for reason in health.reasons}
    good += [reason for reason in health.drift if reason.verdict is Verdict.OK]
    if "clock_agrees" not in named:
        good.append(Reason("clock_agrees", Verdict.OK, "clock: the snapshot is of the moment in which it was asked"))
    if "snapshot_signed" not in named:
        good.append(Reason("snapshot_signed", Verdict.OK, "signature: of the pinned health key"))
    return [*health.reasons, *good]


def _reached(observation: Observation) -> Reason:
    words = WORDS[observation.outcome]
    if observation.outcome is Outcome.ANSWERED:
        return Reason("reachable", Verdict.OK, words.said)
    verdict = Verdict.CRITICAL if words.alarming else Verdict.UNKNOWN
    said = f"{words.said}: {observation.detail}"
    return Reason(observation.outcome.value, verdict, said, observation.next_action)


def of_snapshot(health: HealthSnapshot) -> list[Reason]:
    """What the box says of itself that is not ok: its parts, its open faults, and its own word where that differs."""
    parts = health.parts()
    found = _of_parts({name: part for name, part in parts.items() if not (name == "gpus" and _is_faults_alone(health))})
    found += [
        Reason(
            each.check,
            each.verdict,
            f"fault {each.id} ({each.subject}, {each.count} times): {each.reason}",
            each.next_action,
        )
        for each in health.faults
        if each.state == "open" and each.verdict is not Verdict.OK
    ]
    if health.faults_left_out:
        found.append(
            Reason(
                "faults",
                Verdict.DEGRADED,
                f"{health.faults_left_out} more faults than a snapshot holds",
                "appliancectl health faults on the machine's console lists them all",
            )
        )
    of_parts = worst([part.verdict for part in parts.values()])
    if health.verdict is not of_parts:
        whole = f"the box calls itself {health.verdict.value}"
        said = whole if found else f"{whole}, every part of it ok"
        # A box that says ok of itself beside a part that is not contradicts itself, which is not ok either.
        verdict = Verdict.DEGRADED if health.verdict is Verdict.OK else health.verdict
        found.append(Reason("own_word", verdict, said, "fleetctl site verify: it reads the box by another way"))
    return found


def _is_faults_alone(health: HealthSnapshot) -> bool:
    """Whether nothing ails the GPUs but faults that are open, each of which is a reason of its own."""
    if health.gpus is None or health.faults_left_out:
        return False
    bad = [check.check for check in health.gpus.checks if check.verdict is not Verdict.OK]
    open_ones = [fault.verdict for fault in health.faults if fault.state == "open" and fault.verdict is not Verdict.OK]
    return bad == ["gpu_faults"] and bool(open_ones) and worst(open_ones) is health.gpus.verdict


def _of_parts(parts: Mapping[str, Part]) -> list[Reason]:
    """What is wrong with the parts. Parts that say the same have one cause, and are one reason: the first one's."""
    alike: dict[tuple[Verdict, str, str], list[str]] = {}
    for name, part in parts.items():
        if part.verdict is not Verdict.OK:
            alike.setdefault((part.verdict, part.reason, part.next_action), []).append(name)
    return [
        Reason(names[0], verdict, f"{', '.join(names)}: {said}", next_action)
        for (verdict, said, next_action), names in alike.items()
    ]


def _clock(observation: Observation, snapshot: HealthSnapshot) -> list[Reason]:
    behind_s = (observation.at - snapshot.taken_at).total_seconds()
    ahead_s = -behind_s - observation.took_ms / 1000
    if ahead_s > AHEAD_S:
        said = f"the box's clock is at least {ahead_s:.0f} s ahead of this machine's"
    elif behind_s > BEHIND_S:
        said = f"the box's clock is {behind_s:.0f} s behind this machine's, or its snapshot is that old"
    else:
        return []
    action = "check the time server in spec.egress.allow, and this machine's own clock"
    return [Reason("clock_agrees", Verdict.DEGRADED, f"clock: {said}", action)]


def _signed(site: Site, observation: Observation) -> list[Reason]:
    if observation.signature is Signature.VERIFIED:
        return []
    return [
        Reason(
            "snapshot_signed",
            Verdict.DEGRADED,
            "signature: no health key is pinned, only the certificate vouches for the snapshot",
            f"fleetctl site provision {site.name} pins it",
        )
    ]


def drifted(site: Site, snapshot: HealthSnapshot, wanted: Wanted | None) -> list[Reason]:
    """What runs against what the site file or its release names, a reason for the image and for each task."""
    by, made = (wanted.named_by(), "signed" if wanted.release else "built") if wanted else ("the site file", "built")
    action = f"fleetctl site provision {site.name} installs what {by} names"
    built: Mapping[ModelTask, str | Unreadable] = wanted.model_root_hashes if wanted else {}
    found = [_image(snapshot, wanted, action)]
    loaded = {model.task: model for model in snapshot.models.loaded}
    named = site.spec.release.models()
    for task, name in named.items():
        model, hash_wanted = loaded.get(task), built.get(task)
        if model is None:
            found.append(_differs("release_model", f"{task}: {name} is wanted, nothing is loaded", action))
        elif model.name != name:
            found.append(_differs("release_model", f"{task}: {model.name} is loaded, {by} says {name}", action))
        elif isinstance(hash_wanted, str) and model.root_hash != hash_wanted:
            seen = (model.root_hash or "unverified")[:12]
            said = f"{task}: {name} {seen} is loaded, {hash_wanted[:12]} was {made}"
            found.append(_differs("release_model", said, action))
        else:
            against = f"as {made}" if isinstance(hash_wanted, str) else "by name; not built on this machine"
            found.append(
                Reason("release_model", Verdict.OK, f"{task}: {name} {(model.root_hash or '')[:12]}, {against}")
            )
    for task in sorted(loaded.keys() - named.keys()):
        found.append(_differs("release_model", f"{task}: {loaded[task].name} is loaded, no model is wanted", action))
    return found


def _image(snapshot: HealthSnapshot, wanted: Wanted | None, action: str) -> Reason:
    running = snapshot.image.usr_root_hash
    named = " ".join(part for part in (snapshot.image.version, (running or "unverified")[:12]) if part)
    if wanted is None or isinstance(wanted.usr_root_hash, Unreadable):
        said = f"image: {named}, not compared: not built on this machine"
        return Reason("release_image", Verdict.OK, said)
    if running == wanted.usr_root_hash:
        return Reason("release_image", Verdict.OK, f"image: {named}, as built")
    said = f"image: {named} runs, {wanted.usr_root_hash[:12]} was built"
    return _differs("release_image", said, action)


def _differs(check: str, said: str, action: str) -> Reason:
    return Reason(check, Verdict.DEGRADED, said, action)


def same_words(text: str) -> str:
    """A reason without its figures: a clock that is 12 s behind and then 13 s is no news."""
    return _FIGURE.sub("#", text)


def ranked(healths: Sequence[SiteHealth]) -> list[SiteHealth]:
    """Worst first, then by name."""
    return sorted(healths, key=lambda health: (RANK[health.verdict], health.site.name))
