"""Runs one judgement so that a failure in it stays in it, and the words that several judgements share."""

from collections.abc import Callable
from typing import TypeVar

from appliance.contract.health import Part, Verdict
from appliance.facts.reading import UnreadableError

P = TypeVar("P", bound=Part)
SEE_JOURNAL = "read the journal of the unit: journalctl -u UNIT"
NOT_SEALED = "not sealed: nothing to compare with"
PROVISION = "provision the site: fleetctl site provision"


def part(kind: type[P], judge: Callable[[], P]) -> P:
    """Run one judgement; whatever goes wrong in it makes the part unknown, never ok and never absent."""
    try:
        return judge()
    except UnreadableError as error:
        return kind(verdict=Verdict.UNKNOWN, reason=f"cannot be read: {error}"[:500], next_action="look on the box")
    except Exception as error:
        # A fact of an unexpected shape. The class is enough to find it, and holds no data.
        reason = f"the facts about it are not understood ({type(error).__name__})"
        return kind(verdict=Verdict.UNKNOWN, reason=reason, next_action="report this to the maintainers")
