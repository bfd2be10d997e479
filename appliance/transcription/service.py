"""What the routes share: limits, engine, queue, the model's turnstile, and what they say about the engine."""

from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.clinical.transcript_answer import DecoderFacts, EngineFacts, VocabularyFacts
from appliance.transcription.decoder import BATCH, BEAM_SIZE
from appliance.transcription.engine import Engine
from appliance.transcription.settings import Settings
from appliance.transcription.turnstile import Turnstile
from appliance.transcription.vocabulary import Vocabulary
from appliance.transcription.worker import Worker
from appliance.version import appliance_version


@dataclass
class Shared:
    """`root_hash` reads the mounted device's hash anew: it is what is mounted that counts."""

    settings: Settings
    engine: Engine
    worker: Worker
    model: str
    root_hash: Callable[[], str | None]
    turnstile: Turnstile = field(default_factory=Turnstile)

    def engine_facts(self, vocabulary: Vocabulary) -> EngineFacts:
        """Return what made a transcript with this vocabulary."""
        used = self.engine.decoder.fitting(vocabulary.terms)
        return EngineFacts(
            model=self.model,
            root_hash=self.root_hash(),
            decoder=DecoderFacts(
                beam_size=BEAM_SIZE, temperature=0.0, batch=BATCH, second="vocabulary" if used else "greedy",
                compute_type=self.settings.compute_type, device=self.settings.device,
            ),
            vocabulary=VocabularyFacts(sha256=vocabulary.sha256, given=len(vocabulary.terms), used=used),
            program_version=appliance_version(),
        )  # fmt: skip
