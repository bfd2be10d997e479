"""Rollout policies (`policies/rollouts/NAME.yaml`) and the plans that are made from them."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from appliance.contract.model import Sha256Hex
from appliance.contract.release import ChannelName, ReleaseName
from fleetctl.models.alerts import Duration, MaintenanceWindow, TimeZone
from fleetctl.models.base import LabelKey, LabelValue, Name, Resource, StrictModel

WhenDisconnected = Literal["wait", "skip", "fail"]
GateName = Literal["fleet-health", "service-level", "clinical"]
PLAN_TYPE = "application/vnd.fleetctl.rollout-plan+json"
Share = Annotated[float, Field(gt=0, le=1)]


class WaveSpec(StrictModel):
    """Which sites a wave takes from those that are left. Exactly one of sites, selectors and percent.

    The first wave is the canary: any failure in it stops everything.
    """

    name: Name
    sites: list[Name] = Field(default_factory=list, max_length=5000, description="By name; no other wave takes them.")
    selectors: dict[LabelKey, LabelValue] = Field(default_factory=dict, description="Labels that its sites carry.")
    percent: Annotated[int, Field(ge=1, le=100, description="Of all sites of the plan, cumulative.")] | None = None
    success_threshold: Share = Field(0.95, description="Successes by sites selected; offline sites are no successes.")
    bake: Duration = Field("1h", description="A site counts as a success when it served well for so long.")
    promote: Literal["auto", "human"] = Field("auto", description="human: a named person lets the next wave begin.")
    concurrency: int = Field(4, ge=1, le=200, description="Sites that change at once.")

    @model_validator(mode="after")
    def _one_choice(self) -> WaveSpec:
        if sum((bool(self.sites), bool(self.selectors), self.percent is not None)) != 1:
            raise ValueError("give exactly one of sites, selectors and percent")
        return self


class AbortSpec(StrictModel):
    """When the whole rollout stops. Counted over all waves so far; shares only from `minimum_sample` sites on."""

    failed: Share | None = Field(0.1, description="Share of sites that failed or were rolled back.")
    timed_out: Share | None = Field(0.2, description="Share of sites that did not finish in time.")
    all_: Share | None = Field(0.2, alias="all", description="Share of both together.")
    minimum_sample: int = Field(5, ge=1, le=5000)
    failure_budget: int = Field(3, ge=1, le=5000, description="Sites that may fail in all, whatever the shares say.")


class WindowSpec(StrictModel):
    """Times in which sites may be changed; `sites` and `selectors` as in a maintenance window."""

    activation: list[MaintenanceWindow] = Field(
        default_factory=list, max_length=50, description="When a site may be switched; without any, at any time."
    )
    download: list[MaintenanceWindow] = Field(
        default_factory=list, max_length=50, description="When a site may receive; without any, at any time."
    )
    grace: Duration = Field("15m", description="What has begun may still be switched so long after the end.")
    default_time_zone: TimeZone = Field("UTC", description="In which times of a site without a window are shown.")

    @model_validator(mode="after")
    def _sound(self) -> WindowSpec:
        for what, windows in (("activation", self.activation), ("download", self.download)):
            names = [window.name for window in windows]
            if len(set(names)) != len(names):
                raise ValueError(f"{what}: two windows have the same name")
            if any(window.checks for window in windows):
                raise ValueError(f"{what}: checks belong to alerts; a rollout's window is about sites")
        return self


class ClinicalSpec(StrictModel):
    """The clinical gate. Each limit is how much worse than the running set the staged one may be."""

    evaluation_set: Name
    word_error_rate: float = Field(0.01, ge=0, le=1)
    number_error_rate: float = Field(0.0, ge=0, le=1)
    drug_error_rate: float = Field(0.0, ge=0, le=1)
    negation_error_rate: float = Field(0.0, ge=0, le=1)
    words_on_silence: float = Field(0.0, ge=0, le=1000, description="Words a minute of silence.")
    unsupported_share: float = Field(0.02, ge=0, le=1)
    valid_for: Duration = "30d"
    engines_rest: bool = Field(
        False,
        description="Inside the activation window the serving engines rest, drained, while it runs: for cards that hold"
        " one set of models at a time.",
    )
    countersigned_by: list[str] = Field(default_factory=list, max_length=20, description="Clinicians; one must sign.")


class ServiceLevelSpec(StrictModel):
    """Against the site's own baseline of before the update."""

    latency_factor: float = Field(1.25, ge=1, le=10, description="p95 may be so many times the baseline's.")
    error_rate: float = Field(0.01, ge=0, le=1, description="And failures may be so much more of all requests.")
    minimum_requests: int = Field(5, ge=1, le=100_000, description="With fewer, nothing is known: that is no pass.")


class GatesSpec(StrictModel):
    """What a site must pass. fleet-health is always asked; what is left out here is not."""

    service_level: ServiceLevelSpec | None = None
    clinical: ClinicalSpec | None = None


class RolloutPolicySpec(StrictModel):
    """How releases move over the fleet."""

    channel: ChannelName = Field("stable", description="The release has to be approved for it.")
    waves: list[WaveSpec] = Field(min_length=1, max_length=50)
    when_disconnected: WhenDisconnected = Field(
        "wait", description="wait: pending until it returns; skip: left out, told; fail: counts as failed."
    )
    abort: AbortSpec = Field(default_factory=lambda: AbortSpec.model_validate({}))
    windows: WindowSpec = Field(default_factory=WindowSpec)
    gates: GatesSpec = Field(default_factory=GatesSpec)
    site_timeout: Duration = Field("4h", description="A site that began and is not done by then has timed out.")
    drain_timeout: Duration = Field("30m", description="So long dictations in flight are waited for.")
    transfers: int = Field(4, ge=1, le=100, description="Sites that receive at once, over all waves.")
    bandwidth_kib_s: int | None = Field(None, ge=64, le=10_000_000, description="For one site.")
    catch_up: bool = Field(True, description="A site that returns later is brought to the plan's release.")
    leave_out: list[Name] = Field(default_factory=list, max_length=5000, description="Sites that no wave takes.")

    @model_validator(mode="after")
    def _names(self) -> RolloutPolicySpec:
        names = [wave.name for wave in self.waves]
        if len(set(names)) != len(names):
            raise ValueError("waves: two have the same name")
        named = Counter([*(site for wave in self.waves for site in wave.sites), *self.leave_out])
        if twice := sorted(site for site, times in named.items() if times > 1):
            raise ValueError(f"waves, leave_out: named twice: {', '.join(twice[:10])}")
        percents = [wave.percent for wave in self.waves if wave.percent is not None]
        if percents != sorted(set(percents)):
            raise ValueError("waves: percent is cumulative and has to grow")
        return self


class RolloutPolicy(Resource):
    """How releases move over the fleet: `fleetctl rollout plan --policy NAME`."""

    kind: Literal["RolloutPolicy"] = Field(description="What this file is.")
    spec: RolloutPolicySpec


class Stamp(StrictModel):
    """Which release: by name for people, by digest for programs."""

    name: ReleaseName
    digest: Sha256Hex
    sequence: int = Field(ge=1)


class PlannedSite(StrictModel):
    """A site of the plan, and what was known of it when the plan was made."""

    site: Name
    wave: Name
    reason: str = Field(max_length=300, description="Why it is in this wave.")
    running: Stamp | None = Field(None, description="None: what the provisioning installed, or not known.")
    models: dict[str, Sha256Hex] = Field(default_factory=dict, description="Root hash a task, as it runs now.")
    reachable: bool
    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="As they were: windows are judged by them, whatever is edited later."
    )
    activation: str = Field(max_length=300, description="Its windows in words; empty: at any time.")
    restarts: bool = Field(False, description="The release brings another operating system: the site starts anew.")
    bytes_expected: int | None = Field(None, ge=0)
    seconds_expected: int | None = Field(None, ge=0)


class LeftOut(StrictModel):
    """A site of the fleet that the plan does not touch."""

    site: Name
    reason: str = Field(max_length=300)


class PlannedWave(StrictModel):
    """A wave with its rules; its sites are those that name it."""

    name: Name
    canary: bool
    success_threshold: Share
    bake: Duration
    promote: Literal["auto", "human"]
    concurrency: int = Field(ge=1)


class Plan(StrictModel):
    """A frozen plan: what `rollout start` takes, and nothing else. Signed as PLAN_TYPE by the operator's key."""

    schema_version: Literal["rollout-plan/v1"] = "rollout-plan/v1"
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    fleet: Name
    release: Stamp
    channel: ChannelName
    created_at: Annotated[datetime, Field(strict=False)]
    expires_at: Annotated[datetime, Field(strict=False)]
    created_by: str = Field(min_length=1, max_length=100)
    policy: RolloutPolicySpec
    policy_name: Name
    waves: Annotated[tuple[PlannedWave, ...], Field(min_length=1, strict=False)]
    sites: Annotated[tuple[PlannedSite, ...], Field(min_length=1, max_length=5000, strict=False)]
    left_out: Annotated[tuple[LeftOut, ...], Field(max_length=5000, strict=False)] = ()
    selectors: dict[LabelKey, LabelValue] = Field(default_factory=dict, description="The plan is about these only.")

    def of_wave(self, name: str) -> tuple[PlannedSite, ...]:
        """The sites of a wave, in the plan's order."""
        return tuple(site for site in self.sites if site.wave == name)

    def content(self) -> bytes:
        """The bytes that are signed."""
        return self.model_dump_json(by_alias=True).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of `content`."""
        return hashlib.sha256(self.content()).hexdigest()
