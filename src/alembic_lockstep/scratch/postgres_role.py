"""The role as which the project connects to its scratch databases on PostgreSQL.

It owns them and is no administrator, so it cannot use dblink, COPY … TO PROGRAM or the server's
files.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg import Connection

#: The role of a private server.
PRIVATE = "lockstep_project"
#: By URL, followed by the number of the URL's user: it outlives the run as snapshots do.
BY_URL = "lockstep_project_"

_ATTRIBUTES = """
    SELECT rolcanlogin AND NOT (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication)
        AND rolconfig IS NULL, pg_has_role(current_user, oid, 'USAGE')
    FROM pg_roles WHERE rolname = %s
"""
_MEMBERSHIPS = """
    SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
    JOIN pg_roles p ON p.oid = m.member WHERE p.rolname = %s
"""


@dataclass(frozen=True)
class Role:
    """A role that connects; the password is empty where the server asks for none."""

    name: str
    password: str = ""


def make_private_role(connection: Connection) -> Role:
    """Make the project's role of a private server, or reset it.

    Its password is new each time: a private server belongs to one run.
    """
    from psycopg.sql import SQL, Identifier, Literal

    role = Role(PRIVATE, secrets.token_urlsafe(24))
    name = Identifier(role.name)
    if not connection.execute(_ATTRIBUTES, [role.name]).fetchone():
        connection.execute(SQL("CREATE ROLE {}").format(name))
    rights = "LOGIN NOSUPERUSER CREATEDB CREATEROLE NOREPLICATION NOBYPASSRLS INHERIT"
    limits = " CONNECTION LIMIT -1 VALID UNTIL 'infinity' PASSWORD {}"
    alter = SQL("ALTER ROLE {} " + rights + limits)
    connection.execute(alter.format(name, Literal(role.password)))
    connection.execute(SQL("ALTER ROLE {} RESET ALL").format(name))
    for (group,) in connection.execute(_MEMBERSHIPS, [role.name]).fetchall():
        connection.execute(SQL("REVOKE {} FROM {}").format(Identifier(group), name))
    return role


def set_superuser(connection: Connection, role: Role, *, is_superuser: bool) -> None:
    """Make a role of a private server a superuser, or an ordinary role again."""
    from psycopg.sql import SQL, Identifier

    right = "SUPERUSER" if is_superuser else "NOSUPERUSER"
    connection.execute(SQL("ALTER ROLE {} " + right).format(Identifier(role.name)))


def role_by_url(connection: Connection) -> str:
    """Return the name of the role for the user of a connection."""
    query = "SELECT to_hex(oid::bigint) FROM pg_roles WHERE rolname = current_user"
    row = connection.execute(query).fetchone()
    assert row is not None
    return f"{BY_URL}{row[0]}"


def make_role_by_url(connection: Connection) -> Role:
    """Make the project's role on a server that is not ours; one for each user of the server.

    Runs share it, so it is altered only where it has to be. Its password is derived from the
    user's: if the user has none, the role has none and connects only where no password is asked.

    Raises:
        psycopg.Error: the user may not make one.
    """
    import psycopg
    from psycopg.sql import SQL, Identifier

    role = Role(role_by_url(connection), _derived(connection.info.password))
    name = Identifier(role.name)
    facts = connection.execute(_ATTRIBUTES, [role.name]).fetchone()
    if facts is None:
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            connection.execute(SQL("CREATE ROLE {} LOGIN").format(name))
            set_password(connection, role)
        facts = connection.execute(_ATTRIBUTES, [role.name]).fetchone() or (False, False)
    is_plain, is_member = facts
    if not is_member:
        connection.execute(SQL("GRANT {} TO CURRENT_USER").format(name))
    if not is_plain:
        rights = "LOGIN NOCREATEROLE NOCREATEDB"
        connection.execute(SQL("ALTER ROLE {} " + rights).format(name))
        connection.execute(SQL("ALTER ROLE {} RESET ALL").format(name))
    return role


def set_password(connection: Connection, role: Role) -> None:
    """Set the role's password again, which the project may have changed."""
    from psycopg.sql import SQL, Identifier, Literal

    password = Literal(role.password or None)
    alter = SQL("ALTER ROLE {} PASSWORD {}").format(Identifier(role.name), password)
    connection.execute(alter)


def drop_role_by_url(connection: Connection) -> None:
    """Drop the role, unless it owns something: a run may be using it."""
    import psycopg
    from psycopg.sql import SQL, Identifier

    name = Identifier(role_by_url(connection))
    with suppress(psycopg.Error):
        connection.execute(SQL("DROP ROLE IF EXISTS {}").format(name))


def _derived(password: str) -> str:
    if not password:
        return ""
    return hashlib.sha256(f"alembic-lockstep\0{password}".encode()).hexdigest()
