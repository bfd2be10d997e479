"""Train the shipped ranker: `python bench/coded/train.py --data FOLDER`; prints the digest that model.py states.

FOLDER holds codiesp_train.jsonl and codiesp_dev.jsonl (CodiEsp, CC BY 4.0). The same data, table and package versions
give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from appliance.coding.assertion import StatusReader
from appliance.coding.ranking.lexicon import Lexicon
from appliance.coding.ranking.model import SHIPPED, SHIPPED_SHA256, Ranker, dump, load
from appliance.coding.ranking.reading import read
from appliance.coding.suggester import held_as_present
from appliance.coding.tables.builtin import built_in_table
from coded.associate import Corpus
from coded.fit import fit
from coded.records import read_records

SEED = 1


def main() -> int:
    """Train on all records and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the CodiEsp files")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="file to write")
    parser.add_argument("--records", type=int, help="train on that many only (to try things out)")
    options = parser.parse_args()
    records = read_records(options.data, options.records)
    lexicon = Lexicon(built_in_table(), tuple(sorted({code for record in records for code in record.codes})))
    readings = [read(record.text, lexicon) for record in records]
    held = [
        held_as_present(reading, StatusReader(record.text)) for record, reading in zip(records, readings, strict=True)
    ]
    corpus = Corpus(records, readings, lexicon)
    every = np.arange(len(records))
    fitted = fit(corpus, records, every, held, SEED, lambda line: print(line, file=sys.stderr, flush=True))
    ranker = Ranker(fitted.learned, fitted.trees, fitted.calibration, fitted.best_code, fitted.best_category)
    content = dump(ranker, lexicon)
    digest = hashlib.sha256(content).hexdigest()
    load(content, lexicon, digest)
    options.out.write_bytes(content)
    print(f"{options.out}: {len(content):,} bytes, SHA-256 {digest}")
    if digest != SHIPPED_SHA256:
        print("appliance/coding/ranking/model.py states another digest", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
