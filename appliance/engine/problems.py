"""Everything a request can be refused for, as RFC 9457 problem documents. They never repeat what the client sent."""

import json
from http import HTTPStatus


class ProblemError(Exception):
    """A request that cannot be served. `detail` is written by us, from numbers and names of ours only."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        *,
        retry_after_s: int | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.title, self.detail = status, code, title, detail
        self.retry_after_s, self.param = retry_after_s, param


class GoneError(Exception):
    """The client went away; nobody reads an answer."""


def invalid(detail: str) -> ProblemError:
    """Return the problem of a body that is not what the API takes."""
    return ProblemError(400, "invalid-request", "The request is not valid", detail)


def context_exceeded(context_tokens: int) -> ProblemError:
    """Return the problem of a prompt that does not fit."""
    detail = (
        f"the prompt does not fit into the {context_tokens} tokens of one request; count with /tokenize and send less"
    )
    return ProblemError(400, "context-exceeded", "The prompt is too long", detail, param="input_tokens")


def engine_failed(detail: str) -> ProblemError:
    """Return the problem of an engine that ended or broke while it worked."""
    return ProblemError(502, "engine-failed", "The engine failed", detail)


def head(status: int, headers: dict[str, str]) -> bytes:
    """Return an answer's status line and headers. One request a connection: nothing can be smuggled behind it."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "connection: close", "cache-control: no-store", "", ""]).encode("latin-1")


def answer(status: int, body: bytes, request_id: str, *, media_type: str = "application/json") -> bytes:
    """Return a whole answer."""
    headers = {"content-type": media_type, "content-length": str(len(body)), "x-request-id": request_id}
    return head(status, headers) + body


def render(problem: ProblemError, request_id: str) -> bytes:
    """Return the answer of a refusal. `error` is the shape in which OpenAI clients look for a message."""
    kind = "server_error" if problem.status >= 500 else "invalid_request_error"
    document = {
        "type": f"urn:fleetctl:problem:{problem.code}", "title": problem.title, "status": problem.status,
        "detail": problem.detail, "instance": f"urn:uuid:{request_id}",
        "error": {"message": problem.detail, "type": kind, "code": problem.code, "param": problem.param},
    }  # fmt: skip
    body = json.dumps(document, ensure_ascii=False).encode()
    headers = {"content-type": "application/problem+json", "content-length": str(len(body)), "x-request-id": request_id}
    if problem.retry_after_s is not None:
        headers["retry-after"] = str(problem.retry_after_s)
    return head(problem.status, headers) + body
