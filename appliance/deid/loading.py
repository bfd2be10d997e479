"""Loads the detector when it is first needed, and says which one it is: a language model takes seconds and memory."""

from __future__ import annotations

import hashlib
import threading
from functools import cache
from pathlib import Path

from appliance.deid.identifier import Detector
from appliance.errors import UnknownStateError

_one = threading.Lock()
_HINT = "install the appliance's packages as images/appliance.lock has them; until then nothing is de-identified"


@cache
def _load() -> Detector:
    try:
        from appliance.deid.detector import ClinicalDetector
    except ImportError as error:
        raise UnknownStateError(f"the detector of identifiers is not there: {error.name}", hint=_HINT) from None
    return ClinicalDetector()


def load_detector() -> Detector:
    """Return the detector, one for the process. Raises UnknownStateError: then nothing may be claimed of any text."""
    with _one:
        return _load()


@cache
def detector_digest() -> str:
    """Return the SHA-256 of all rules, lists and code that find and replace identifiers, in hexadecimal."""
    folder = Path(__file__).parent
    whole = hashlib.sha256()
    files = (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    for file in sorted(files, key=lambda file: file.relative_to(folder).as_posix()):
        whole.update(file.relative_to(folder).as_posix().encode() + b"\0")
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()
