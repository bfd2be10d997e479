"""What a generated sentence must pass before it is a statement."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from appliance.clinical.document import DocumentKind
from appliance.drafting.consent import may_become_consent, mentions_consent
from appliance.drafting.errors import OrderRefusedError, OutputError
from appliance.drafting.identifiers import identifying, strange_placeholders
from appliance.drafting.order import Order
from appliance.drafting.prompt import system_prompt

# A run of our own words this long in a sentence is no coincidence: the model recites its prompt.
_RECITED_CHARS = 60
# Eight hexadecimal digits of the random mark do not turn up by chance.
_FENCE_CHARS = 8
# A whole sentence of ours, word by word, is not either, even a short one.
_WHOLE_CHARS = 16

Verdict = Literal["keep", "consent", "prompt"]


def refuse_identifiers(order: Order) -> None:
    """A front-desk template is generic: raise OrderRefusedError naming the classes of identifiers its input holds."""
    if order.kind is not DocumentKind.FRONT_DESK_TEMPLATE:
        return
    for source in order.sources:
        if found := identifying(source.text):
            kinds = ", ".join(sorted({one.kind for one in found}))
            raise OrderRefusedError(
                f"source {source.id} holds what identifies a person ({kinds}) at {len(found)} places; "
                "a front-desk template is for nobody in particular",
                hint="take it out, and say {{patient_name}} or another placeholder where it belongs",
                code="identifier_in_input",
            )


@dataclass(frozen=True)
class SentenceCheck:
    """Judges sentences of one order. `fence`: the secret mark, which no document may hold."""

    order: Order
    fence: str

    def judge(self, sentence: str) -> Verdict:
        """Return what becomes of a sentence; raises OutputError when its document cannot be one.

        One that recites the prompt says nothing of the patient, and may show what a source's author must not see.
        """
        if self._has_fence(sentence) or self._recited(sentence):
            return "prompt"
        if self.order.kind is DocumentKind.FRONT_DESK_TEMPLATE:
            self._front_desk(sentence)
        return "consent" if mentions_consent(sentence) else "keep"

    def may_show(self, beginning: str) -> bool:
        """Say whether the beginning of a sentence may be shown before the sentence is judged."""
        if self.order.kind is DocumentKind.FRONT_DESK_TEMPLATE:
            return False
        return self.fence[:_FENCE_CHARS] not in beginning and not may_become_consent(beginning)

    @cached_property
    def _said(self) -> str:
        return " ".join(system_prompt(self.order.form, (), self.order.language).split())

    def _has_fence(self, sentence: str) -> bool:
        """A piece of the mark is enough: a bound on the sentence's length may have cut it."""
        pieces = (self.fence[at : at + _FENCE_CHARS] for at in range(max(1, len(self.fence) - _FENCE_CHARS + 1)))
        return any(piece in sentence for piece in pieces)

    def _recited(self, sentence: str) -> bool:
        text = " ".join(sentence.split())
        if len(text) < _RECITED_CHARS:
            return len(text) >= _WHOLE_CHARS and text in self._said
        return any(text[at : at + _RECITED_CHARS] in self._said for at in range(len(text) - _RECITED_CHARS + 1))

    def _front_desk(self, sentence: str) -> None:
        if found := identifying(sentence):
            kinds = ", ".join(sorted({one.kind for one in found}))
            raise OutputError(
                f"the answer holds what identifies a person ({kinds})", hint="draft again, or write it by hand",
                code="output_identifier",
            )  # fmt: skip
        if strange_placeholders(sentence, self.order.form.placeholders):
            raise OutputError(
                "the answer has braces that are no placeholder of the template", hint="draft again, or name it there",
                code="output_placeholder",
            )  # fmt: skip
