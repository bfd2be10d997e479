"""Fresh drafts of a real model on the appliance's own engine, split into statements for a person to mark."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from seeded.errors import as_source, sentences

from appliance.clinical.document import DocumentKind
from appliance.drafting.drafter import Drafter
from appliance.drafting.errors import DraftError
from appliance.drafting.events import StatementDone
from appliance.drafting.http_engine import HttpEngine
from appliance.drafting.order import Order
from appliance.drafting.settings import ModelIdentity, Settings

PROMPT = (
    "You write clinical notes. Use only facts stated in the conversation."
    " Write a SOAP note of at most 8 short sentences, plain text."
)
MAX_TOKENS = 200
CONTEXT_TOKENS = 4096
START_TIMEOUT_S, ANSWER_TIMEOUT_S = 300.0, 1800.0


@contextmanager
def engine(weights: Path, threads: int = 1) -> Iterator[Path]:
    """Start appliance.engine on a folder with model.gguf; give its socket once it answers."""
    with tempfile.TemporaryDirectory(prefix="dr-") as name:  # a short path: unix sockets allow 107 bytes
        folder = Path(name)
        config, log = folder / "drafting.json", folder / "log"
        settings = {
            "socket": str(folder / "http.sock"), "model_dir": str(weights), "require_verity": False, "parallel": 1,
        "context_tokens": CONTEXT_TOKENS,
            "threads": threads, "request_timeout_s": ANSWER_TIMEOUT_S,
        }  # fmt: skip
        config.write_text(json.dumps(settings))
        with log.open("wb") as out:
            argv = [sys.executable, "-m", "appliance.engine", str(config)]
            process = subprocess.Popen(argv, stdout=out, stderr=out, env={**os.environ, "HOME": name})
        try:
            deadline = time.monotonic() + START_TIMEOUT_S
            while "ready:" not in log.read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"the engine did not start: {log.read_text()[-2000:]}")
                time.sleep(0.1)
            yield folder / "http.sock"
        finally:
            process.terminate()
            process.wait()


def make(weights: Path, rows: Sequence[dict[str, str]], notes: frozenset[str], target: Path) -> None:
    """Append one line for each row that the file does not have yet; whoever reads them marks what is invented.

    `notes`: rows drafted as the product does, by its visit note; the others by a plain prompt of one message.
    """
    done = {json.loads(line)["id"] for line in target.read_text().splitlines()} if target.exists() else set()
    with engine(weights, 2) as socket, target.open("a") as out:
        for row in rows:
            if row["id"] in done:
                continue
            dialogue = row["dialogue"].replace("\r", "")
            as_note = row["id"] in notes
            texts = asyncio.run(visit_note(socket, weights.name, dialogue)) if as_note else plain(socket, dialogue)
            kept = [{"text": text, "invented": None} for text in texts]
            line = {
                "id": row["id"], "model": weights.name, "prompt": "visit_note" if as_note else "plain",
                "dialogue": dialogue, "statements": kept,
            }  # fmt: skip
            out.write(json.dumps(line) + "\n")
            out.flush()


def plain(socket: Path, dialogue: str) -> list[str]:
    """The statements that a short prompt brings."""
    messages = [{"role": "system", "content": PROMPT}, {"role": "user", "content": dialogue}]
    asked = {"messages": messages, "temperature": 0, "max_tokens": MAX_TOKENS, "seed": 1}
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), timeout=ANSWER_TIMEOUT_S) as client:
        answer = client.post("http://engine/v1/chat/completions", json=asked).raise_for_status().json()
    return sentences(answer["choices"][0]["message"]["content"])


async def visit_note(socket: Path, model: str, dialogue: str) -> list[str]:
    """The statements of a visit note as the product drafts it; those before the limit where it breaks off."""
    settings = Settings(
        socket=str(socket), model=ModelIdentity(model), context_tokens=CONTEXT_TOKENS,
        first_token_timeout_s=ANSWER_TIMEOUT_S, stall_timeout_s=ANSWER_TIMEOUT_S,
        total_timeout_s=ANSWER_TIMEOUT_S,
    )  # fmt: skip
    order = Order(
        kind=DocumentKind.VISIT_NOTE, sources=(as_source(dialogue),), max_output_tokens=2 * MAX_TOKENS, seed=1
    )
    texts = []
    async with HttpEngine(settings) as client:
        try:
            async for event in Drafter(client, settings).draft(order):
                if isinstance(event, StatementDone):
                    texts.append(event.statement.text)
        except DraftError as error:
            print(f"the draft broke off: {error.code}", file=sys.stderr)
    return texts
