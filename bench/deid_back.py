"""De-identified and back: texts nobody here wrote, through the detector, restored exactly and by their words alone.

"By words" is the way back of a text that is not the one that was made: a line is put before it, so its digest is
another. "Rewritten" are sentences made of each place as a model would say it anew: the last word of a name in capitals
with a possessive, a date as ISO 8601, a telephone number with dots. Beside both stands a plain replacement of each
surrogate string by its original, which is what one writes without thinking of cases, parts and forms.
See docs/design/deid-surrogates.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

from appliance.deid import dates
from appliance.deid.codes import digits_of
from appliance.deid.deidentify import Deidentifier
from appliance.deid.identifier import IdentifierKind
from appliance.deid.loading import detector_digest, load_detector
from appliance.deid.restore import Restorer
from appliance.deid.stream import HORIZON_CHARS, STEP_CHARS, Stream
from appliance.deid.vocabulary import TOKEN, stem

DATA = Path(__file__).resolve().parents[2] / "shared/data/encounters"
KEY = b"a key for the bench, no secret.."
HEAD = "Copy.\n"


def texts(limit: int) -> list[str]:
    """Notes and dialogues of ACI-Bench's development sets, in their order."""
    found = []
    for name in ("aci_bench_train.jsonl", "aci_bench_valid.jsonl"):
        for line in (DATA / name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found += [row["note"], row["dialogue"]]
    return found[:limit]


def plainly(made: str, pairs: list[tuple[str, str]]) -> str:
    """Put originals back by string replacement alone."""
    for surrogate, original in sorted(pairs, key=lambda pair: -len(pair[0])):
        made = made.replace(surrogate, original)
    return made


def said_anew(surrogate: str, original: str, kind: IdentifierKind) -> tuple[str, str] | None:
    """Return a sentence with a surrogate in another form, and what it should come back as."""
    pair = (surrogate, original)
    if kind is IdentifierKind.NAME:
        words = [TOKEN.findall(one) for one in pair]
        if words[0] and len(words[0]) == len(words[1]) and len(words[0][-1]) > 1:
            made, real = (f"{stem(one[-1]).upper()}'s course is good." for one in words)
            return made, real
    if kind is IdentifierKind.DATE:
        found = [dates.find(one) for one in pair]
        if all(len(one) == 1 and one[0].fields == "ymd" and one[0].last is None for one in found):
            made, real = (f"Seen {one[0].value.isoformat()}." for one in found)
            return made, real
    if kind is IdentifierKind.PHONE:
        digits = [digits_of(one) for one in pair]
        if all(len(one) == 10 for one in digits):
            return f"Call {digits[0][:3]}.{digits[0][3:6]}.{digits[0][6:]}.", f"Call {original}."
    return None


def main() -> int:
    """Return 0 when every text came back exactly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=60)
    parser.add_argument("--streams", type=int, default=10)
    limits = parser.parse_args()
    detector = load_detector()
    chosen = texts(limits.texts)
    exact = by_words = naive = silent = changed = leftovers = 0
    told: Counter[str] = Counter()
    hide_s = find_s = back_s = 0.0
    for text in chosen:
        began = time.perf_counter()
        detector.find(text)
        find_s += time.perf_counter() - began
        began = time.perf_counter()
        work = Deidentifier(detector, KEY, [text])
        (made,) = work.run()
        hide_s += time.perf_counter() - began
        mapping = work.mapping()
        restorer = Restorer(mapping, read=[made.text])
        exact += restorer.restore(made.text).text == text
        began = time.perf_counter()
        back = restorer.restore(HEAD + made.text)
        back_s += time.perf_counter() - began
        changed += len(made.pieces)
        leftovers += len(back.leftovers)
        by_words += back.text == HEAD + text
        silent += back.text.casefold() != (HEAD + text).casefold() and not back.leftovers
        pairs = [(made.text[one.start : one.end], one.original) for one in made.pieces]
        naive += plainly(made.text, pairs) == text
        for surrogate, original, kind in {(*pair, one.kind) for pair, one in zip(pairs, made.pieces, strict=True)}:
            if (anew := said_anew(surrogate, original, kind)) is not None:
                back = restorer.restore(anew[0])
                told["reported" if back.leftovers else "right" if back.text == anew[1] else "wrong"] += 1
                told["naive"] += plainly(anew[0], pairs) == anew[1]
    same, delays, stream_s, streamed = 0, [], 0.0, 0
    for text in chosen[1 : 2 * limits.streams : 2]:
        stream, out = Stream(detector, KEY), ""
        began = time.perf_counter()
        for at in range(0, len(text), 24):
            out += stream.feed(text[at : at + 24])
            delays.append(stream.held_chars)
        out += stream.finish()
        stream_s += time.perf_counter() - began
        streamed += len(text)
        (whole,) = Deidentifier(detector, KEY, [text], second_look=False).run()
        same += out == whole.text
        assert Restorer(stream.mapping()).restore(out).text == text
    chars, many = sum(map(len, chosen)), len(chosen)
    streams = len(chosen[1 : 2 * limits.streams : 2])
    print(f"detector {detector_digest()[:12]}; {many} texts, {chars:,} characters, {changed:,} places replaced")
    print(f"exactly back: {exact}/{many}")
    print(f"by words alone: {by_words}/{many} the same, {silent} differ in more than case without a report, "
          f"{leftovers} places reported")  # fmt: skip
    print(f"by string replacement: {naive}/{many}; ratio {by_words / max(1, naive):.2f}")
    asked = told["right"] + told["wrong"] + told["reported"]
    print(f"rewritten: {asked} sentences: {told['right']} right, {told['reported']} reported, {told['wrong']} wrong "
          f"in silence; by string replacement {told['naive']} right; ratio "
          f"{told['right'] / max(1, told['naive']):.2f}")  # fmt: skip
    print(f"characters/s: found {chars / find_s:,.0f}, de-identified {chars / hide_s:,.0f}, "
          f"restored {chars / back_s:,.0f}; finding twice or once, ratio {hide_s / find_s:.2f}")  # fmt: skip
    print(f"streams as the whole text: {same}/{streams}; {streamed / stream_s:,.0f} characters/s; held at the median "
          f"{statistics.median(delays):.0f}, at most {max(delays)} characters (horizon {HORIZON_CHARS}, "
          f"step {STEP_CHARS})")  # fmt: skip
    return 0 if exact == many else 1


if __name__ == "__main__":
    sys.exit(main())
