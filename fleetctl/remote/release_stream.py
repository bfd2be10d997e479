"""What `appliancectl release … -o json` says, read strictly and in bounds. What a box says is outside input."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from appliance.contract.envelope import Envelope
from appliance.contract.health_reading import check_bounds
from appliance.contract.model import ContractModel
from appliance.contract.release_incoming import Incoming
from appliance.contract.release_status import CLINICAL_RESULT, Offer, ReleaseStatus, ReleaseStep
from fleetctl.errors import ChangeError, FleetctlError, RefusedError, UnreachableError, VerificationError, printable
from fleetctl.facts.base import Completed

Document = TypeVar("Document", bound=ContractModel)

# A change says a step now and then; a box that says more than this is not at work.
MAX_LINES = 20_000
MAX_LINE_BYTES = 256 * 1024
_WORDS = 500
_VERSIONS = "are fleetctl and the box of the same release? fleetctl version, and appliancectl version on the box"
# Exit codes of appliance/errors.py.
_USAGE, CANNOT_TELL, _REFUSED, _NOT_VERIFIED = 2, 5, 6, 9
_NO_PROGRAM = 127

_LAST: dict[str, type[ContractModel]] = {
    "release-status/v1": ReleaseStatus,
    "release-offer/v1": Offer,
    "release-incoming/v1": Incoming,
}
_STEP = "release-step/v1"


class _Kind(BaseModel):
    """What tells one line from another: its schema, or the type of what is signed in it."""

    model_config = ConfigDict(extra="ignore")

    schema_version: str | None = Field(None, max_length=50)
    payloadType: str | None = Field(None, max_length=100)  # DSSE's spelling


class ReleaseStream:
    """Takes the lines in one after the other; `last` is the answer."""

    def __init__(self, host: str, title: str, on_step: Callable[[ReleaseStep], None]) -> None:
        self._host = host
        self._title = title
        self._on_step = on_step
        self._taken = 0
        self.last: ContractModel | None = None
        self.last_line = ""

    def take(self, line: str) -> None:
        """Read one line. Raises UnreachableError for anything that the contract does not know."""
        self._taken += 1
        if self._taken > MAX_LINES:
            raise self._wrong(f"sent more than {MAX_LINES} lines")
        if self.last is not None:
            raise self._wrong("went on after its answer")
        try:
            check_bounds(line.encode(), MAX_LINE_BYTES)
            told = self._told(line)
        except ValidationError as problem:
            first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise self._wrong(f"sent a line that is no answer, line {self._taken}: {where}: {first['msg']}") from None
        except ValueError as problem:
            raise self._wrong(f"sent a line that is no answer, line {self._taken}: {problem}") from None
        if isinstance(told, ReleaseStep):
            self._on_step(told)
        else:
            self.last, self.last_line = told, line

    def _told(self, line: str) -> ContractModel:
        kind = _Kind.model_validate_json(line)
        if kind.payloadType == CLINICAL_RESULT:
            return Envelope.model_validate_json(line)
        if kind.schema_version == _STEP:
            return ReleaseStep.model_validate_json(line)
        model = _LAST.get(kind.schema_version or "")
        if model is None:
            named = kind.schema_version or kind.payloadType
            raise self._wrong(f"sent a line of a kind that this fleetctl does not know: {named!r}")
        return model.model_validate_json(line)

    def answer(self, done: Completed, wanted: type[Document]) -> Document:
        """The answer when the command has ended well; its own words as an error when it has not."""
        if done.exit_code != 0:
            raise refusal(done, self._title, self._host)
        if self.last is None:
            raise self._wrong("ended without an answer")
        if not isinstance(self.last, wanted):
            raise self._wrong(f"answered with {type(self.last).__name__}, wanted {wanted.__name__}")
        return self.last

    def _wrong(self, what: str) -> UnreachableError:
        return UnreachableError(printable(f"{self._title} {what}")[:_WORDS], hint=_VERSIONS, host=self._host)


def refusal(done: Completed, title: str, host: str) -> FleetctlError:
    """The error that an exit code of the box means, in the box's own words."""
    message, hint = _words(done.stderr)
    if done.exit_code == _REFUSED:
        return RefusedError(message or f"{title} was refused", hint=hint or "ask the box: its status", host=host)
    if done.exit_code == _NOT_VERIFIED:
        hint = hint or "do not go on until you know why"
        return VerificationError(message or f"{title}: what is there is not what was signed", hint=hint, host=host)
    if done.exit_code == CANNOT_TELL:
        hint = hint or "look at the machine"
        return UnreachableError(message or f"{title}: the box cannot tell", hint=hint, host=host)
    if done.exit_code in (_USAGE, _NO_PROGRAM):
        words = f"the box does not know `{title}`: {message or f'exit code {done.exit_code}'}"
        return ChangeError(words[:_WORDS], hint=f"its OS image may be older than releases; {_VERSIONS}", host=host)
    words = message or f"{title} ended with {done.exit_code} and said nothing"
    return ChangeError(words, hint=hint or "ask the box: its status says how the change ended", host=host)


def _words(stderr: str) -> tuple[str, str]:
    """Message and hint as `appliancectl` writes them; else the end of what it said."""
    text = printable(stderr[-16_384:])
    start = text.rfind("error: ")
    if start >= 0:
        message, _, hint = text[start + len("error: ") :].partition("\n  hint: ")
        return _line(message), _line(hint)
    return _line(text[-_WORDS:]), ""


def _line(text: str) -> str:
    return " ".join(text.split())[:_WORDS]
