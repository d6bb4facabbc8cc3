"""What a CI's job needs that this machine has: a database server, variables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Service:
    """A server in a container beside the job.

    Attributes:
        variables: Of the container.
        health: The command that tells whether it answers.
        url: The scratch server, with `{host}`.
    """

    name: str
    image: str
    port: int
    variables: Mapping[str, str]
    health: str
    url: str


SERVICES = {
    one.name: one
    for one in (
        Service(
            "mysql",
            "mysql:8.4",
            3306,
            {"MYSQL_ALLOW_EMPTY_PASSWORD": "1"},
            "mysqladmin ping -h 127.0.0.1",
            "mysql+pymysql://root@{host}:3306/mysql",
        ),
        Service(
            "mariadb",
            "mariadb:11.4",
            3306,
            {"MARIADB_ALLOW_EMPTY_ROOT_PASSWORD": "1"},
            "healthcheck.sh --connect --innodb_initialized",
            "mariadb+pymysql://root@{host}:3306/mysql",
        ),
        Service(
            "postgresql",
            "postgres:17",
            5432,
            {"POSTGRES_PASSWORD": "scratch"},
            "pg_isready",
            "postgresql://postgres:scratch@{host}:5432/postgres",
        ),
    )
}
SCRATCH = "ALEMBIC_LOCKSTEP_SCRATCH"
# Every machine has these, or the CI sets its own.
_OF_THE_MACHINE = re.compile(
    r"(?i)(CI|EDITOR|HOME|HOSTNAME|LANG|LOGNAME|MAIL|NAME|PAGER|PATH|PWD|SHELL|TEMP|TERM|TMP|TMPDIR"
    r"|TZ|USER|USERNAME|VIRTUAL_ENV|_)|(ALEMBIC_LOCKSTEP|CONDA|GIT|GITHUB|GITLAB|LC|PIP|PRE_COMMIT"
    r"|PYTHON|SSH|UV|XDG)_?[A-Z_]*"
)


@dataclass(frozen=True)
class Needs:
    """What a job needs: containers by their names in `SERVICES`, and variables of the project."""

    services: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    def job_variables(self, host: str = "") -> dict[str, str]:
        """Return the variables of the job; `host` is that of all servers, else their names."""
        urls = [SERVICES[one].url.format(host=host or one) for one in self.services]
        return dict(self.variables) | ({SCRATCH: " ".join(urls)} if urls else {})

    def for_github(self) -> str:
        """Return the key `services` of a GitHub job; empty if there are none."""
        blocks = "".join(_github(SERVICES[one]) for one in self.services)
        return f"    services:\n{blocks}" if blocks else ""

    def for_gitlab(self) -> str:
        """Return a GitLab job that is merged into the component's; empty if nothing is needed."""
        names = "".join(
            f"    - name: {SERVICES[one].image}\n      alias: {one}\n" for one in self.services
        )
        own = {
            name: text for one in self.services for name, text in SERVICES[one].variables.items()
        }
        lines = variable_lines({**own, **self.job_variables()}, "    ")
        blocks = [f"  services:\n{names}" if names else "", lines and f"  variables:\n{lines}"]
        return f"alembic-lockstep:\n{''.join(blocks)}" if any(blocks) else ""


def _github(service: Service) -> str:
    options = f'--health-cmd "{service.health}" --health-interval 2s --health-retries 60'
    return (
        f"      {service.name}:\n        image: {service.image}\n        env:\n"
        + variable_lines(service.variables, "          ")
        + f'        ports: ["{service.port}:{service.port}"]\n'
        + f"        options: >-\n          {options}\n"
    )


def variable_lines(variables: Mapping[str, str], indent: str) -> str:
    """Return variables as a block of YAML."""
    return "".join(f"{indent}{name}: {json.dumps(text)}\n" for name, text in variables.items())


def variables_used(environ: Mapping[str, str], texts: Iterable[str]) -> dict[str, str]:
    """Return the variables that a project's own files name, with values that reveal nothing.

    Args:
        environ: All that are set where the project could be run.
        texts: The project's files that say what it reads.
    """
    names = [name for name in environ if not _OF_THE_MACHINE.fullmatch(name)]
    joined = "\n".join(texts)
    return {name: harmless_value(environ[name]) for name in _named(names, joined)}


def _named(names: Iterable[str], text: str) -> Iterator[str]:
    for name in sorted(names):
        quoted = rf"[\"']{re.escape(name)}[\"']"
        # A field of a settings class is called like the variable, in small letters.
        as_field = rf"^\s+(?i:{re.escape(name)})\s*[:=]"
        if re.search(f"{quoted}|{as_field}" if "_" in name else quoted, text, re.MULTILINE):
            yield name


def harmless_value(value: str) -> str:
    """Return a value of the same kind; a dry run contacts nobody, so no secret is needed."""
    scheme, separator, _ = value.partition("://")
    if separator and re.fullmatch(r"[\w+.-]+", scheme):
        return f"{scheme}:///dry-run.db" if scheme.startswith("sqlite") else f"{scheme}://u:p@h/d"
    if re.fullmatch(r"(?i)\d{1,6}|true|false|yes|no|on|off|", value):
        return value
    return "dry-run"


def names_in(dotenv: str) -> dict[str, str]:
    """Return the variables of a `.env` file."""
    found = re.findall(r"(?m)^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=[ \t]*(.*)$", dotenv)
    return {name: text.strip().strip("\"'") for name, text in found}
