"""The last question before a commit: do the services do their work on a real sample?"""

from dataclasses import dataclass
from typing import Protocol

from appliance.errors import ApplianceError
from appliance.release.facts import read_hardware
from appliance.release.places import Places
from appliance.release.record import KeptSet

# A card hears and drafts the sample in seconds, and while a hung engine is waited for, a practice has none. On a
# processor it is a minute, and on one that is emulated many.
ON_A_CARD_S = 180.0
WITHOUT_A_CARD_S = 1800.0


class ProbeError(ApplianceError):
    """The services answer, and do not do their work."""


class Probe(Protocol):
    """Has each engine of the set work on a sample."""

    def __call__(self, kept: KeptSet) -> None:
        """Return when every task gave a sound result. Raises ProbeError."""
        ...


@dataclass(frozen=True)
class SampleProbe:
    """The real one: the sample that comes with the appliance, through the engines that serve."""

    places: Places

    def __call__(self, kept: KeptSet) -> None:
        """Have it heard, and a sentence drafted."""
        # Late: the drafter takes a second to import under emulation, and most commands do not need it.
        from appliance.evaluation.probe import probe_drafting, probe_transcription

        probes = {"transcription": probe_transcription, "drafting": probe_drafting}
        timeout_s = ON_A_CARD_S if read_hardware(self.places).cards else WITHOUT_A_CARD_S
        for model in sorted(kept.models, key=lambda each: each.task, reverse=True):
            found = probes[model.task](self.places.socket(model.task), timeout_s=timeout_s)
            if not found.passed:
                raise ProbeError(
                    f"the {model.task} probe failed with {model.name}: {found.detail}",
                    hint=f"look at `journalctl --unit appliance-{model.task}`",
                )
            if found.root_hash != model.root_hash:
                said = (found.root_hash or "none that is verified")[:24]
                raise ProbeError(
                    f"the {model.task} probe was answered with weights {said}, wanted is {model.root_hash[:12]}",
                    hint="look at what is mounted at /run/model of the unit",
                )
