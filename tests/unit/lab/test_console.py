"""What the serial console says."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from fleetctl.errors import UnreachableError
from fleetctl.lab.console import SerialLog, clean, find_fingerprint, find_trouble, send

KEY = "SHA256:" + "Ab+/" * 10 + "xyz"


def test_escapes_and_controls_go() -> None:
    assert clean("\x1b[0;32m  OK  \x1b[0m] Started\r\n\x1b]0;title\x07x\x1b(By\x00") == "  OK  ] Started\nxy"


@pytest.mark.parametrize(
    "line",
    [
        f"fleetctl: ssh host key {KEY}",
        f"[   41.2] appliance fleetctl: ssh host key {KEY} (ED25519)",
        f"x\nfleetctl: ssh host key {KEY}",
    ],
)
def test_fingerprint_is_found_amid_other_words(line: str) -> None:
    assert find_fingerprint(line) == KEY


@pytest.mark.parametrize(
    "line", ["", f"ssh host key {KEY}", "fleetctl: ssh host key SHA256:tooshort", f"fleetctl: ssh host key {KEY}Z"]
)
def test_anything_else_is_no_fingerprint(line: str) -> None:
    assert find_fingerprint(line) is None


def test_last_fingerprint_counts() -> None:
    newer = KEY.replace("xyz", "new")
    assert find_fingerprint(f"fleetctl: ssh host key {KEY}\nfleetctl: ssh host key {newer}\n") == newer


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[  3.1] Kernel panic - not syncing: VFS: Unable to mount root fs", "kernel panicked"),
        ("You are in emergency mode. After logging in, type", "emergency mode"),
        ("Cannot open access to console, the root account is locked.", "emergency mode"),
        ("BdsDxe: failed to load Boot0001: Access Denied", "Secure Boot"),
        ("BdsDxe: failed to start Boot0001: Security Violation", "Secure Boot"),
        ("BdsDxe: No bootable option or device was found.", "nothing to boot"),
        ("🔐 Please enter passphrase for disk root (root): (press TAB for no echo)", "recovery key"),
    ],
)
def test_trouble_is_recognised(text: str, what: str) -> None:
    found = find_trouble(f"before\n{text}\nafter")
    assert found is not None
    assert what in found[0].what
    assert found[1] in text


def test_an_ordinary_boot_is_no_trouble() -> None:
    assert find_trouble("[  OK  ] Reached target basic.target\nCommand line: panic=10 rd.emergency=reboot\n") is None


def test_log_is_read_from_a_place_on(tmp_path: Path) -> None:
    log = SerialLog(tmp_path)
    assert (log.size(), log.text(), log.tail(3)) == (0, "", [])
    log.path.write_bytes(b"first boot\r\n\r\n")
    mark = log.size()
    with log.path.open("ab") as file:
        file.write("zweiter Start…\r\nlogin: ".encode())
    assert log.text(mark) == "zweiter Start…\nlogin: "
    assert log.tail(2) == ["zweiter Start…", "login:"]
    assert log.tail(5, mark) == ["zweiter Start…", "login:"]


def test_following_passes_everything_through_a_bounded_window(tmp_path: Path) -> None:
    log = SerialLog(tmp_path)
    windows = log.follow(0)
    assert next(windows) == ("", False)
    with log.path.open("wb") as file:
        file.write(b"noise line\n" * 20_000)
        file.write(f"fleetctl: ssh host key {KEY}\n".encode())
        file.write(b"noise line\n" * 100)
    found, longest, more = None, 0, True
    while more:
        window, more = next(windows)
        found, longest = found or find_fingerprint(window), max(longest, len(window))
    assert found == KEY
    assert longest <= 64 * 1024


def test_a_line_cut_in_the_middle_is_put_together(tmp_path: Path) -> None:
    log = SerialLog(tmp_path)
    windows = log.follow(0)
    for part in ("fleetctl: ssh ho", f"st key {KEY[:20]}", f"{KEY[20:]}\n"):
        with log.path.open("a") as file:
            file.write(part)
        window, _ = next(windows)
    assert find_fingerprint(window) == KEY


def test_a_prompt_without_a_line_end_is_seen(tmp_path: Path) -> None:
    log = SerialLog(tmp_path)
    log.path.write_text("Please enter passphrase for disk root: ")
    assert find_trouble(next(log.follow(0))[0]) is not None


def test_typing_reaches_the_socket_with_carriage_returns(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("fleetctl.lab.console.time.sleep", lambda _: None)
    folder = tmp_path / ("long" * 30)  # longer than a socket's address may be
    folder.mkdir()
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind("console.sock")
        server.listen()
        received: list[bytes] = []

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                while data := connection.recv(100):
                    received.append(data)

        thread = threading.Thread(target=accept)
        thread.start()
        send(folder, "recovery-key\n")
        thread.join(60)
    assert b"".join(received) == b"recovery-key\r"


def test_typing_into_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="cannot be typed into"):
        send(tmp_path, "x")
