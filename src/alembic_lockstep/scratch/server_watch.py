"""Run a server for as long as the host lives: a program that needs the standard library only.

The host holds the writing end of our standard input and never writes. However the host ends, also
by ``kill -9``, that end closes, and we stop the server. We have a session of our own, so Ctrl-C in
the terminal reaches only the host, which still drops its databases.

One argument, JSON: ``command`` (of the server), ``stop`` (the number of the signal that ends it at
once), ``pid_file`` (where it records its process) and ``mark`` (a part of its command line that no
other slot's server has), ``lock`` (a file that the guards of one slot hold in turn), ``account``
(options of subprocess to run it as another account), ``writable`` (the folders that it may write
to), ``connects`` (whether it may begin connections), ``unguarded`` (a file that gets a line for
each access that the kernel could not refuse the server).
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
from typing import Any

# Isolated from site-packages: the package is found by this file's path.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from alembic_lockstep.isolation.service import restrict_server

#: Seconds an immediate shutdown may take before it is a kill. It takes 0.02 to 0.1 s.
PATIENCE = 5.0


def main(argument: str) -> int:
    """Run the server until standard input ends; return its exit status."""
    options = json.loads(argument)
    lock = os.open(options["lock"], os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)  # a killed run's guard may be busy stopping its server
    stop = signal.Signals(options["stop"])
    stop_leftover(Path(options["pid_file"]), options["mark"], stop)
    # Opened by us: the server's account may not make files here.
    unguarded = os.open(options["unguarded"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    server = subprocess.Popen(
        options["command"],
        stdin=subprocess.DEVNULL,
        cwd="/",
        preexec_fn=lambda: _restrict(options, unguarded),
        **options["account"],
    )
    os.close(unguarded)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: server.send_signal(stop))
    threading.Thread(target=_stop_at_end_of_input, args=(server, stop), daemon=True).start()
    return server.wait()


def _restrict(options: dict[str, Any], unguarded: int) -> None:
    lacking = restrict_server(options["writable"], connects=options["connects"])
    os.write(unguarded, "".join(f"{line}\n" for line in lacking).encode())


def _stop_at_end_of_input(server: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    # Not sys.stdin.read: a daemon thread that holds its lock at exit makes Python abort.
    while os.read(0, 4096):
        pass
    server.send_signal(stop)
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()


def stop_leftover(pid_file: Path, mark: str, stop: signal.Signals) -> None:
    """Stop a server that still runs though its guard has ended."""
    pid = _recorded_pid(pid_file)
    if pid is None:
        return
    for number in (stop, signal.SIGKILL):
        if _is_server(pid, mark):
            os.kill(pid, number)
            _wait_until_gone(pid, mark)
    if _exists(pid) and not _is_server(pid, mark):
        # The number was given to another process since; postgres would refuse to start. (When no
        # process has it, postgres decides by itself whether the file is stale.)
        pid_file.unlink(missing_ok=True)


def _recorded_pid(pid_file: Path) -> int | None:
    try:
        pid = int(pid_file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pid if pid > 1 else None


def _is_server(pid: int, mark: str) -> bool:
    """Return whether pid is a server of ours. A zombie is not: it has no command line."""
    return f" {mark} " in _command_line(pid)


def _command_line(pid: int) -> str:
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        return raw.replace(b"\0", b" ").decode(errors="surrogateescape")
    except OSError:  # no such process, or macOS, which has no /proc
        pass
    listing = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    try:
        result = subprocess.run(listing, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return result.stdout.strip() + " "


def _wait_until_gone(pid: int, mark: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while _is_server(pid, mark) and time.monotonic() < deadline:
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
