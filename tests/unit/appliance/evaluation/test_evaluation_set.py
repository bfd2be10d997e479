"""An evaluation set is read within bounds, and is whole or refused in words."""

from __future__ import annotations

import io
import json
import mmap
import tarfile
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import UsageError
from appliance.evaluation import evaluation_set
from appliance.evaluation.evaluation_set import read_set
from tests.fakes.evaluation import SAID, archive, index


def test_a_set_is_what_its_index_names(tmp_path: Path) -> None:
    path = tmp_path / "set.tar"
    path.write_bytes(archive(index()))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        found = read_set(mapped)
        assert found.audio(found.index.encounters[0]) == b"RIFF-e1"
        assert found.sha256 == read_set(path.read_bytes()).sha256
        assert found.lacking(drafting=True) == []
    encounter = found.index.encounters[0]
    assert encounter.reference == " ".join(text for _, text in SAID)
    assert [encounter.reference[one.start : one.end] for one in encounter.marked()] == [
        "two weeks", "not", "ibuprofen", "400 mg", "82 kg",
    ]  # fmt: skip
    source = encounter.source()
    assert [source.text[one.start : one.end] for one in source.passages] == [text for _, text in SAID]


def test_tar_itself_makes_one(tmp_path: Path) -> None:
    """The archive of the hint, by GNU tar, with its folder as a member."""
    import subprocess

    (tmp_path / "audio").mkdir()
    (tmp_path / "index.json").write_text(json.dumps(index()))
    for name in ("e1", "s1"):
        (tmp_path / f"audio/{name}.wav").write_bytes(b"RIFF" * 300)
    subprocess.run(
        ["tar", "--format=ustar", "-cf", "SET.tar", "index.json", "audio"], cwd=tmp_path, check=True, timeout=60
    )
    found = read_set((tmp_path / "SET.tar").read_bytes())
    assert found.audio(found.index.silences[0]) == b"RIFF" * 300


def turns(*texts: str, **expected: Any) -> list[dict[str, Any]]:
    return [{"speaker": "patient", "text": text, **expected} for text in texts]


def mark(kind: str, start: int, end: int) -> list[dict[str, Any]]:
    return [{"kind": kind, "start": start, "end": end}]


def encounter(**changes: Any) -> dict[str, Any]:
    return {**index()["encounters"][0], **changes}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema_version": "evaluation-set/v2"}, "schema_version"),
        ({"surprise": 1}, "surprise"),
        ({"encounters": []}, "encounters"),
        ({"recordings": "stolen"}, "recordings"),
        ({"silences": [{"id": "e1", "audio": "audio/s1.wav", "seconds": 30}]}, "e1 stands in it twice"),
        ({"silences": [{"id": "s1", "audio": "audio/e1.wav", "seconds": 30}]}, "audio/e1.wav stands in it twice"),
        ({"silences": [{"id": "s1", "audio": "../s1.wav", "seconds": 30}]}, "silences.0.audio"),
        ({"silences": [{"id": "s1", "audio": "audio/s1.wav", "seconds": 0}]}, "silences.0.seconds"),
        ({"encounters": [encounter(turns=turns("a", expected=mark("number", 0, 2)))]}, "marks no"),
        ({"encounters": [encounter(turns=turns("a b", expected=mark("number", 1, 2)))]}, "marks no"),
        ({"encounters": [encounter(turns=turns("a", expected=mark("code", 0, 1)))]}, "kind"),
        ({"encounters": [encounter(turns=turns(*["word " * 2000] * 3))]}, "6000 words, at most 5000"),
        ({"encounters": [encounter(turns=turns("a\nb"))]}, "encounters.0.turns.0.text"),
        ({"encounters": [encounter(draft="poem")]}, "draft"),
    ],
)  # fmt: skip
def test_an_index_that_is_wrong_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_set(archive(index(**changes)))
    assert said in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"audio/e1.wav": b"x"}, "'audio/s1.wav' is named and not there"),
        ({"audio/e1.wav": b"x", "audio/s1.wav": b"x", "audio/b.wav": b"x"}, "'audio/b.wav' is there and not named"),
        ({"audio/e1.wav": b"x", "audio/s1.wav": b"x", "/etc/passwd": b"x"}, "'/etc/passwd' is there and not named"),
    ],
)  # fmt: skip
def test_files_and_index_belong_together(files: dict[str, bytes], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_set(archive(index(), files))


def special(kind: bytes, **more: Any) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        info = tarfile.TarInfo("audio/e1.wav")
        info.type = kind
        info.linkname = "index.json"
        tar.addfile(info)
    return out.getvalue()


def test_what_is_no_plain_file_is_refused() -> None:
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE):
        with pytest.raises(UsageError, match="member 1 is no plain file"):
            read_set(special(kind))


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_other_formats_are_refused_with_the_way_to_make_one(form: int) -> None:
    long = {f"audio/{'n' * 90}{'m' * 60}.wav": b"x"}
    with pytest.raises(UsageError) as caught:
        read_set(archive(index(), long, form=form))
    assert "--format=ustar" in caught.value.hint


def test_every_cut_is_refused() -> None:
    whole = archive(index())
    end = whole.rstrip(b"\0")
    for size in range(0, len(end) - 1, 37):
        with pytest.raises(UsageError):
            read_set(whole[:size])


def test_every_flipped_bit_of_a_header_is_refused() -> None:
    whole = archive(index())
    for at in range(0, 512, 3):
        changed = bytearray(whole)
        changed[at] ^= 0x41
        with pytest.raises(UsageError):
            read_set(bytes(changed))


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation_set, "MAX_SET_BYTES", 100)
    with pytest.raises(UsageError, match="more than 100 bytes"):
        read_set(archive(index()))
    monkeypatch.undo()
    with pytest.raises(UsageError, match="nested deeper"):
        read_set(archive(json.loads("[" * 90 + "]" * 90)))
    monkeypatch.setattr(evaluation_set, "MAX_INDEX_BYTES", 100)
    with pytest.raises(UsageError, match="at most 100 are read"):
        read_set(archive(index()))


def test_what_a_set_lacks_is_said() -> None:
    bare = encounter(turns=turns("Good morning."), draft=None)
    found = read_set(archive(index(encounters=[bare], silences=[]), {"audio/e1.wav": b"x"}))
    assert found.lacking(drafting=False) == [
        "a number that is marked", "a drug or dose that is marked", "a negation that is marked",
        "a recording of silence",
    ]  # fmt: skip
    assert found.lacking(drafting=True)[-1] == "an encounter with a draft"
