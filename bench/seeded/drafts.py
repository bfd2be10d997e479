"""Fresh drafts of a real model on the appliance's own engine, split into statements for a person to mark."""

from __future__ import annotations

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
from seeded.errors import sentences

PROMPT = (
    "You write clinical notes. Use only facts stated in the conversation."
    " Write a SOAP note of at most 8 short sentences, plain text."
)
MAX_TOKENS = 200
SECTIONS = (
    "GENHX", "CC", "ASSESSMENT", "PLAN", "EDCOURSE", "DISPOSITION", "MEDICATIONS", "PASTMEDICALHX", "ROS",
    "PASTSURGICAL", "FAM/SOCHX",
)  # fmt: skip
START_TIMEOUT_S, ANSWER_TIMEOUT_S = 300.0, 1800.0


@contextmanager
def engine(weights: Path) -> Iterator[Path]:
    """Start appliance.engine on a folder with model.gguf; give its socket once it answers."""
    with tempfile.TemporaryDirectory(prefix="dr-") as name:  # a short path: unix sockets allow 107 bytes
        folder = Path(name)
        config, log = folder / "drafting.json", folder / "log"
        settings = {
            "socket": str(folder / "http.sock"), "model_dir": str(weights), "require_verity": False, "parallel": 1,
            "threads": 1, "request_timeout_s": ANSWER_TIMEOUT_S,
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


def make(weights: Path, rows: Sequence[dict[str, str]], target: Path) -> None:
    """Append one line for each row that the file does not have yet; whoever reads them marks what is invented."""
    done = {json.loads(line)["id"] for line in target.read_text().splitlines()} if target.exists() else set()
    with engine(weights) as socket, target.open("a") as out:
        client = httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), timeout=ANSWER_TIMEOUT_S)
        for row in rows:
            if row["id"] in done:
                continue
            dialogue = row["dialogue"].replace("\r", "")
            messages = [{"role": "system", "content": PROMPT}, {"role": "user", "content": dialogue}]
            asked = {"messages": messages, "temperature": 0, "max_tokens": MAX_TOKENS, "seed": 1}
            answer = client.post("http://engine/v1/chat/completions", json=asked).raise_for_status().json()
            text = answer["choices"][0]["message"]["content"]
            kept = [{"text": piece, "invented": None} for piece in sentences(text)]
            line = {"id": row["id"], "model": weights.name, "dialogue": dialogue, "statements": kept}
            out.write(json.dumps(line) + "\n")
            out.flush()
