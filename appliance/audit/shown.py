"""What `appliancectl audit` answers: the log verified, one entry, one proof. Reads only, while a writer may go on."""

from pathlib import Path

from appliance.audit.errors import LogDamagedError
from appliance.audit.layout import VERIFIER_KEY
from appliance.audit.merkle import ProofError, consistency_proof, range_root, verify_consistency
from appliance.audit.note import MAX_NOTE_BYTES, Checkpoint, NoteError, VerifierKey
from appliance.audit.proof import EntryProof, make
from appliance.audit.tiles import TileStore, read_file
from appliance.audit.verify import heads, signed, verify
from appliance.errors import UsageError

_HINT = "appliancectl audit verify says where"


def recorded_key(directory: Path) -> VerifierKey:
    """The key beside the log: it can only say that the log fits itself."""
    data = read_file(directory / VERIFIER_KEY, 4096)
    if data is None:
        raise UsageError(f"{directory}: no audit log", hint="give --directory DIR; the gateway makes the log")
    try:
        return VerifierKey.parse(data.decode("utf-8", "replace"))
    except NoteError as error:
        raise LogDamagedError(f"{directory / VERIFIER_KEY}: {error}", hint="restore it from a copy") from None


def given_key(given: str) -> VerifierKey:
    """A key as its text, or in a file."""
    text = given
    if "+" not in given:
        data = read_file(Path(given), 4096)
        if data is None:
            raise UsageError(f"--key: {given}: no such file", hint="give NAME+ID+BASE64, or a file with it")
        text = data.decode("utf-8", "replace")
    try:
        return VerifierKey.parse(text)
    except NoteError as error:
        raise UsageError(f"--key: {error}", hint="copy the whole line that appliancectl audit key prints") from None


def kept_checkpoint(path: Path, key: VerifierKey) -> Checkpoint:
    """A checkpoint in a file of its own."""
    data = read_file(path, MAX_NOTE_BYTES)
    if data is None:
        raise UsageError(f"{path}: no such file", hint="give a file with a checkpoint of this log")
    return signed(data.decode("utf-8", "replace"), key, str(path))


def newest_checkpoint(directory: Path, key: VerifierKey) -> Checkpoint:
    """The newest signed head, published or not."""
    return heads(directory, key)[0]


def verified_words(directory: Path, key: VerifierKey, against: Path | None) -> list[str]:
    """Verify everything and say what was found. Raises LogDamagedError, LogUnreadableError."""
    pinned = kept_checkpoint(against, key) if against else None
    result = verify(directory, key, pinned)
    words = [
        f"verified: {result.newest.size} entries of {result.newest.origin}, all as signed",
        f"published: {result.published.size} entries",
    ]
    if pinned:
        _consistent(TileStore(directory), pinned, result.newest)
        words.append(f"compared: the {pinned.size} entries signed before are the beginning of these")
    return words


def _consistent(store: TileStore, old: Checkpoint, new: Checkpoint) -> None:
    """From the tiles alone, besides the pass over all entries: the proof that others would get has to hold as well."""
    if old.size == 0:
        return
    try:
        proof = consistency_proof(store.node, old.size, new.size)
        verify_consistency(old.size, new.size, old.root, new.root, proof)
    except ProofError as error:
        raise LogDamagedError(f"another history: {error}", hint="compare with a copy of the log") from None


def proof_of(index: int, directory: Path, key: VerifierKey, under: Path | None = None) -> EntryProof:
    """The proof of an entry, verified, under the newest head or under a checkpoint that was kept."""
    newest = heads(directory, key)[0]
    head = kept_checkpoint(under, key) if under else newest
    if head.size > newest.size:
        raise LogDamagedError(f"rolled back: {head.size} entries were signed, {newest.size} are here", hint=_HINT)
    if index >= head.size:
        raise UsageError(f"no entry {index}: the checkpoint has {head.size}", hint="the first entry has index 0")
    store = TileStore(directory)
    if under and range_root(store.node, 0, head.size) != head.root:
        raise LogDamagedError(f"the first {head.size} entries are not those of {under}", hint=_HINT)
    made = make(store, index, head)
    try:
        made.verify(key)
    except ValueError as error:
        raise LogDamagedError(f"entry {index}: {error}", hint=_HINT) from None
    return made
