"""Train the second opinion on names: `python bench/named/train.py --data FOLDER`; prints the digest of the file.

FOLDER holds `encounters` (MTS-Dialog and ACI-Bench) and `coding` (CodiEsp), all CC BY 4.0. What the detector finds
there counts as no word: the same data, package versions and rules give the same bytes, and later rules give others.
`--held-out` leaves out one fold of documents, contexts and words, prints what the model makes of it and writes a file
without it.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from appliance.deid.detector import ClinicalDetector
from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import words
from appliance.deid.reading import Reading
from appliance.deid.recognisers.learned_names import FUNCTION_TAGS, candidates
from appliance.deid.recognisers.name_class import NameWords, Weight
from appliance.deid.second_opinion.features import Surroundings, Vocabulary
from appliance.deid.second_opinion.model import SHIPPED, SHIPPED_SHA256, Opinion, dump, load
from named.corpus import Text, read_texts
from named.examples import Example, Examples, Pools, Replaced, of_contexts, of_texts
from named.words import buckets, counted, tagged

_SEED = 1
_LEAST = 3  # examples that have a feature
_STRENGTH = 0.1  # inverse of the L2 penalty
_OWN_WEIGHT = 3.0  # contexts of our own are few beside the texts
_STEPS = (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)


def main() -> int:
    """Train and write the file, or measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with encounters and coding")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="file to write")
    parser.add_argument("--held-out", action="store_true", help="measure on one fold that training does not see")
    options = parser.parse_args()
    examples, vocabulary = _examples(options.data)
    taught = [example for example in examples if example.fold or not options.held_out]
    weights, bias = _fit(taught)
    content = dump(weights, bias, vocabulary)
    digest = hashlib.sha256(content).hexdigest()
    opinion = load(content, digest)
    if options.held_out:
        _report(opinion, [example for example in examples if not example.fold])
    options.out.write_bytes(content)
    print(f"{options.out}: {len(content):,} bytes, {len(opinion.weights):,} weights, SHA-256 {digest}")
    if digest != SHIPPED_SHA256 and not options.held_out:
        print("appliance/deid/second_opinion/model.py states another digest", file=sys.stderr)
    return 0


def _examples(data: Path) -> tuple[list[Example], Vocabulary]:
    texts = read_texts(data)
    classes = NameWords(words())
    replaced = _replaced(texts, classes)
    counts = counted((each.text.text, each.named) for each in replaced)
    asked = candidates(words())
    vocabulary = Vocabulary(tagged(text.text for text in texts), buckets(counts, asked))
    nouns = [word for word in sorted(asked) if vocabulary.tags.get(word) not in FUNCTION_TAGS]
    lists = words()
    everyday = [word for word in nouns if classes.is_ordinary(word) or word in lists.not_a_name]
    pools = Pools(everyday, sorted(set(nouns) - set(everyday)))
    maker = Examples(Surroundings(lists, vocabulary), counts, _SEED)
    folder = Path(__file__).parent
    peopled = [*of_texts(replaced, pools, _SEED), *of_contexts(folder, pools, texts, _SEED)]
    return [example for text in peopled for example in maker.of(text)], vocabulary


def _replaced(texts: Sequence[Text], classes: NameWords) -> list[Replaced]:
    """Which words of the texts are names for certain, and which spans the detector holds for anything else."""
    detector = ClinicalDetector(second_opinion=False)
    found = []
    for text in texts:
        named, unknown = [], []
        for item in detector.find(text.text):
            inside = Reading(text.text[item.start : item.end]).words
            listed = any(classes.weight(word.low) >= Weight.SURNAME for word in inside)
            if text.report or item.kind is not IdentifierKind.NAME or not listed:
                unknown.append((item.start, item.end))
                continue
            for word in inside:
                span = (item.start + word.start, item.start + word.start + len(word.low))
                (named if len(word.low) > 1 else unknown).append(span)
        found.append(Replaced(text, tuple(named), tuple(unknown)))
    return found


def _fit(examples: Sequence[Example]) -> tuple[dict[str, float], float]:
    counts = Counter(feature for example in examples for feature in example.features)
    names = sorted(feature for feature, count in counts.items() if count >= _LEAST)
    matrix = _matrix(examples, {name: at for at, name in enumerate(names)})
    share = np.array([_OWN_WEIGHT if example.source.startswith("own") else 1.0 for example in examples])
    model = LogisticRegression(C=_STRENGTH, max_iter=500)
    model.fit(matrix, np.array([example.named for example in examples]), sample_weight=share)
    return dict(zip(names, map(float, model.coef_[0]), strict=True)), float(model.intercept_[0])


def _matrix(examples: Sequence[Example], places: dict[str, int]) -> Any:
    columns: list[int] = []
    rows = [0]
    for example in examples:
        columns += [places[feature] for feature in example.features if feature in places]
        rows.append(len(columns))
    return csr_matrix((np.ones(len(columns)), columns, rows), shape=(len(examples), len(places)))


def _report(opinion: Opinion, examples: Sequence[Example]) -> None:
    """Print, by source: names found and words wrongly held for names, from log odds on."""
    groups: dict[str, list[tuple[float, bool]]] = {}
    for example in examples:
        groups.setdefault(example.source, []).append((opinion.log_odds(example.features), example.named))
    print(f"{'':<16}{'names':>7}{'words':>7}" + "".join(f"{step:>13}" for step in _STEPS))
    for key, scored in sorted(groups.items()):
        names = np.array([odds for odds, named in scored if named])
        others = np.array([odds for odds, named in scored if not named])
        line = "".join(
            f"{np.mean(names >= step) if len(names) else 0:>8.3f}{np.sum(others >= step):>5}" for step in _STEPS
        )
        print(f"{key:<16}{len(names):>7}{len(others):>7}{line}")


if __name__ == "__main__":
    sys.exit(main())
