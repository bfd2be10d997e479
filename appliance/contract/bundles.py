"""Which files a folder of weights must hold: what the engines refuse to start without, and so does a release.

The engines reach for a model hub where a tokenizer or a configuration is missing, so both are mandatory here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

Form = Literal["gguf", "safetensors", "ctranslate2"]
"""How weights are stored; the same words as in a release's manifest."""


@dataclass(frozen=True)
class Bundle:
    """What a folder of weights must hold: of each group of names (patterns, as in a shell) at least one file."""

    groups: tuple[tuple[str, ...], ...]

    def lacking(self, names: Iterable[str]) -> list[str]:
        """Return the groups of which no file is among `names`, each as its names with `or`."""
        there = tuple(names)
        return [
            " or ".join(group)
            for group in self.groups
            if not any(fnmatchcase(name, pattern) for name in there for pattern in group)
        ]


# faster-whisper reaches for a model hub when tokenizer.json is missing, so a bundle without it is refused.
WHISPER = Bundle((("model.bin",), ("config.json",), ("tokenizer.json",), ("vocabulary.txt", "vocabulary.json")))
# A GGUF file carries its tokenizer and its chat template.
GGUF = Bundle((("model.gguf",),))
# transformers reaches for a hub as well when the configuration or the tokenizer is not there.
SAFETENSORS = Bundle((("config.json",), ("tokenizer.json",), ("*.safetensors",)))
SHARDS = "model.safetensors.index.json"

BUNDLES: Mapping[str, Mapping[Form, Bundle]] = {
    "transcription": {"ctranslate2": WHISPER},
    "drafting": {"gguf": GGUF, "safetensors": SAFETENSORS},
}
"""Task → the forms that its engines read, and what each must hold."""


def form_of(task: str, names: Iterable[str]) -> Form | None:
    """Return the form of a task's weights by the names of their files; None where no engine of the task reads them.

    The file that is named most exactly decides: weights of one form may have files of another beside them.
    """
    there = set(names)
    forms = BUNDLES.get(task, {})
    if "ctranslate2" in forms and "model.bin" in there:
        return "ctranslate2"
    if "gguf" in forms and "model.gguf" in there:
        return "gguf"
    if "safetensors" in forms and any(fnmatchcase(name, "*.safetensors") for name in there):
        return "safetensors"
    return None
