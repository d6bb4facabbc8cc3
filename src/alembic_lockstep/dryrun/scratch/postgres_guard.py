"""Runs postgres for as long as the host lives: a program of its own, of the standard library only.

The host holds the writing end of our standard input and never writes. However the host ends, also
by ``kill -9``, that end closes, and we stop the server. We have a session of our own, so Ctrl-C in
the terminal reaches the host alone, which still drops its databases.

One argument, JSON: ``command`` (of postgres), ``data`` (its directory), ``lock`` (a file that the
guards of one slot hold in turn), ``account`` (options of subprocess to run it as somebody else).
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

#: Seconds an immediate shutdown may take before it is a kill. It takes 0.02 s.
PATIENCE = 5.0


def main(argument: str) -> int:
    """Run the server until standard input ends; return its exit status."""
    options = json.loads(argument)
    lock = os.open(options["lock"], os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)  # a killed run's guard may be busy stopping its server
    stop_leftover(Path(options["data"]))
    server = subprocess.Popen(
        options["command"], stdin=subprocess.DEVNULL, cwd="/", **options["account"]
    )
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: server.send_signal(signal.SIGQUIT))
    threading.Thread(target=_stop_at_end_of_input, args=(server,), daemon=True).start()
    return server.wait()


def _stop_at_end_of_input(server: subprocess.Popen[bytes]) -> None:
    # Not sys.stdin.read: a daemon thread that holds its lock at exit makes Python abort.
    while os.read(0, 4096):
        pass
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()


def stop_leftover(data: Path) -> None:
    """Stop a postmaster that still runs in a data directory though its guard is gone."""
    pid = _recorded_pid(data)
    if pid is None:
        return
    for number in (signal.SIGQUIT, signal.SIGKILL):
        if _is_postmaster(pid, data):
            os.kill(pid, number)
            _wait_until_gone(pid, data)
    if _exists(pid) and not _is_postmaster(pid, data):
        # The number was given to another process since; postgres would refuse to start. (When no
        # process has it, postgres decides by itself whether the file is stale.)
        (data / "postmaster.pid").unlink(missing_ok=True)


def _recorded_pid(data: Path) -> int | None:
    try:
        first, directory = (data / "postmaster.pid").read_text().splitlines()[:2]
        return int(first) if directory == str(data) and int(first) > 1 else None
    except (OSError, ValueError):
        return None


def _is_postmaster(pid: int, data: Path) -> bool:
    """Tell whether pid is a server of ours in data. A zombie is not: it has no command line."""
    words = _command_line(pid)
    return "postgres" in words.partition(" -D ")[0] and f" -D {data} " in words


def _command_line(pid: int) -> str:
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        return raw.replace(b"\0", b" ").decode(errors="surrogateescape")
    except OSError:  # no such process, or macOS, which has no /proc
        pass
    listing = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    try:
        found = subprocess.run(listing, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return found.stdout.strip() + " "


def _wait_until_gone(pid: int, data: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while _is_postmaster(pid, data) and time.monotonic() < deadline:
        time.sleep(0.01)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
