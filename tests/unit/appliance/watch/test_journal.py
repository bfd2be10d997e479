"""The journal: what a crash, a second writer and a damaged disk leave of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.watch.journal import NAME, Journal, framed, parse

RECORDS = [{"t": "event", "at": f"moment {number}"} for number in range(3)]


def everything(folder: Path) -> list[dict[str, object]]:
    return Journal(folder).news()[1].records


def test_what_was_written_is_read_back_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.news() == (False, parse(b""))
    journal.append(RECORDS)
    assert journal.news()[1].records == RECORDS
    assert journal.news()[1].records == []
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_a_crash_at_any_byte_of_a_record_costs_that_record_alone(tmp_path: Path) -> None:
    whole = b"".join(map(framed, RECORDS))
    kept = len(whole) - len(framed(RECORDS[-1]))
    for cut in range(kept, len(whole)):
        (tmp_path / NAME).write_bytes(whole[:cut])
        assert everything(tmp_path) == RECORDS[:2], cut
        Journal(tmp_path).append([{"t": "next"}])
        assert everything(tmp_path) == [*RECORDS[:2], {"t": "next"}], cut
        assert parse((tmp_path / NAME).read_bytes()).damaged == 0


def test_damage_between_sound_records_is_counted_and_hides_no_other(tmp_path: Path) -> None:
    lines = [framed(record) for record in RECORDS]
    (tmp_path / NAME).write_bytes(lines[0] + lines[1].replace(b"moment 1", b"moment 9") + lines[2])
    read = Journal(tmp_path).news()[1]
    assert (read.records, read.damaged) == ([RECORDS[0], RECORDS[2]], 1)


def test_two_writers_see_each_other(tmp_path: Path) -> None:
    one, other = Journal(tmp_path), Journal(tmp_path)
    one.append(RECORDS[:1])
    other.append(RECORDS[1:2])
    one.append(RECORDS[2:])
    assert one.news() == (True, parse(b"".join(map(framed, RECORDS))))
    assert other.news()[1].records == RECORDS


def test_a_file_that_was_written_anew_is_everything_anew(tmp_path: Path) -> None:
    journal, other = Journal(tmp_path), Journal(tmp_path)
    journal.append(RECORDS)
    journal.news()
    other.news()
    assert journal.replace([{"t": "state"}])
    for each in (journal, other):
        anew, read = each.news()
        assert (anew, read.records) == (True, [{"t": "state"}])


def test_a_file_is_not_replaced_over_what_somebody_wrote_meanwhile(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(RECORDS)
    journal.news()
    Journal(tmp_path).append([{"t": "ack"}])
    assert not journal.replace([{"t": "state"}])
    assert everything(tmp_path) == [*RECORDS, {"t": "ack"}]


def test_what_cannot_be_written_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)
    journal.append(RECORDS[:1])

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        journal.append(RECORDS[1:])
    assert everything(tmp_path) == RECORDS[:1]


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"symbolic|Too many"):
        Journal(tmp_path).append(RECORDS)
