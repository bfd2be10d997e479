"""The detector: Presidio's engine with our recognisers, its checksum recognisers, and no network.

Presidio's recognisers of e-mail and URL are left out: they ask `tldextract`, which fetches the public suffix list. Its
spaCy recogniser is left out as well: it wants the whole text parsed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    CryptoRecognizer,
    IbanRecognizer,
    MedicalLicenseRecognizer,
)

from appliance.deid.beside_addresses import beside_addresses
from appliance.deid.beside_institutions import beside_institutions
from appliance.deid.beside_names import beside_names
from appliance.deid.beside_numbers import beside_numbers
from appliance.deid.beside_people import PeopleBeside
from appliance.deid.identifier import Identifier, IdentifierKind
from appliance.deid.lexicon import words
from appliance.deid.merge import merged
from appliance.deid.model import EntityModel, SpacyEntities
from appliance.deid.reading import Reading
from appliance.deid.recognisers.addresses import AddressRecogniser
from appliance.deid.recognisers.base import ReadingArtifacts
from appliance.deid.recognisers.called_words import CalledWordRecogniser
from appliance.deid.recognisers.contacts import ContactRecogniser
from appliance.deid.recognisers.dates import AgeRecogniser, DateRecogniser
from appliance.deid.recognisers.facilities import FacilityRecogniser
from appliance.deid.recognisers.found_extent import FoundExtents
from appliance.deid.recognisers.further_numbers import FurtherNumberRecogniser
from appliance.deid.recognisers.handles import HandleRecogniser
from appliance.deid.recognisers.initials import InitialsRecogniser
from appliance.deid.recognisers.institutions import InstitutionRecogniser
from appliance.deid.recognisers.known import KnownNameRecogniser
from appliance.deid.recognisers.landmarks import LandmarkRecogniser
from appliance.deid.recognisers.learned_names import LearnedNameRecogniser
from appliance.deid.recognisers.loose_codes import LooseCodeRecogniser
from appliance.deid.recognisers.marked_codes import MarkedCodeRecogniser
from appliance.deid.recognisers.name_class import NameWords
from appliance.deid.recognisers.name_extent import NameExtents
from appliance.deid.recognisers.name_fields import NameFieldRecogniser
from appliance.deid.recognisers.name_marks import NameMarkRecogniser
from appliance.deid.recognisers.name_slots import NameSlotRecogniser
from appliance.deid.recognisers.names import NameRecogniser
from appliance.deid.recognisers.numbers import NumberRecogniser
from appliance.deid.recognisers.place_forms import PlaceRecogniser
from appliance.deid.recognisers.said_slots import SaidSlotRecogniser
from appliance.deid.recognisers.segments import SegmentRecogniser
from appliance.deid.recognisers.spoken import SpokenNumberRecogniser
from appliance.deid.recognisers.staff_marks import StaffMarkRecogniser
from appliance.deid.recognisers.tables import TableRecogniser
from appliance.deid.recognisers.undecided import UndecidedRecogniser
from appliance.deid.recognisers.unlisted import UnlistedRecogniser
from appliance.deid.recognisers.vehicles import VehicleRecogniser
from appliance.deid.recognisers.word_places import WordPlaceRecogniser

LONGEST = 2_000_000
"""Characters that one call takes; longer texts are to be cut by the caller, so that no text is left half read."""

_PRESIDIO_KINDS = {
    "CREDIT_CARD": IdentifierKind.ACCOUNT,
    "CRYPTO": IdentifierKind.ACCOUNT,
    "IBAN_CODE": IdentifierKind.ACCOUNT,
    "MEDICAL_LICENSE": IdentifierKind.LICENCE,
}
# Presidio scores a pattern without its check digit low; those with it are 1.0.
_CHECKED = 0.9


class _ReadingEngine(NlpEngine):
    """Presidio's engine of language, as far as it is asked: reads, and parses nothing."""

    def load(self) -> None:
        """Nothing to load."""

    def is_loaded(self) -> bool:
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        return ReadingArtifacts(Reading(text))

    def process_batch(
        self, texts: Iterable[str], language: str, batch_size: int = 1, n_process: int = 1, **kwargs: object
    ) -> Iterator[tuple[str, NlpArtifacts]]:
        return ((text, self.process_text(text, language)) for text in texts)

    def is_stopword(self, word: str, language: str) -> bool:
        return False

    def is_punct(self, word: str, language: str) -> bool:
        return False

    def get_supported_entities(self) -> list[str]:
        return []

    def get_supported_languages(self) -> list[str]:
        return ["en"]


class _NoEnhancer(ContextAwareEnhancer):
    """Leaves the scores: our recognisers have looked at what stands around, and lemmas do not exist here."""

    def __init__(self) -> None:
        super().__init__(0.0, 0.0, 0, 0)

    def enhance_using_context(
        self,
        text: str,
        raw_results: list[RecognizerResult],
        nlp_artifacts: NlpArtifacts,
        recognizers: list[EntityRecognizer],
        context: list[str] | None = None,
    ) -> list[RecognizerResult]:
        return raw_results


class ClinicalDetector:
    """Finds the Safe Harbor identifiers of clinical texts; see `appliance.deid.identifier.Detector`.

    Args:
        model: Decides about capitalised words that no list knows; spaCy's small English model by default.
        second_opinion: Whether the learned model is asked for names that are words; its training goes without.

    Raises:
        NotVerifiedError: the learned model's file is missing, damaged or another.
    """

    def __init__(self, model: EntityModel | None = None, *, second_opinion: bool = True) -> None:
        lists = words()
        classes = NameWords(lists)
        recognisers: list[EntityRecognizer] = [
            ContactRecogniser(),
            NumberRecogniser(),
            SpokenNumberRecogniser(),
            DateRecogniser(),
            AgeRecogniser(),
            AddressRecogniser(lists),
            PlaceRecogniser(classes),
            LandmarkRecogniser(classes),
            SegmentRecogniser(),
            TableRecogniser(),
            VehicleRecogniser(),
            LooseCodeRecogniser(),
            MarkedCodeRecogniser(),
            FurtherNumberRecogniser(),
            HandleRecogniser(classes),
            FacilityRecogniser(classes),
            InstitutionRecogniser(classes),
            KnownNameRecogniser(classes),
            NameRecogniser(classes),
            NameMarkRecogniser(classes),
            NameFieldRecogniser(classes),
            NameSlotRecogniser(classes),
            SaidSlotRecogniser(classes),
            StaffMarkRecogniser(classes),
            InitialsRecogniser(),
            UnlistedRecogniser(classes),
            CalledWordRecogniser(classes),
            WordPlaceRecogniser(classes),
            *([LearnedNameRecogniser(classes)] if second_opinion else []),
            UndecidedRecogniser(classes, model or SpacyEntities()),
            CreditCardRecognizer(),
            CryptoRecognizer(),
            IbanRecognizer(),
            MedicalLicenseRecognizer(),
        ]
        self._name_extents = NameExtents(classes)
        self._found_extents = FoundExtents(classes)
        self._beside = (beside_names, beside_numbers, beside_addresses, beside_institutions, PeopleBeside(classes))
        self._names = {recogniser.id: type(recogniser).__name__ for recogniser in recognisers}
        self._engine = AnalyzerEngine(
            registry=RecognizerRegistry(recognizers=recognisers, supported_languages=["en"]),
            nlp_engine=_ReadingEngine(),
            context_aware_enhancer=_NoEnhancer(),
            supported_languages=["en"],
        )
        self._entities = sorted({entity for recogniser in recognisers for entity in recogniser.supported_entities})

    def find(self, text: str, *, known_names: Sequence[str] = ()) -> tuple[Identifier, ...]:
        """The identifiers of `text`, by start, none overlapping another.

        Args:
            text: Any text, at most `LONGEST` characters.
            known_names: Full names that are known to occur.

        Raises:
            ValueError: The text is too long; nothing of it was read.
        """
        if len(text) > LONGEST:
            raise ValueError(f"a text of {len(text)} characters; at most {LONGEST} are read at once")
        reading = Reading(text, known_names)
        results = self._engine.analyze(
            text=text, language="en", entities=self._entities, nlp_artifacts=ReadingArtifacts(reading)
        )
        joint = merged(text, filter(None, (self._identifier(text, result) for result in results)))
        widened = self._found_extents.widened(text, self._name_extents.widened(text, joint))
        beside = [one for look in self._beside for one in look(text, widened)]
        return merged(text, (*widened, *beside)) if beside else widened

    def _identifier(self, text: str, result: RecognizerResult) -> Identifier | None:
        known = _PRESIDIO_KINDS.get(result.entity_type)
        if known is not None and (result.score < _CHECKED or text[result.end : result.end + 1].isalnum()):
            return None
        kind = known or IdentifierKind(result.entity_type)
        identifier = (result.recognition_metadata or {}).get(RecognizerResult.RECOGNIZER_IDENTIFIER_KEY, "")
        return Identifier(result.start, result.end, kind, self._names.get(identifier, "presidio"), float(result.score))
