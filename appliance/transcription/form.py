"""Reads the multipart form of a request within its bounds, and judges every field."""

import asyncio
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.types import Message

from appliance.problems import ProblemError, invalid
from appliance.transcription.engine import Options
from appliance.transcription.formats import RESPONSE_FORMATS

# The name under which OpenAI's own clients ask by default.
MODEL_ALIAS = "whisper-1"
# Whisper keeps the last 224 tokens of a prompt; this is more text than that.
MAX_PROMPT_CHARACTERS = 2000
_FORM_OVERHEAD_BYTES = 64 * 1024
_FIELDS = frozenset(
    {"model", "language", "prompt", "response_format", "timestamp_granularities[]", "timestamp_granularities",
     "temperature", "stream"}
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A request that makes sense."""

    file: IO[bytes]
    size_bytes: int
    response_format: str
    granularities: frozenset[str]
    options: Options


def too_large(limit_bytes: int) -> ProblemError:
    """Return the problem of an upload over the limit."""
    return ProblemError(
        413, "upload-too-large", "The upload is too large",
        f"at most {limit_bytes} bytes are accepted in one upload", max_upload_bytes=limit_bytes,
    )  # fmt: skip


def too_slow(timeout_s: float) -> ProblemError:
    """Return the problem of an upload that takes too long."""
    return ProblemError(
        408, "upload-too-slow", "The upload took too long", f"the recording did not arrive within {timeout_s:g} s"
    )


async def read_form(request: Request, *, max_upload_bytes: int, timeout_s: float) -> FormData:
    """Read the body, counting it as it comes. Raises ProblemError 400, 408, 413 or 415."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "multipart/form-data":
        raise ProblemError(415, "not-a-form", "Not a form", "send the recording as multipart/form-data, field `file`")
    allowed = max_upload_bytes + _FORM_OVERHEAD_BYTES
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > allowed:
        raise too_large(max_upload_bytes)
    received, slow = 0, too_slow(timeout_s)
    problem = slow
    deadline = asyncio.get_running_loop().time() + timeout_s

    async def counted() -> Message:
        # Whatever ends the reading is raised as a parser's error: only then are the parts read so far closed.
        nonlocal received, problem
        try:
            async with asyncio.timeout_at(deadline):
                message = await request.receive()
        except TimeoutError:
            problem = slow
            raise MultiPartException(problem.code) from None
        received += len(message.get("body", b""))
        if message["type"] == "http.disconnect":
            problem = ProblemError(400, "gone", "The client went away", "the upload was not completed")
        elif received > allowed:
            problem = too_large(max_upload_bytes)
        else:
            problem = ProblemError(400, "bad-form", "The form cannot be read", "the multipart body is not well-formed")
            return message
        raise MultiPartException(problem.code)

    try:
        return await Request(request.scope, counted).form(max_files=1, max_fields=16, max_part_size=16 * 1024)
    except (MultiPartException, HTTPException, UnicodeDecodeError):
        raise problem from None


def one(form: FormData, name: str, default: str = "") -> str:
    """Return a text field. Raises ProblemError 400 when it was given twice, or as a file."""
    values = form.getlist(name)
    if len(values) > 1 or any(not isinstance(value, str) for value in values):
        raise invalid(name, f"`{name}` must be given once, as text")
    return str(values[0]) if values else default


def _granularities(form: FormData, response_format: str) -> frozenset[str]:
    given = frozenset(
        str(value) for name in ("timestamp_granularities[]", "timestamp_granularities") for value in form.getlist(name)
    )
    if not given <= {"word", "segment"}:
        raise invalid("timestamp_granularities[]", "`timestamp_granularities[]` is `word`, `segment` or both")
    if given and response_format != "verbose_json":
        raise invalid("timestamp_granularities[]", "`timestamp_granularities[]` needs response_format=verbose_json")
    return given or frozenset({"segment"})


def _temperature(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1.0:  # also refuses NaN
        raise invalid("temperature", "`temperature` is a number from 0 to 1")
    return value


def judge(form: FormData, *, model: str, languages: Iterable[str], max_upload_bytes: int) -> Asked:
    """Return what is asked. Raises ProblemError 400, 404 or 413; no problem repeats a value of the client."""
    unknown = set(form) - _FIELDS - {"file"}
    if unknown:
        # The names are the client's own: they are counted, not shown.
        raise invalid("(unknown)", f"{len(unknown)} form fields are not known; known are {', '.join(sorted(_FIELDS))}")
    upload = form.get("file")
    if not isinstance(upload, UploadFile):
        raise invalid("file", "`file` must hold the recording")
    if upload.size is None or upload.size == 0:
        raise invalid("file", "`file` is empty")
    if upload.size > max_upload_bytes:
        raise too_large(max_upload_bytes)
    asked_model = one(form, "model")
    if not asked_model:
        raise invalid("model", f"`model` is missing; this box serves {model}")
    if asked_model not in (model, MODEL_ALIAS):
        raise ProblemError(404, "model-not-found", "No such model", f"this box serves {model}", parameter="model")
    if one(form, "stream", "false").lower() not in ("false", "0", ""):
        raise invalid("stream", "`stream` is not supported: the transcript comes in one piece when it is done")
    language = one(form, "language").lower() or None
    known = sorted(languages)
    if language is not None and language not in known:
        raise invalid("language", f"`language` is one of the model's: {', '.join(known)}")
    prompt = one(form, "prompt") or None
    if prompt is not None and (len(prompt) > MAX_PROMPT_CHARACTERS or "\0" in prompt):
        raise invalid("prompt", f"`prompt` is text of at most {MAX_PROMPT_CHARACTERS} characters")
    response_format = one(form, "response_format", "json")
    if response_format not in RESPONSE_FORMATS:
        raise invalid("response_format", f"`response_format` is one of {', '.join(RESPONSE_FORMATS)}")
    granularities = _granularities(form, response_format)
    options = Options(language, prompt, _temperature(one(form, "temperature", "0")), "word" in granularities)
    return Asked(upload.file, upload.size, response_format, granularities, options)
