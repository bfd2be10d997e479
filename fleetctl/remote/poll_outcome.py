"""What asking a site for its health can come to: one state each, never merged, with words and a next action."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.contract.health import HealthSnapshot


class Outcome(StrEnum):
    """How one question ended. Only `answered` says something about the present state of the box."""

    ANSWERED = "answered"
    OFFLINE = "offline"
    REFUSED = "refused"
    VIA_FAILED = "via_failed"
    WRONG_CERTIFICATE = "wrong_certificate"
    NOT_AUTHORIZED = "not_authorized"
    TOO_SLOW = "too_slow"
    CUT_OFF = "cut_off"
    HTTP_ERROR = "http_error"
    GARBAGE = "garbage"
    TOO_LARGE = "too_large"
    VERSION = "version"
    BAD_SIGNATURE = "bad_signature"
    WRONG_SITE = "wrong_site"
    STALE = "stale"
    AHEAD = "ahead"
    REPLAYED = "replayed"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True)
class Words:
    """`said` for a person; `next_action` with {site}; `alarming`: no accident of a network explains it."""

    said: str
    next_action: str
    alarming: bool = False


_CONSOLE = "is the machine on, and its management network up? Look at its console"
_FORGED = "do not trust this machine until you know why; compare with its console: fleetctl site verify {site}"

WORDS: dict[Outcome, Words] = {
    Outcome.ANSWERED: Words("answered", ""),
    Outcome.OFFLINE: Words("no answer to a connection", _CONSOLE),
    Outcome.REFUSED: Words(
        "the machine refuses the connection",
        "it is on, its listener is not: systemctl status appliance-nginx.service on its console",
    ),
    Outcome.VIA_FAILED: Words(
        "the way there failed, the site was not reached", "look at the proxy or bastion in spec.management.via"
    ),
    Outcome.WRONG_CERTIFICATE: Words(
        "another certificate than this site's",
        "fleetctl site provision {site} renews it; if it stays, another machine answers there",
        alarming=True,
    ),
    Outcome.NOT_AUTHORIZED: Words(
        "the site refuses this operator's certificate",
        "fleetctl keys show: is operator.crt expired? Or of another fleet: fleetctl site provision {site}",
    ),
    Outcome.TOO_SLOW: Words(
        "connected, and no whole answer before the deadline",
        "ask again with a longer --deadline; if it stays, look at the load of the machine",
    ),
    Outcome.CUT_OFF: Words(
        "the connection ended before the answer did",
        "ask again; if it stays: systemctl status appliance-nginx.service on its console",
    ),
    Outcome.HTTP_ERROR: Words(
        "the listener answers, the health agent does not",
        "systemctl status appliance-health.service on the machine's console",
    ),
    Outcome.GARBAGE: Words("the answer is no health snapshot", "is the right address in spec.management?"),
    Outcome.TOO_LARGE: Words("the answer is larger than any snapshot", "is the right address in spec.management?"),
    Outcome.VERSION: Words(
        "the answer has a version that this fleetctl does not know", "install the fleetctl that belongs to the box"
    ),
    Outcome.BAD_SIGNATURE: Words("the snapshot is not signed by the site's pinned key", _FORGED, alarming=True),
    Outcome.WRONG_SITE: Words(
        "the box is sealed as another site", "correct spec.management in the site file", alarming=True
    ),
    Outcome.STALE: Words(
        "the snapshot is old", "compare both clocks; if they are right, restart appliance-health.service"
    ),
    Outcome.AHEAD: Words("the snapshot is of the future", "compare both clocks; look at the site's time server"),
    Outcome.REPLAYED: Words("the snapshot was seen before", _FORGED, alarming=True),
    Outcome.NOT_ASKED: Words("not asked: the time for the whole fleet was over", "ask again with a longer --total"),
}


class Signature(StrEnum):
    """What is known of who made a snapshot, beyond the certificate of the connection."""

    VERIFIED = "verified"
    UNPINNED = "unpinned"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Observation:
    """One site, asked once. `snapshot` is believed only where `outcome` is `answered`; else it is evidence.

    `body` is the snapshot's JSON as the box made it. `asked` is False for a site that is backed off and was left
    alone in this round: everything else is then of its last question, and `next_ask_at` says when it is asked again.
    """

    site: str
    at: datetime
    outcome: Outcome
    detail: str
    took_ms: float
    snapshot: HealthSnapshot | None = None
    body: bytes = b""
    signature: Signature = Signature.NONE
    asked: bool = True
    failures: int = 0
    next_ask_at: datetime | None = None

    @property
    def answered(self) -> bool:
        return self.outcome is Outcome.ANSWERED

    @property
    def next_action(self) -> str:
        return WORDS[self.outcome].next_action.format(site=self.site)


class PollError(Exception):
    """How a question failed, on its way to becoming an `Observation`."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail
