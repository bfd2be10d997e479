"""How a verdict looks: a word and a sign, and a style that can be read on a dark and on a light ground."""

from __future__ import annotations

import os
import sys

from appliance.contract.health import Verdict

# No yellow and no cyan: both vanish on white. Bold alone stands out on either ground.
STYLES = {Verdict.OK: "green", Verdict.DEGRADED: "bold", Verdict.CRITICAL: "bold red", Verdict.UNKNOWN: "bold magenta"}

_SIGNS = {Verdict.OK: "✓", Verdict.DEGRADED: "!", Verdict.CRITICAL: "✗", Verdict.UNKNOWN: "?"}
_PLAIN_SIGNS = {Verdict.OK: "+", Verdict.DEGRADED: "!", Verdict.CRITICAL: "X", Verdict.UNKNOWN: "?"}
_PLAIN = str.maketrans({"→": ">", "…": "~", "·": "-", "°": " ", "×": "x", "—": "-", "≥": ">", "≤": "<"})


def speaks_unicode() -> bool:
    """Whether stdout can show what is not ASCII."""
    # Python writes UTF-8 in the C locale too (PEP 540), whatever the terminal makes of it.
    if os.environ.get("LC_ALL") in ("C", "POSIX"):
        return False
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    return encoding in ("utf8", "utf16", "utf32")


def sign(verdict: Verdict) -> str:
    return (_SIGNS if speaks_unicode() else _PLAIN_SIGNS)[verdict]


def shown(text: str) -> str:
    """`text` as this terminal can show it."""
    if speaks_unicode():
        return text
    return text.translate(_PLAIN).encode("ascii", "replace").decode("ascii")
