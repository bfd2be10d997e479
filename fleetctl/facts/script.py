"""One shell script that runs the commands of many facts, and the reader of its framed output.

A command over SSH costs one to two seconds on an emulated machine, so all facts travel in one.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from fleetctl.facts.allowed import refuse_unless_reader
from fleetctl.facts.base import ITEM, Command, Completed, Fact, Output, Unreadable

# A read that takes longer than this on a box hangs (a dead disk, a stuck driver); the others still get their turn.
COMMAND_TIMEOUT_S = 60

_PRELUDE = """\
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
N={nonce}
B() {{ printf '\\n%s B %s\\n' "$N" "$1"; printf '\\n%s B %s\\n' "$N" "$1" >&2; }}
E() {{ printf '\\n%s E %s\\n' "$N" "$1"; printf '\\n%s E\\n' "$N" >&2; }}
R() {{ i=$1; shift; B "$i"; timeout {limit} "$@" </dev/null; E $?; }}
"""


def build_script(facts: Sequence[Fact[Any]], nonce: str) -> str:
    """The script that runs every command of `facts`; `nonce` (hexadecimal) marks frames that no output can fake."""
    lines = [_PRELUDE.format(nonce=nonce, limit=COMMAND_TIMEOUT_S)]
    for fact in facts:
        for index, command in enumerate(fact.commands):
            lines.append(_lines_for(f"{fact.name}/{index}", command))
    lines.append("exit 0\n")
    return "".join(lines)


def _lines_for(key: str, command: Command) -> str:
    refuse_unless_reader(_placeholder_filled(command.argv))
    if command.for_each is None:
        return f"R {key} {shlex.join(command.argv)}\n"
    refuse_unless_reader(command.for_each)
    argv = " ".join(
        '"' + part.replace(ITEM, "$x") + '"' if ITEM in part else shlex.quote(part) for part in command.argv
    )
    return (
        f"L=$(timeout {COMMAND_TIMEOUT_S} {shlex.join(command.for_each)} </dev/null 2>&1); r=$?\n"
        f"B {key}; printf '%s\\n' \"$L\"; E $r\n"
        f"[ $r -eq 0 ] && printf '%s\\n' \"$L\" | while IFS= read -r x; do "
        f'[ -n "$x" ] && R "{key}/$x" {argv}; done\n'
    )


def _placeholder_filled(argv: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.replace(ITEM, "0") for part in argv)


def split_frames(text: str, nonce: str) -> dict[str, tuple[int, str]]:
    """The framed parts of one stream: key → (exit code, text). A frame without an end was cut off and is left out."""
    frames: dict[str, tuple[int, str]] = {}
    pattern = re.compile(rf"\n{nonce} B (?P<key>[^\n]*)\n(?P<body>.*?)\n{nonce} E(?: (?P<code>\d+))?\n", re.DOTALL)
    for match in pattern.finditer(text):
        frames[match["key"]] = (int(match["code"] or 0), match["body"])
    return frames


def read_facts(facts: Sequence[Fact[Any]], nonce: str, stdout: str, stderr: str) -> dict[str, Any]:
    """Parse the output of `build_script(facts, nonce)`: fact name → model or `Unreadable`."""
    out, err = split_frames(stdout, nonce), split_frames(stderr, nonce)
    answers: dict[str, Any] = {}
    for fact in facts:
        outputs = [_output(f"{fact.name}/{index}", out, err) for index in range(len(fact.commands))]
        whole = [output for output in outputs if output is not None]
        if len(whole) < len(outputs):
            answers[fact.name] = Unreadable(fact.name, "the answer was cut off before its end")
        else:
            answers[fact.name] = fact.read(whole)
    return answers


def _output(key: str, out: dict[str, tuple[int, str]], err: dict[str, tuple[int, str]]) -> Output | None:
    if key not in out:
        return None
    items = {
        item.removeprefix(f"{key}/"): Completed(code, body, err.get(item, (0, ""))[1])
        for item, (code, body) in out.items()
        if item.startswith(f"{key}/")
    }
    code, body = out[key]
    return Output(Completed(code, body, err.get(key, (0, ""))[1]), items)
