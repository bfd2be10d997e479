"""Splits a text into sentences, with the abbreviations of clinical English."""

import re

from appliance.drafting.words import word_list

# A mark, closing quotes, blanks, then something that begins a sentence.
_ENDS = re.compile(r"""([.!?…])(["'”’)\]]*)\s+(?=["'“‘(\[¿¡]?(?:[A-Z0-9À-ÖØ-Þ]|\{\{))|([。！？])\s*""")
_ABBREVIATIONS = word_list("abbreviations")
# These may also end a sentence: "He takes 5 mg. It helps." A unit is an abbreviation only when no capital word follows.
_UNITS = word_list("units")
_LAST_WORD = re.compile(r"([\w.]+)$")


def _is_end(before: str, after: str) -> bool:
    match = _LAST_WORD.search(before)
    word = match[1].casefold() if match else ""
    if not word:
        return True
    # "1. Aspirin", "J. Smith", "Dr. Lee"; but "vitamin D. He" is cut, because a word follows that begins sentences.
    begins = re.match(
        r"(?:He|She|They|It|The|No|Patient|There|We|His|Her|This|Will|Follow|Continue|Start|Stop|Return)\b", after
    )
    if word.isdigit() and not before[: -len(word)].strip():
        return False
    if len(word) == 1 and word.isalpha():
        return begins is not None
    if word in {"no", "nos", "fig", "al"}:
        # "no. 5", but 'He said "no." Then he left.'
        return not after[:1].isdigit()
    if word in _ABBREVIATIONS:
        return word in _UNITS and after[:1].isalpha()
    return True


def sentences(text: str) -> tuple[str, ...]:
    """Return the sentences, trimmed, blanks single. A line end ends a sentence, too."""
    result: list[str] = []
    for raw in text.splitlines():
        line = " ".join(raw.split())
        start = 0
        for match in _ENDS.finditer(line):
            if match[1] == "." and not _is_end(line[start : match.start()], line[match.end() :]):
                continue
            result.append(line[start : match.end()].strip())
            start = match.end()
        if rest := line[start:].strip():
            result.append(rest)
    return tuple(result)
