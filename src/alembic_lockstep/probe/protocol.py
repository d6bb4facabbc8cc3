"""Declare the conversation between host and probe: JSON lines over the probe's standard streams.

The host sends one `Request`. The probe sends messages, and waits for the answers to `Connect` (a
`ConnectAnswer`), `TrialStep` (a `TrialAnswer`), `DraftedDatabases` (`Bodies`), `Door` and `Ran`
(both an empty object). The last message is `Done`.

Both sides import this module: with `database_facts.py` it imports nothing but typing, and runs on
Python 3.9.
"""

from __future__ import annotations

from typing import Any, Dict, List, Literal, Mapping, Optional, Tuple, TypedDict, Union

from .database_facts import DatabaseFacts

# Destinations of a connection; the twins of a run are numbered: `twin-1`. During a trial those with
# rows, or those without for comparison, take the place of the scratch databases.
SCRATCH, DECOY, TWIN = "scratch", "decoy", "twin"
ROWS, UNFILLED = "rows", "unfilled"

# Exceptions of the probe's own, as `Error.type`, for which the host has advice.
NO_ALCHEMY_CONFIG = "NoAlchemyConfigError"
NO_METADATA = "NoMetadataError"
NO_MIGRATE = "NoMigrateError"
NOT_MIGRATED = "NotMigratedError"
MISSING_ATTRIBUTE = "MissingAttributeError"

Phase = Literal["start", "env", "start-sql", "upgrade", "create", "compare", "draft"]
TrialPhase = Literal["upgrade", "downgrade", "upgrade-again"]


class StandIn(TypedDict):
    """File that runs before the project; `path` is empty without one."""

    path: str
    text: str


class Folders(TypedDict):
    """Folders that the project may write to: see `isolation.py`."""

    writable: List[str]
    shadow: str
    temporary: str


class Guards(Folders):
    """Guards of the kernel around the probe: see `isolation.py`."""

    files: str
    network: str


class DraftRequest(TypedDict):
    """Migration to write after the comparison.

    Attributes:
        message: As `alembic revision -m`.
        head: As `--head`; empty for the only one.
        version_path: Its version location, from the checkout; empty for the only one.
    """

    message: str
    head: str
    version_path: str


class RunOptions(TypedDict, total=False):
    """Options of one run.

    Attributes:
        applied: Revisions that the database must have already, as the base's models made it.
        compare: Whether to compare the database with the models.
        create: Whether to create the models' tables instead of an upgrade.
        draft: The migration to write; None to write none.
        expects: Circumstances under which the restored snapshot was made; empty without one.
        inert: Facts of migrations that need not be loaded, by path: see `inert_migrations.py`.
        leave_out: Revisions not to run, nor those that build on them.
        phases: Phases of the trial, in which the revisions that ran are tried on tables with rows.
        start_sql: SQL to run before the first revision; empty for none.
        twins: Comparisons of earlier runs, by their `key`.
        upgrade: Whether to run the revisions.
    """

    applied: List[str]
    compare: bool
    create: bool
    draft: Optional[DraftRequest]
    expects: str
    inert: Mapping[str, Mapping[str, Any]]
    leave_out: List[str]
    phases: List[TrialPhase]
    start_sql: str
    twins: Mapping[str, Any]
    upgrade: bool


class RunRequest(RunOptions):
    """Request of a run, without its checkout and guards; all paths are POSIX from the checkout.

    Attributes:
        worktrees: The user's working trees (absolute paths), each with its ignored paths.
        directory: The folder in which the project's command would be run.
        config, section, x: Alembic's `-c`, `-n` and `-x`.
        flask, flask_app: Whether the environment is Flask-Migrate's, and `--app`.
        alchemy, alchemy_config: Whether it is advanced-alchemy's, and `--config` or `--app`.
        paths: Folders of the checkout for `sys.path`.
        worker_thread: Whether env.py has to run in a worker thread of AnyIO.
        env: Variables of the environment.
    """

    worktrees: List[Tuple[str, List[str]]]
    directory: str
    config: str
    section: str
    x: List[str]
    flask: bool
    flask_app: str
    alchemy: bool
    alchemy_config: str
    paths: List[str]
    worker_thread: bool
    env: Dict[str, str]
    stand_in: StandIn
    allow_connect: List[str]
    allow_write: List[str]
    allow_run: List[str]


class Request(RunRequest):
    """First line, from the host; `checkout` is an absolute path."""

    checkout: str
    isolation: Guards


class Connect(TypedDict):
    """Message that asks for a database; `target` is the project's own, without password."""

    event: Literal["connect"]
    destination: str
    dialect: str
    driver: str
    target: str


class ConnectAnswer(TypedDict):
    """Answer to `Connect`.

    Attributes:
        url: The database's URL.
        mark: Comment for roles and databases that the project makes on its server; may be empty.
        is_shared: Whether the server has databases of others: a `Door` is needed.
    """

    url: str
    mark: str
    is_shared: bool


class Door(TypedDict):
    """Message that asks to open or to shut the kernel's guard for a shared server."""

    event: Literal["open", "shut"]
    url: str


class RevisionStarted(TypedDict):
    """Message before a revision runs."""

    event: Literal["revision"]
    id: str
    number: int
    total: int


class TrialStep(TypedDict):
    """Message before a phase of a trial, before its comparison without rows, and after the last."""

    event: Literal["trial"]
    step: Union[TrialPhase, Literal["unfilled", "end"]]


class TrialAnswer(TypedDict):
    """Answer to `TrialStep`: whether the databases are ready for it."""

    goes_on: bool


class DraftedDatabases(TypedDict):
    """Message that asks for the bodies of a migration."""

    event: Literal["draft"]
    databases: List[DatabaseFacts]


class Body(TypedDict):
    """Bodies of a migration's functions for one database, indented but for the first line."""

    upgrade: str
    downgrade: str


class Bodies(TypedDict):
    """Answer to `DraftedDatabases`; databases by their upgrade token."""

    databases: Dict[str, Body]
    imports: List[str]


class Migration(TypedDict):
    """Migration file that was written; its text has surrogates for bytes that are no UTF-8.

    Attributes:
        path: From the checkout.
        note: Why the project's post-write hooks did not run; empty if they did.
    """

    path: str
    text: str
    note: str


class Ran(TypedDict):
    """Message after the project's code has run, before the probe reads files for itself."""

    event: Literal["ran"]


class Frame(TypedDict):
    """Frame of a traceback; `path` is empty outside of the checkout."""

    path: str
    line: int
    function: str


class Error(TypedDict, total=False):
    """Exception that ended a run: see `exceptions.py`.

    Attributes:
        type, message: Of the exception, or of a DBAPI's or import's error that it wraps.
        raised: The type of the exception itself.
        statement: SQL that failed; of a `NOT_MIGRATED` the last SELECT.
        module: Module or distribution that could not be imported.
        variable: Name that `os.environ` lacks.
        attribute: Name that `config.attributes` lacks.
        program: Program that was refused and that the setting allow-run would permit.
        modules: Names of the modules in the traceback, causes included.
    """

    type: str
    raised: str
    message: str
    statement: str
    module: str
    variable: str
    attribute: str
    program: str
    frames: List[Frame]
    modules: List[str]


class Target(TypedDict):
    """Connection of the project that was redirected to the scratch database."""

    dialect: str
    driver: str
    target: str


class Denial(TypedDict):
    """Statement that a server refused for lack of a privilege."""

    dialect: str
    statement: str


class Copy(TypedDict):
    """Module of the tree that was loaded from elsewhere: see `copies.py`."""

    path: str
    loaded: str
    differs: bool


class TrialOutcome(TypedDict, total=False):
    """Failure in a trial; empty if there was none.

    Attributes:
        phase: The phase that failed.
        revision: Revision that was running; empty if env.py failed before the first one.
        error: Its exception.
        fails_unfilled: The phase fails in databases without our rows as well.
        is_about_values: The project's Python read a value in a form that it does not know.
    """

    phase: TrialPhase
    revision: str
    error: Error
    fails_unfilled: bool
    is_about_values: bool


class Progress(TypedDict, total=False):
    """Progress of env.py; absent if the project could not be started.

    Attributes:
        phase: Of the error, if there is one.
        revision: Revision that was running; empty outside of one.
        revisions: Revisions that ran, in order.
        paths: From those to their files.
        transcript: From those to digests of their statements.
        scripts: Files of the history.
        circumstances: Options and models that change the effect of old migrations.
        asked_x: Whether env.py read arguments of `-x`.
        is_stale: Whether the snapshot was made under other circumstances than these.
        extensions: Extensions that `create_all()` needed and the base has no migration for.
        databases: Compared databases.
        migration: The migration that was written; None if none was asked for.
        trial: Failure on tables with rows.
    """

    phase: Phase
    revision: str
    revisions: List[str]
    paths: Dict[str, str]
    transcript: Dict[str, str]
    scripts: List[str]
    circumstances: str
    asked_x: bool
    is_stale: bool
    extensions: List[str]
    databases: List[DatabaseFacts]
    migration: Optional[Migration]
    trial: TrialOutcome


class Outcome(Progress, total=False):
    """Progress of a run, its error, if any, and its connections."""

    error: Error
    connections: List[Target]
    denied: List[Denial]


class Done(Outcome):
    """Last message.

    Attributes:
        refused: Addresses of refused connections.
        refused_writes, refused_programs: Files and programs that were refused.
        worktree: Files of the user's working tree that were loaded as modules.
        flask: The version of Flask; empty if it is not used.
        reads: Files that were read: see `trace.py`.
    """

    event: Literal["done"]
    refused: List[str]
    refused_writes: List[str]
    refused_programs: List[str]
    worktree: List[str]
    copies: List[Copy]
    flask: str
    reads: Dict[str, Any]


Question = Union[Connect, TrialStep, DraftedDatabases, Door, Ran]
Message = Union[Question, RevisionStarted, Done]
