"""Makes a source's text fit for a prompt: no token of a chat format, no hidden character, no line of its own."""

import re
import unicodedata
from dataclasses import dataclass

# Line ends of every kind become "\n", so that each line can get its mark.
_LINE_ENDS = re.compile("\r\n|[\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
# What opens a control token: <|im_start|>, <｜User｜>, </s>, <start_of_turn>, <<SYS>>, also with look-alike brackets.
# "<120" and "< 5" stay as they are: a record is full of them.
_OPENERS = re.compile("[<\uff1c\ufe64\u2329\u27e8](?=\\s{0,3}[|\uff5c\u2223\u01c0/!?_<\uff1c]|[A-Za-z])")
_CLOSERS = re.compile("(?<=[|\uff5c])[>\uff1e]")
# Mistral's and Llama 2's tokens are words in square brackets; "[doctor]" of a transcript stays.
_BRACKETED = re.compile(
    r"\[(?=\s*/?\s*(?:INST|SYS|SYSTEM(?:_PROMPT)?|TOOL_CALLS|TOOL_RESULTS|AVAILABLE_TOOLS|IMG|PREFIX|MIDDLE|SUFFIX"
    r"|CONTROL_\d+|THINK|ARGS|CALL_ID)\s*\])",
    re.IGNORECASE,
)
# A run of these at the beginning of a line makes a heading or a code block of what follows.
_HEADINGS = re.compile(r"(?m)^[ \t]*(?:#{2,}|`{3,}|~{3,}|-{3,}|={3,})")
_KEPT_CONTROLS = {"\n", "\t"}


@dataclass(frozen=True)
class Neutral:
    """The text as it may stand in a prompt, and how many marks were replaced or left out."""

    text: str
    changed: int


def _hidden(character: str) -> bool:
    """Say whether a reader cannot see it: controls, format and bidirectional marks, tags, private use, selectors."""
    if character in _KEPT_CONTROLS:
        return False
    category = unicodedata.category(character)
    code = ord(character)
    return category in {"Cc", "Cf", "Co", "Cs", "Cn"} or 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF


def neutralise(text: str) -> Neutral:
    """Replace what a chat format or a renderer would act on. The source itself is not changed, only its copy.

    Sources of the token forms: the chat templates of Qwen, Llama 2 and 3, Mistral, Gemma, Phi and DeepSeek.
    """
    text = _LINE_ENDS.sub("\n", text)
    changed = 0
    # By distinct character: a record of millions of characters has a few hundred of them.
    if hidden := {ord(character): None for character in set(text) if _hidden(character)}:
        before = len(text)
        text = text.translate(hidden)
        changed += before - len(text)
    for pattern, replacement in ((_OPENERS, "‹"), (_CLOSERS, "›"), (_BRACKETED, "("), (_HEADINGS, "·")):
        text, count = pattern.subn(replacement, text)
        changed += count
    return Neutral(text, changed)
