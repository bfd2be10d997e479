"""Reading a sealed set of codes: what a later release wrote is told as such, and never read in part."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

from pydantic import ValidationError

from appliance.gateway.api_codes import CodeAct
from appliance.gateway.code_set import FORM, CodeSet
from appliance.gateway.vault import IntegrityError
from appliance.problems import ProblemError

# A key that is not known, and a word of a closed list that is not: what a later release adds looks so.
_LATER = frozenset({"extra_forbidden", "literal_error", "enum"})
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def read_codes(plain: bytes) -> CodeSet:
    """Return the set of these bytes, which `CodeSet.plain` wrote.

    Raises ProblemError 501 for a set of a later release, with what was seen, and IntegrityError for bytes that no
    release wrote.
    """
    try:
        return CodeSet.model_validate_json(plain)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        form = _form(plain)
        if form > FORM:
            raise _later(f"form {form} was seen, this release reads up to form {FORM}", form=form) from None
        if all(one["type"] in _LATER for one in found):
            # Names of ours, from sealed bytes; values may be codes and are not told.
            steps = {str(step) for one in found for step in one["loc"][-1:]}
            names = sorted(step for step in steps if _NAME.fullmatch(step))[:10]
            raise _later(f"fields that this release does not know: {', '.join(names)}", fields=names) from None
    raise IntegrityError("a set of codes is none", hint="compare with the audit log")


def require_known(act: str) -> CodeAct:
    """Return the word of a revision's act. Raises ProblemError 501 for one of a later release."""
    for known in get_args(CodeAct):
        if act == known:
            return known
    raise _later("an act that this release does not know")


def _form(plain: bytes) -> int:
    try:
        found = json.loads(plain)
    except ValueError:
        return 0
    form = found.get("form") if isinstance(found, dict) else None
    return form if isinstance(form, int) and not isinstance(form, bool) else 0


def _later(seen: str, **members: Any) -> ProblemError:
    return ProblemError(
        501, "codes-of-later-release", "A later release wrote these codes",
        f"{seen}; nothing was read in part, and nothing is lost",
        hint="switch the box to the release that wrote them or a later one: `appliancectl release status` names them",
        reads_form=FORM, **members,
    )  # fmt: skip
