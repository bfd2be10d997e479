"""Everything a request can be refused for, as RFC 9457 problem documents. They never repeat what the client sent."""

import json
from typing import Any

from starlette.responses import Response

_TYPE_PREFIX = "urn:fleetctl:problem:"


class ProblemError(Exception):
    """A request that cannot be served. `detail` is written by us, from numbers and names of ours only."""

    def __init__(
        self, status: int, code: str, title: str, detail: str, *, retry_after_s: int | None = None, **members: Any
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.title, self.detail = status, code, title, detail
        self.retry_after_s = retry_after_s
        self.members = members


def invalid(parameter: str, detail: str) -> ProblemError:
    """Return the problem of a wrong form field."""
    return ProblemError(400, "invalid-parameter", "A parameter is not valid", detail, parameter=parameter)


def document(problem: ProblemError, request_id: str) -> dict[str, Any]:
    """Return the problem document. `error` is the shape in which OpenAI clients look for a message."""
    kind = "server_error" if problem.status >= 500 else "invalid_request_error"
    return {
        "type": _TYPE_PREFIX + problem.code,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": f"urn:uuid:{request_id}",
        **problem.members,
        "error": {
            "message": problem.detail, "type": kind, "code": problem.code, "param": problem.members.get("parameter"),
        },
    }  # fmt: skip


def response(problem: ProblemError, request_id: str) -> Response:
    """Return the HTTP answer."""
    headers = {"x-request-id": request_id, "cache-control": "no-store"}
    if problem.retry_after_s is not None:
        headers["retry-after"] = str(problem.retry_after_s)
    body = json.dumps(document(problem, request_id), ensure_ascii=False).encode()
    return Response(body, problem.status, headers, media_type="application/problem+json")
