"""A real gateway in the process: SQLite, audit log, vault and tokens are real; the two engines are stubs on sockets."""

# ruff: noqa: S608 (the identifiers in these queries are the test's own)
from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from appliance.gateway.__main__ import build
from appliance.gateway.app import served
from appliance.gateway.auth.local_issuer import LocalIssuer
from appliance.gateway.auth.principal import Role
from appliance.gateway.core import Core
from appliance.gateway.settings import Settings
from tests.fakes import postgresql as postgresql_server
from tests.fakes.clinical import SUPPORTED, StubEngine, StubTranscription, listening, wav


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Gateway:
    """A running gateway and its surroundings."""

    core: Core
    issuer: LocalIssuer
    transcription: StubTranscription
    engine: StubEngine
    base: httpx.AsyncClient
    socket: Path
    sequence: list[int] = field(default_factory=list)

    def token(self, subject: str = "doc-1", *roles: Role, mfa: bool = True, **more: Any) -> str:
        return self.issuer.mint(subject, roles or {Role.CLINICIAN}, mfa=mfa, **more)

    def headers(self, subject: str = "doc-1", *roles: Role, **more: Any) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(subject, *roles, **more)}"}

    async def ask(
        self, method: str, path: str, *, who: tuple[str, Role] = ("doc-1", Role.CLINICIAN), status: int | None = None,
        headers: dict[str, str] | None = None, **more: Any,
    ) -> httpx.Response:  # fmt: skip
        answer = await self.base.request(method, path, headers={**self.headers(*who), **(headers or {})}, **more)
        if status is not None:
            assert answer.status_code == status, (answer.status_code, answer.text[:500])
        return answer

    async def encounter(self, *, state: str = "CA", **more: Any) -> str:
        given = {"patient_ref": "MRN 1", "patient_state": state, "clinician_state": state, **more}
        return str((await self.ask("POST", "/v1/encounters", json=given, status=201)).json()["id"])

    async def consent(self, encounter: str, *parties: str, kind: str = "given", **more: Any) -> httpx.Response:
        answer: httpx.Response | None = None
        for party in parties or ("patient", "clinician"):
            self.sequence.append(1)
            given = {
                "id": f"c{len(self.sequence)}", "kind": kind, "party": {"kind": party}, "method": "verbal",
                "patient_state": "CA", "clinician_state": "CA", "at": datetime.now(UTC).isoformat(), **more,
            }  # fmt: skip
            answer = await self.ask("POST", f"/v1/encounters/{encounter}/consent-events", json=given)
        assert answer is not None
        return answer

    async def visit(self) -> str:
        """An encounter with everybody's consent."""
        encounter = await self.encounter()
        assert (await self.consent(encounter)).json()["capture_allowed"]
        return encounter

    async def upload(self, encounter: str, data: bytes | None = None, *, status: int | None = 201) -> Any:
        answer = await self.ask(
            "POST", f"/v1/encounters/{encounter}/recordings", content=wav() if data is None else data,
            headers={"content-type": "audio/wav"}, status=status,
        )  # fmt: skip
        return answer.json()["id"] if answer.status_code == 201 else answer

    async def order(self, encounter: str, recording: str) -> str:
        path = f"/v1/encounters/{encounter}/transcripts"
        return str((await self.ask("POST", path, json={"recording": recording}, status=202)).json()["id"])

    async def transcribed(self, encounter: str) -> str:
        """A finished transcript."""
        transcript = await self.order(encounter, await self.upload(encounter))
        found = (await self.ask("GET", f"/v1/transcripts/{transcript}?wait_s=20", status=200)).json()
        assert found["state"] == "done", found
        return transcript

    async def drafted(self, *sentences: str) -> tuple[str, str]:
        """(encounter, document) of a visit note in state draft."""
        encounter = await self.visit()
        transcript = await self.transcribed(encounter)
        self.engine.sections = {"history": list(sentences or (SUPPORTED,))}
        return encounter, (await self.draft(encounter, transcript))["id"]

    async def draft(self, encounter: str, *sources: str, kind: str = "visit_note", **more: Any) -> Any:
        given = {"kind": kind, "sources": list(sources), **more}
        return (await self.ask("POST", f"/v1/encounters/{encounter}/drafts", json=given, status=201)).json()

    async def act(self, document: str, act: str, version: int | None = None, **more: Any) -> httpx.Response:
        """An act of the review; at the present version if none is named."""
        if version is None:
            version = self.version(document)
        method = "PUT" if act == "content" else "POST"
        return await self.ask(method, f"/v1/documents/{document}/{act}", headers={"if-match": f'"{version}"'}, **more)

    def version(self, document: str) -> int:
        return int(self.row(f"SELECT version FROM document WHERE id = '{document}'")[0])

    def row(self, query: str) -> Any:
        with self.core.database.read() as connection:
            return connection.exec_driver_sql(query).first()

    def rows(self, query: str) -> list[Any]:
        with self.core.database.read() as connection:
            return list(connection.exec_driver_sql(query))

    def tamper(self, statement: str, **values: Any) -> None:
        """Change the store behind the program's back."""
        with self.core.database.write() as connection:
            connection.execute(text(statement), values)

    async def signed(self, *sentences: str) -> tuple[str, str]:
        """(encounter, document) of a signed visit note."""
        encounter, document = await self.drafted(*sentences)
        assert (await self.act(document, "review")).status_code == 200
        answer = await self.act(document, "signature", json={"attest": True})
        assert answer.status_code == 201, answer.text
        return encounter, document

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(one.data) for one in self.core.log.entries(0, self.core.log.size)]

    def happened(self) -> list[str]:
        return [entry["event"] for entry in self.entries()]

    def raw(self) -> bytes:
        """Every byte that lies in the state folder and in the audit log."""
        folders = (self.core.settings.state_dir, self.core.settings.audit_dir)
        return b"\n".join(file.read_bytes() for folder in folders for file in folder.rglob("*") if file.is_file())

    def recordings(self, encounter: str) -> list[Path]:
        return sorted((self.core.settings.state_dir / "recordings" / encounter).glob("*"))

    def break_log(self) -> None:
        """From now on the audit log's disk is gone, as far as it can tell."""
        self.core.log._failure = "a test"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test marked `both_stores` runs on PostgreSQL as well, among the slow ones."""
    if metafunc.definition.get_closest_marker("both_stores"):
        both = ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]
        metafunc.parametrize("store", both, indirect=True)


Start = Callable[..., AbstractAsyncContextManager[Gateway]]


@pytest.fixture(scope="session")
def issuer() -> Any:
    with TemporaryDirectory(prefix="iss") as folder:
        yield LocalIssuer.open(Path(folder) / "issuer.key")


@pytest.fixture
def place() -> Any:
    """A short path: a unix socket's has at most 107 bytes."""
    with TemporaryDirectory(prefix="gw") as folder:
        yield Path(folder)


def settings_for(place: Path, issuer: LocalIssuer, **changes: Any) -> Settings:
    issuer.export(place / "jwks.json")
    given = {
        "site": "lab", "socket": place / "http.sock", "state_dir": place / "state", "audit_dir": place / "audit",
        "local_issuer": place / "jwks.json", "lab": True, "min_free_bytes": 0,
        "transcription_socket": place / "t.sock", "drafting_socket": place / "d.sock", **changes,
    }  # fmt: skip
    return Settings(**given)


@pytest.fixture
def store(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings of the store that this test runs on; PostgreSQL is empty. See `both_stores`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return {}
    return {"database_url": postgresql_server.emptied(request.getfixturevalue("postgresql"))}


@pytest.fixture
def make_settings(place: Path, issuer: LocalIssuer, store: dict[str, Any]) -> Callable[..., Settings]:
    return lambda **changes: settings_for(place, issuer, **store, **changes)


@pytest.fixture
def start(make_settings: Callable[..., Settings], issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch) -> Start:
    """`async with start() as gateway`; again with the same folder: a restart. `real`: behind a real server."""
    # Nothing waits for a guess: the tries that a practice makes after seconds are made at once.
    monkeypatch.setattr("appliance.gateway.jobs._WAIT_S", 0.01)

    @asynccontextmanager
    async def go(*, real: bool = False, engines: bool = True, **changes: Any) -> AsyncIterator[Gateway]:
        settings = make_settings(**changes)
        transcription, engine = StubTranscription(), StubEngine()
        async with AsyncExitStack() as stack:
            if engines:
                await stack.enter_async_context(listening(transcription.app, settings.transcription_socket))
                await stack.enter_async_context(listening(engine.app, settings.drafting_socket))
            core = build(settings)
            outer = served(core)
            transport: httpx.AsyncBaseTransport
            if real:
                await stack.enter_async_context(listening(outer, settings.socket))
                transport = httpx.AsyncHTTPTransport(uds=str(settings.socket))
            else:
                core.start()
                stack.push_async_callback(core.stop)
                transport = httpx.ASGITransport(outer)
            client = httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=30)
            await stack.enter_async_context(client)
            yield Gateway(core, issuer, transcription, engine, client, settings.socket)

    return go


@pytest.fixture
async def gw(start: Start) -> AsyncIterator[Gateway]:
    async with start() as gateway:
        yield gateway


@pytest.fixture
async def real(start: Start) -> AsyncIterator[Gateway]:
    """Behind a real server on a unix socket: WebSockets, streams, clients that go away."""
    async with start(real=True) as gateway:
        yield gateway


@pytest.fixture
def lines() -> Any:
    """What the gateway's logger writes."""
    found: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(self.format(record))

    handler, root = Keep(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield found
    root.removeHandler(handler)
    root.setLevel(level)
