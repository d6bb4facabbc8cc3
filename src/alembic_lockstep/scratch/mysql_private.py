"""Run a private MySQL or MariaDB server: make its data directory, call its programs."""

from __future__ import annotations

import re
import secrets
import signal
from contextlib import ExitStack
from pathlib import Path

from alembic_lockstep.scratch.account import Account, give, make_private_directory, run
from alembic_lockstep.scratch.mysql_admin import MySQLServer
from alembic_lockstep.scratch.mysql_installs import MySQLInstall
from alembic_lockstep.scratch.private import running

_PASSWORD = "lockstep.password"  # noqa: S105 - a file name
_START = "lockstep.sql"
#: Run at each start, before any client can connect. TCP on the loopback address, with a password,
#: because every driver can do that.
_USERS = """\
CREATE USER IF NOT EXISTS 'lockstep'@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT ALL ON *.* TO 'lockstep'@'127.0.0.1' WITH GRANT OPTION;
ALTER USER 'root'@'localhost' IDENTIFIED BY '{password}';
"""
#: Nothing here outlives the run, so durability is off; files begin small and grow in small steps.
_STORAGE = (
    "--innodb-autoextend-increment=1",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
)
_SETTINGS = (
    "--bind-address=127.0.0.1",
    "--socket=lockstep.sock",  # relative to the data directory: a whole path is often too long
    "--skip-name-resolve",
    "--skip-log-bin",
    "--performance-schema=OFF",
    "--event-scheduler=OFF",
    "--character-set-server=utf8mb4",
    "--default-time-zone=+00:00",
    "--max-connections=50",
    "--innodb-buffer-pool-size=32M",
    "--innodb-temp-data-file-path=ibtmp1:1M:autoextend",
    "--innodb-fast-shutdown=2",
)
#: For MariaDB; fsync takes two thirds of the time of a CREATE TABLE.
_MARIADB = ("--debug-no-sync", "--innodb-log-file-size=8M")
#: For MySQL: no second protocol with a port of its own, no directory that others cannot read.
_MYSQL = ("--loose-mysqlx=OFF", "--secure-file-priv=NULL")


def run_private_server(
    install: MySQLInstall, account: Account | None, base: Path, setup: tuple[str, ...]
) -> MySQLServer:
    """Start a server of an install in a free slot; its `close` also stops the server.

    Raises:
        OSError, RuntimeError: the binaries do not work on this machine.
    """
    with ExitStack() as stack:
        private = stack.enter_context(running(_MySQL(install), account, base))
        password = (private.slot / "data" / _PASSWORD).read_text()
        url = f"mysql://lockstep:{password}@127.0.0.1:{private.port}"
        server = MySQLServer(
            url,
            setup=setup,
            description=install.description,
            is_private=True,
            own_notes=private.notes,
        )
        server.when_closed(stack.pop_all().close)
        return server


class _MySQL:
    """The programs of one install."""

    stop = signal.SIGTERM
    connects = False

    def __init__(self, install: MySQLInstall) -> None:
        self._install = install
        self._own = _MYSQL if install.initialiser is None else _MARIADB
        self.folder = f"mysql/{install.key}"

    def initialise(self, new: Path, account: Account | None) -> None:
        data = make_private_directory(new / "data", account)
        temporary = make_private_directory(new / "tmp", account)
        folders = [f"--datadir={data}", f"--tmpdir={temporary}"]
        run([*self._initialiser(), "--no-defaults", *folders, *_STORAGE], account)
        password = secrets.token_urlsafe(24)
        for name, text in ((_PASSWORD, password), (_START, _USERS.format(password=password))):
            file = data / name
            file.touch(mode=0o600)
            file.write_text(text)
            give(file, account)

    def _initialiser(self) -> list[str]:
        if self._install.initialiser is None:
            return [str(self._install.server), "--initialize-insecure", *self._own]
        return [str(self._install.initialiser), "--skip-test-db", "--skip-name-resolve", *self._own]

    def settle(self, data: Path) -> None:
        """Delete the settings of MySQL's SET PERSIST."""
        (data / "mysqld-auto.cnf").unlink(missing_ok=True)

    def command(self, slot: Path, port: int) -> list[str]:
        data = slot / "data"
        command = [str(self._install.server), "--no-defaults", self.mark(data), f"--port={port}"]
        command += [f"--pid-file={self.pid_file(data)}", f"--init-file={data / _START}"]
        # MariaDB deletes all tables there that look temporary when it starts, also other servers'.
        command += [f"--tmpdir={slot / 'tmp'}"]
        return [*command, *_SETTINGS, *_STORAGE, *self._own]

    def mark(self, data: Path) -> str:
        return f"--datadir={data}"

    def pid_file(self, data: Path) -> Path:
        return data / "lockstep.pid"

    def is_ready(self, slot: Path, port: int) -> bool:
        # MariaDB writes two lines, MySQL one.
        log = (slot / "log").read_text(errors="replace")
        return bool(re.search(rf"ready for connections\.\s+Version: .*\bport: {port}\b", log))
