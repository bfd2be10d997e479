"""`appliancectl deid` and `deid-policy`: a text without identifiers and back, and what a policy file says."""

import codecs
import json
import os
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from appliance.errors import ApplianceError, RefusedError, UsageError

if TYPE_CHECKING:
    from appliance.deid.mapping import Mapping

MAX_BYTES = 8 * 1024 * 1024
MAX_CHARS = 2_000_000
"""What the detector takes at once."""
_MAX_KEY_BYTES = 4096
_MAX_NAMES_BYTES = 64 * 1024
_PIECE_BYTES = 64 * 1024
_FILE_STEP_CHARS = 4_000
"""How much of a file is looked at together in a stream: nobody waits for its words as they are said."""
_PARTLY = 7
_FORMS = ("text", "table", "json")
_IN_PARTS = "give it in parts, with the same --key-file, or with --stream"
_NO_TEXT = "give plain text in UTF-8; what UTF-16 holds, `iconv -f UTF-16 -t UTF-8 FILE` gives so"

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="The text, UTF-8; - reads standard input.")]
OutputOption = Annotated[str, typer.Option("--output", "-o", help="text (table is the same) or json.")]


@dataclass(frozen=True)
class Keys:
    """What surrogates are drawn with. `dates`: what dates move by; None: `names`."""

    names: bytes = field(repr=False)
    dates: bytes | None = field(repr=False)


def deidentify(
    file: FileArgument,
    output: OutputOption = "text",
    restore: Annotated[
        Path | None, typer.Option(metavar="MAPPING", help="Bring identifiers back by this mapping instead.")
    ] = None,
    read: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --restore: the text that the writer had read. Its words are no news."),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Write what brings identifiers back there (0600). It holds all of them."),
    ] = None,
    known_name: Annotated[
        list[str] | None,
        typer.Option(help="A full name that is known to occur; may be given often. Other users see arguments."),
    ] = None,
    known_names: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Such names in a file, one on each line.")
    ] = None,
    stream: Annotated[
        bool, typer.Option(help="Give out what can no longer change while the text still arrives; any length.")
    ] = False,
    key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="16 secret bytes or more: the same key gives the same surrogates."),
    ] = None,
    dates_key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Such a key of the patient: dates move by it, so that intervals hold over their texts."
        ),
    ] = None,
) -> None:
    """Replace what identifies somebody in a text by surrogates, or bring it back. No network, nothing kept.

    The text goes to standard output, the report (without text) to standard error; with -o json both to standard output.
    Exit code: 0 done, 7 restored but for what is named, 2 the file or an option is wrong, 5 the detector is not there,
    6 the mapping's file is there already.
    """
    if output not in _FORMS:
        raise UsageError(f"--output: {output} is unknown", hint="text or json")
    if restore is not None:
        for option, value in (
            ("--mapping", mapping), ("--known-name", known_name), ("--known-names", known_names),
            ("--key-file", key_file), ("--dates-key-file", dates_key_file), ("--stream", stream),
        ):  # fmt: skip
            if value:
                raise UsageError(f"{option} does not go with --restore", hint="leave it out")
        _restore(file, restore, read, output)
        return
    if read is not None:
        raise UsageError("--read goes with --restore only", hint="leave it out")
    names = [*(known_name or []), *_names(known_names)]
    if stream and output == "json":
        raise UsageError("--stream gives text only", hint="leave -o out")
    work = _stream if stream else _deidentify
    work(file, output, mapping, names, Keys(_key(key_file) or os.urandom(32), _key(dates_key_file)))


def _deidentify(file: str, output: str, mapping: Path | None, names: list[str], keys: Keys) -> None:
    from appliance.deid.deidentify import Deidentifier
    from appliance.deid.loading import detector_digest, load_detector
    from appliance.deid.residual import assess, words

    text = _text(file)
    if not text.strip():
        # Whatever made the text went wrong, and the next program would take nothing for a text without identifiers.
        name = "standard input" if file == "-" else file
        raise UsageError(f"{name}: is empty", hint="give a text; a stream may be empty (--stream)")
    with _reserved(mapping) as keep:
        work = Deidentifier(load_detector(), keys.names, [text], known_names=names, dates_key=keys.dates)
        (made,) = work.run()
        # First of all, so that no text is given out whose way back is lost.
        keep(work.mapping())
    risk = assess(text, made)
    if output == "json":
        spans = [{"start": one.start, "end": one.end, "kind": one.kind.value} for one in made.pieces]
        document = {
            "schema_version": "deid-text/v1", "text": made.text, "replaced": spans,
            "residual_risk": risk.model_dump(mode="json"), "detector_sha256": detector_digest(),
            "undoable": mapping is not None,
        }  # fmt: skip
        _print(json.dumps(document, ensure_ascii=False) + "\n")
        return
    _print(made.text)
    for line in words(risk):
        typer.echo(line, err=True)
    if mapping is None:
        typer.echo("no --mapping was given: this cannot be undone", err=True)


def _stream(file: str, output: str, mapping: Path | None, names: list[str], keys: Keys) -> None:
    from appliance.deid.loading import load_detector
    from appliance.deid.stream import STEP_CHARS, Stream

    with _reserved(mapping) as keep, _opened(file) as source:
        step = _FILE_STEP_CHARS if file != "-" and Path(file).is_file() else STEP_CHARS
        stream = Stream(load_detector(), keys.names, known_names=names, step_chars=step, dates_key=keys.dates)
        given_out = False
        try:
            for piece in _pieces(file, source):
                out = stream.feed(piece)
                given_out = given_out or bool(out)
                _print(out)
            out, given_out = stream.finish(), True
            _print(out)
        finally:
            # Also of a text that broke off: what was given out has its way back.
            found = stream.mapping()
            if given_out:
                keep(found)
    counts = Counter(piece.kind.value for made in found.texts for piece in made.pieces)
    typer.echo("replaced: " + (", ".join(f"{n} {kind}" for kind, n in sorted(counts.items())) or "none"), err=True)
    typer.echo("a stream has no report of what is left: nobody saw the whole text", err=True)


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        opened = Path(file).open("rb")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", hint="name a file that can be read, or - for input") from None
    with opened:
        yield opened


def _pieces(file: str, source: BinaryIO) -> Iterator[str]:
    """Return a text as it arrives. Raises UsageError at what is no text."""
    name = "standard input" if file == "-" else file
    decoder, at = codecs.getincrementaldecoder("utf-8")(), 0
    while True:
        # What has arrived, without waiting for more.
        data = source.read1(_PIECE_BYTES)  # type: ignore[attr-defined]
        if b"\0" in data:
            raise UsageError(f"{name}: byte {at + data.find(bytes(1))} is 0: this is no text", hint=_NO_TEXT)
        try:
            piece = decoder.decode(data, final=not data)
        except UnicodeDecodeError:
            raise UsageError(
                f"{name}: not UTF-8 in the {len(data)} bytes from byte {at} on",
                hint="convert it, for instance with iconv",
            ) from None
        yield piece
        if not data:
            return
        at += len(data)


def _restore(file: str, mapping: Path, read: Path | None, output: str) -> None:
    from appliance.deid.loading import load_detector
    from appliance.deid.mapping import MAX_MAPPING_BYTES, loads
    from appliance.deid.restore import Restorer
    from appliance.deid.restored import WHY

    if file == "-" and str(mapping) == "-":
        raise UsageError("both the text and the mapping are -", hint="name a file for one of them")
    found = loads(_bytes(str(mapping), MAX_MAPPING_BYTES, "give the file that --mapping wrote"), str(mapping))
    # As long as a stream's mapping can be of; only for what was rewritten the detector is asked.
    text = _decoded(file, _bytes(file, MAX_MAPPING_BYTES, "give what --stream or deid gave, with its mapping"))
    back = Restorer(found).restore(text)
    if not back.exact:
        _bounded(file, text, "it is not what was made with this mapping; give what was rewritten in parts")
        # Somebody wrote it anew, so there may be identifiers in it that nobody gave.
        was_read = [] if read is None else [_text(str(read))]
        back = Restorer(found, read=was_read, detector=load_detector()).restore(text)
    places = [(*_place(back.text, one.start), one) for one in back.leftovers]
    if output == "json":
        document = {
            "schema_version": "deid-restored/v1", "text": back.text, "exact": back.exact, "replaced": back.replaced,
            "leftovers": [
                {"start": one.start, "end": one.end, "line": line, "column": column, "kind": one.kind.value,
                 "reason": one.reason.value}
                for line, column, one in places
            ],
        }  # fmt: skip
        _print(json.dumps(document, ensure_ascii=False) + "\n")
    else:
        _print(back.text)
        how = "exactly as it was" if back.exact else f"rewritten: {back.replaced} places brought back"
        typer.echo(how, err=True)
        for line, column, one in places:
            typer.echo(
                f"line {line}, column {column}: {one.end - one.start} characters are not brought back "
                f"({one.kind.value}, {one.reason.value}): {WHY[one.reason]}",
                err=True,
            )
    raise typer.Exit(_PARTLY if places else 0)


def check_policy(file: FileArgument, output: OutputOption = "text") -> None:
    """Check a file that says which text must be de-identified before a model reads it, and show what it decides.

    Exit code: 0 it is a policy, 2 it is none (where, and what was wanted).
    """
    from appliance.contract.deid_policy import MAX_BYTES as MAX_POLICY_BYTES
    from appliance.contract.deid_policy import PolicyError, parse

    if output not in _FORMS:
        raise UsageError(f"--output: {output} is unknown", hint="text or json")
    try:
        policy = parse(_bytes(file, MAX_POLICY_BYTES, "give a policy, not a text"))
    except PolicyError as error:
        raise UsageError(
            f"{file}: {error}", hint="see docs/design/deid-surrogates.md for what a policy holds"
        ) from None
    if output == "json":
        typer.echo(policy.model_dump_json())
        return
    for row in policy.rules:
        weights = {None: "", True: ", sealed weights only", False: ", unsealed weights only"}[row.sealed]
        typer.echo(f"{row.kind} on {row.engine}{weights}: {row.text.value}")
    typer.echo(f"everything else: required\nwhat cannot be brought back: {policy.on_unrestored}")
    typer.echo(f"sha256 in the log: {policy.sha256}")


def _print(text: str) -> None:
    """Write a text as it is: no line end of ours, and none translated."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def _place(text: str, at: int) -> tuple[int, int]:
    before = text[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1


def _bytes(file: str, most: int, too_long: str) -> bytes:
    name = "standard input" if file == "-" else file
    try:
        if file == "-":
            data = sys.stdin.buffer.read(most + 1)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(most + 1)
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}", hint="name a file that can be read, or - for input") from None
    if len(data) > most:
        raise UsageError(f"{name}: more than {most} bytes", hint=too_long)
    return data


def _text(file: str) -> str:
    text = _decoded(file, _bytes(file, MAX_BYTES, _IN_PARTS))
    _bounded(file, text, _IN_PARTS)
    return text


def _bounded(file: str, text: str, hint: str) -> None:
    if len(text) > MAX_CHARS:
        name = "standard input" if file == "-" else file
        raise UsageError(f"{name}: {len(text)} characters, at most {MAX_CHARS} are read", hint=hint)


def _decoded(file: str, data: bytes) -> str:
    """Return a text. Raises UsageError with the place of what is no text, never with what stands there."""
    name = "standard input" if file == "-" else file
    if (at := data.find(b"\0")) >= 0:
        raise UsageError(f"{name}: byte {at} is 0: this is no text", hint=_NO_TEXT)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{name}: line {line}, byte {error.start}: not UTF-8", hint="convert it, for instance with iconv"
        ) from None


def _names(file: Path | None) -> list[str]:
    if file is None:
        return []
    data = _bytes(str(file), _MAX_NAMES_BYTES, "one name on each line; is it a list of names?")
    try:
        return [line.strip() for line in data.decode().splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: byte {error.start}: not UTF-8", hint="one name on each line, in UTF-8") from None


def _key(file: Path | None) -> bytes | None:
    from appliance.deid.draws import MIN_KEY_BYTES

    if file is None:
        return None
    key = _bytes(str(file), _MAX_KEY_BYTES, "head -c 32 /dev/urandom > FILE makes a key")
    mode = file.stat().st_mode
    if stat.S_ISREG(mode) and mode & 0o077:
        raise UsageError(f"{file}: others may read it (mode {mode & 0o777:03o})", hint=f"chmod 600 {file}")
    if len(key) < MIN_KEY_BYTES:
        raise UsageError(
            f"{file}: {len(key)} bytes, at least {MIN_KEY_BYTES} were wanted", hint="head -c 32 /dev/urandom > FILE"
        )
    return key


def _there(mapping: Path) -> RefusedError:
    return RefusedError(
        f"--mapping: {mapping} is there already, and may be the only way back of another text",
        hint="name another file, or move that one away",
    )


@contextmanager
def _reserved(path: Path | None) -> Iterator[Callable[["Mapping"], None]]:
    """Make the mapping's file before anything is done, and give what fills it. Unfilled, it is removed again."""
    if path is None:
        yield lambda mapping: None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise _there(path) from None
    except OSError as error:
        raise UsageError(f"--mapping: {path}: {error.strerror}", hint="name a file in a folder that is there") from None
    filled = False

    def fill(mapping: "Mapping") -> None:
        nonlocal filled
        try:
            os.fchmod(out.fileno(), 0o600)
            out.write(mapping.dumps().encode("utf-8", "surrogatepass"))
            out.flush()
            os.fsync(out.fileno())
        except OSError as error:
            raise ApplianceError(
                f"--mapping: {path}: {error.strerror}",
                hint="make room and run it again; what was printed has no way back",
            ) from None
        filled = True

    with os.fdopen(descriptor, "wb", buffering=0) as out:
        try:
            yield fill
        finally:
            if not filled:
                path.unlink(missing_ok=True)
