"""The two implementations against each other, on trees that hypothesis thinks of."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.audit import merkle, note
from appliance.audit.key import SigningKey
from fleetctl.auditlog import notes, tree
from fleetctl.errors import VerificationError
from tests.fakes.consistency import check_consistency

SIZES = st.integers(1, 300)


def node(size: int) -> Callable[[int, int], bytes]:
    leaves = [merkle.leaf_hash(b"%d" % n) for n in range(size)]
    return lambda height, index: merkle.complete_root(leaves[index << height : (index + 1) << height])


def root(size: int) -> bytes:
    growing = tree.Growing()
    for n in range(size):
        growing.add(tree.of_entry(b"%d" % n))
    return growing.root()


@given(SIZES)
def test_roots_agree(size: int) -> None:
    frontier = merkle.Frontier()
    for n in range(size):
        frontier.push(merkle.leaf_hash(b"%d" % n))
    assert frontier.root() == root(size) == merkle.range_root(node(size), 0, size)
    assert frontier.size == size


@given(st.data(), SIZES)
def test_inclusion_proofs_of_one_hold_for_the_other_and_no_changed_one_for_any(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(node(size), index, size)
    leaf, top = tree.of_entry(b"%d" % index), root(size)
    tree.check_inclusion(index, size, leaf, proof, top)
    merkle.verify_inclusion(index, size, leaf, proof, top)
    changed = list(proof)
    if changed and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(changed) - 1))
        bit = data.draw(st.integers(0, 255))
        changed[at] = (int.from_bytes(changed[at], "big") ^ (1 << bit)).to_bytes(32, "big")
    else:
        changed.append(bytes(32))
    with pytest.raises(VerificationError):
        tree.check_inclusion(index, size, leaf, changed, top)
    with pytest.raises(merkle.ProofError):
        merkle.verify_inclusion(index, size, leaf, changed, top)


@given(st.data(), SIZES)
def test_consistency_proofs_of_one_hold_for_the_other(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(1, new))
    proof = merkle.consistency_proof(node(new), old, new)
    check_consistency(old, new, root(old), root(new), proof)
    merkle.verify_consistency(old, new, root(old), root(new), proof)
    for wrong_old, wrong_new in ((bytes(32), root(new)), (root(old), bytes(32))):
        with pytest.raises(VerificationError):
            check_consistency(old, new, wrong_old, wrong_new, proof)
        with pytest.raises(merkle.ProofError):
            merkle.verify_consistency(old, new, wrong_old, wrong_new, proof)


@given(st.integers(0, 40), st.integers(0, 40), st.lists(st.binary(min_size=32, max_size=32), max_size=8))
def test_they_judge_any_proof_alike(a: int, b: int, proof: list[bytes]) -> None:
    verdicts = []
    for check, refusal in ((check_consistency, VerificationError), (merkle.verify_consistency, merkle.ProofError)):
        try:
            check(a, b, bytes(32), bytes(32), proof)
            verdicts.append(True)
        except refusal:
            verdicts.append(False)
    assert verdicts[0] == verdicts[1]


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32), st.integers(0, 2000))
def test_checkpoints_of_one_are_read_by_the_other_and_no_changed_one(size: int, top: bytes, position: int) -> None:
    key = SigningKey.make("example.org/log")
    made = key.sign(size, top)
    ours = notes.PublicKey.of(str(key.verifier), notes.LOG)
    head = notes.read_head(made.note, ours)
    assert (head.size, head.root, ours.text) == (size, top, str(key.verifier))
    data = bytearray(made.note.encode())
    data[position % len(data)] ^= 1 << position % 7
    changed = data.decode("utf-8", "replace")
    with pytest.raises(VerificationError):
        notes.read_head(changed, ours)
    with pytest.raises(note.NoteError):
        note.read_checkpoint(changed, key.verifier)


def test_a_key_and_a_note_of_another_program() -> None:
    # The example of golang.org/x/mod/sumdb/note's documentation.
    key = notes.PublicKey.of("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", notes.LOG)
    body = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    signature = notes.unbase64(
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    )
    assert signature[:4] == key.tag
    assert key.signed(body, signature[4:])
    assert not key.signed(body + "\n", signature[4:])
