"""The last question before a commit: do the services do their work on a real sample?"""

from dataclasses import dataclass
from typing import Protocol

from appliance.errors import ApplianceError
from appliance.release.places import Places
from appliance.release.record import KeptSet


class ProbeError(ApplianceError):
    """The services answer, and do not do their work."""


class Probe(Protocol):
    """Has each engine of the set work on a sample."""

    def __call__(self, kept: KeptSet) -> None:
        """Return when every task gave a sound result. Raises ProbeError."""
        ...


@dataclass(frozen=True)
class SampleProbe:
    """The real one: five seconds of speech are heard, a sentence is drafted, over the services' own sockets."""

    places: Places

    def __call__(self, kept: KeptSet) -> None:
        """Ask every task of the set."""
        # Half a second of imports, which no other command needs.
        from appliance.evaluation.probe import probe_drafting, probe_transcription

        ask = {"transcription": probe_transcription, "drafting": probe_drafting}
        for task, root_hash in kept.hashes.items():
            result = ask[task](self.places.socket(task))
            if not result.passed:
                raise ProbeError(f"{task}: {result.detail}", hint="the weights load and do not work: choose others")
            if result.root_hash != root_hash:
                raise ProbeError(
                    f"{task}: weights {(result.root_hash or 'without a hash')[:24]} answered, wanted {root_hash[:12]}",
                    hint="look at the engine's journal",
                )
