"""Outside vectors of RFC 6962 proofs, against both implementations: 12 hold, 184 must not."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from appliance.audit import merkle
from fleetctl.auditlog import tree
from fleetctl.errors import VerificationError
from tests.fakes.consistency import check_consistency

VECTORS = Path(__file__).resolve().parents[2] / "data" / "merkle"
FILES = sorted(VECTORS.glob("*/**/*.json"))
REFUSALS = (merkle.ProofError, VerificationError)


def holds(check: Any, *arguments: Any) -> bool:
    try:
        check(*arguments)
    except REFUSALS:
        return False
    return True


def hashes(vector: dict[str, Any], name: str) -> Any:
    value = vector[name]
    return b64decode(value) if isinstance(value, str) else [b64decode(part) for part in value or []]


def judged(path: Path, vector: dict[str, Any], inclusion: Any, consistency: Any) -> bool:
    if path.is_relative_to(VECTORS / "inclusion"):
        leaf, proof, root = (hashes(vector, name) for name in ("leafHash", "proof", "root"))
        return holds(inclusion, vector["leafIdx"], vector["treeSize"], leaf, proof, root)
    old, new, proof = (hashes(vector, name) for name in ("root1", "root2", "proof"))
    return holds(consistency, vector["size1"], vector["size2"], old, new, proof)


def test_all_are_here() -> None:
    wanted = [json.loads(path.read_text())["wantErr"] for path in FILES]
    assert (len(wanted), wanted.count(False), wanted.count(True)) == (196, 12, 184)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(VECTORS)))
def test_vector(path: Path) -> None:
    vector = json.loads(path.read_text())
    expected = not vector["wantErr"]
    assert judged(path, vector, merkle.verify_inclusion, merkle.verify_consistency) is expected
    assert judged(path, vector, tree.check_inclusion, check_consistency) is expected
