"""Schemathesis over the gateway's own OpenAPI document, against the real application with real identifiers."""

# ruff: noqa: S608 (the identifiers in these queries are the test's own)
from __future__ import annotations

import asyncio
import functools
import importlib.util
import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks

from appliance.gateway.auth.principal import Role
from appliance.gateway.reference import openapi

pytestmark = pytest.mark.slow
# What a request may be answered with although it is no fault of the request: documented, and no accident.
EXPECTED_5XX = frozenset({501, 502, 503, 504, 507})
CASES = 40


def _stubs() -> Any:
    """The gateway and the stubs of the unit tests."""
    path = Path(__file__).parents[1] / "unit/appliance/gateway/conftest.py"
    spec = importlib.util.spec_from_file_location("gateway_stubs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gateway_stubs"] = module
    spec.loader.exec_module(module)
    return module


class Running:
    """A gateway behind a real server, in an event loop of its own thread."""

    def __init__(self, place: Path) -> None:
        self.stubs = _stubs()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.place = place
        self.ready = threading.Event()
        self.stop = asyncio.Event()
        self.task = asyncio.run_coroutine_threadsafe(self._run(), self.loop)
        while not self.ready.wait(0.1):
            assert not self.task.done(), self.task.result()

    async def _run(self) -> None:
        issuer = self.stubs.LocalIssuer.open(self.place / "issuer.key")
        begin = self.stubs.start.__wrapped__ if hasattr(self.stubs.start, "__wrapped__") else None
        assert begin is not None
        settings = functools.partial(self.stubs.settings_for, self.place, issuer)
        with pytest.MonkeyPatch.context() as patch:
            async with begin(settings, issuer, patch)(real=True) as self.gw:
                encounter, self.document = await self.gw.drafted()
                await self.gw.act(self.document, "review")
                _, self.signed = await self.gw.signed()
                record = await self.gw.ask(
                    "POST", f"/v1/encounters/{encounter}/records", content=b"Seen for knee pain.",
                    headers={"content-type": "text/plain"},
                )  # fmt: skip
                (transcript,) = self.gw.row(f"SELECT id FROM transcript WHERE encounter_id = '{encounter}'")
                (recording,) = self.gw.row(f"SELECT id FROM recording WHERE encounter_id = '{encounter}'")
                self.known = {
                    "encounter": encounter, "document": self.document, "transcript": transcript,
                    "recording": recording, "record": record.json()["id"], "name": "knee", "index": 3,
                }  # fmt: skip
                self.ready.set()
                await self.stop.wait()

    def version(self) -> int:
        return int(self.gw.version(self.known["document"]))

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.task.result(60)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="fz") as folder:
        running = Running(Path(folder))
        yield running
        running.close()


TOKENS = (Role.CLINICIAN, Role.ADMIN, Role.AUDITOR)
SCHEMA = schemathesis.openapi.from_dict(json.loads(openapi()))
OPERATIONS = [each.ok() for each in SCHEMA.get_all_operations()]
COUNT: Counter[str] = Counter()


# Not SCHEMA.parametrize(): its tests have all one name, and pytest-xdist runs one of those that have the same name.
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
def test_no_request_breaks_the_gateway(operation: Any, running: Running) -> None:
    @settings(
        max_examples=CASES, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        _ask(case, running)

    ask()


def _ask(case: Any, running: Running) -> None:
    number = COUNT["cases"]
    COUNT["cases"] += 1
    # Two of three requests name what exists, and the version of now, so that the code behind the door is reached.
    if number % 3:
        case.path_parameters = {
            name: running.known.get(name, value) for name, value in (case.path_parameters or {}).items()
        }
        if "If-Match" in (case.headers or {}):
            case.headers["If-Match"] = str(running.version())
    role = TOKENS[0] if number % 4 else TOKENS[1 + number // 4 % 2]
    if case.path.endswith("/destruction") and role is Role.ADMIN:
        case.path_parameters = {"encounter": "00000000-0000-4000-8000-000000000000"}  # the fuzzed one is needed
    if case.path.endswith("/close"):
        case.path_parameters = {"encounter": "00000000-0000-4000-8000-000000000000"}
    subject = "doc-1" if role is Role.CLINICIAN else "somebody"
    request = case.as_transport_kwargs(base_url="http://gateway")
    request.pop("cookies", None)
    headers = {**dict(request.pop("headers", {}) or {}), **running.gw.headers(subject, role)}
    answer = asyncio.run_coroutine_threadsafe(
        running.gw.base.request(headers=_sendable(headers), **_as_httpx(request)), running.loop
    ).result(60)
    COUNT[str(answer.status_code)] += 1
    assert answer.status_code < 500 or answer.status_code in EXPECTED_5XX, (answer.status_code, answer.text[:500])
    response = schemathesis.Response.from_any(answer)
    for check in (
        checks.not_a_server_error if answer.status_code < 500 else None,
        checks.content_type_conformance, checks.response_schema_conformance,
    ):  # fmt: skip
        if check is not None:
            case.validate_response(response, checks=[check])


def _sendable(headers: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value).encode("utf-8", "replace") for name, value in headers.items()}


def _as_httpx(request: dict[str, Any]) -> dict[str, Any]:
    known = ("method", "url", "params", "json", "data", "content")
    found = {name: request[name] for name in known if request.get(name) is not None}
    if "data" in found and isinstance(found["data"], bytes | str):
        found["content"] = found.pop("data")
    return found


def test_the_run_reached_deep_code(running: Running) -> None:
    print(dict(COUNT))
    assert COUNT["cases"] > 20 * len(OPERATIONS)
    for status in ("200", "201", "404", "409", "422"):
        assert COUNT[status], (status, COUNT)
