"""Describe what a CI job needs and this machine has: database servers, variables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from alembic_lockstep.advice.database_servers import DATABASE_SERVERS, DatabaseServer

SCRATCH = "ALEMBIC_LOCKSTEP_SCRATCH"
# Variables that every machine has, or that the CI sets itself.
_MACHINE_VARIABLES = re.compile(
    r"(?i)(CI|EDITOR|HOME|HOSTNAME|LANG|LOGNAME|MAIL|NAME|PAGER|PATH|PWD|SHELL|TEMP|TERM|TMP|TMPDIR"
    r"|TZ|USER|USERNAME|VIRTUAL_ENV|_)|(ALEMBIC_LOCKSTEP|CONDA|GIT|GITHUB|GITLAB|LC|PIP|PRE_COMMIT"
    r"|PYTHON|SSH|UV|XDG)_?[A-Z_]*"
)


@dataclass(frozen=True)
class Needs:
    """Needs of a CI job.

    Attributes:
        services: The dialects of the database servers to start, as in `DATABASE_SERVERS`.
        variables: The project's environment variables.
    """

    services: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    def job_variables(self, host: str = "") -> dict[str, str]:
        """Return the variables of the job.

        Args:
            host: The host of all servers; "" where each has its own name.
        """
        urls = [
            server.url(host or server.dialect, password=server.password) for server in self._servers
        ]
        return dict(self.variables) | ({SCRATCH: " ".join(urls)} if urls else {})

    def for_github(self) -> str:
        """Return the key `services` of a GitHub job; "" without any."""
        blocks = "".join(map(_github_service, self._servers))
        return f"    services:\n{blocks}" if blocks else ""

    def for_gitlab(self) -> str:
        """Return a GitLab job to merge into the component's; "" if nothing is needed."""
        names = "".join(
            f"    - name: {server.image}\n      alias: {server.dialect}\n"
            for server in self._servers
        )
        own = {name: text for server in self._servers for name, text in server.variables.items()}
        lines = variable_lines({**own, **self.job_variables()}, "    ")
        blocks = [f"  services:\n{names}" if names else "", lines and f"  variables:\n{lines}"]
        return f"alembic-lockstep:\n{''.join(blocks)}" if any(blocks) else ""

    @property
    def _servers(self) -> list[DatabaseServer]:
        return [DATABASE_SERVERS[dialect] for dialect in self.services]


def _github_service(server: DatabaseServer) -> str:
    options = f'--health-cmd "{server.health}" --health-interval 2s --health-retries 60'
    return (
        f"      {server.dialect}:\n        image: {server.image}\n        env:\n"
        + variable_lines(server.variables, "          ")
        + f'        ports: ["{server.port}:{server.port}"]\n'
        + f"        options: >-\n          {options}\n"
    )


def variable_lines(variables: Mapping[str, str], indent: str) -> str:
    """Return a block of YAML with a line for each variable."""
    return "".join(f"{indent}{name}: {json.dumps(text)}\n" for name, text in variables.items())


def variables_used(environ: Mapping[str, str], texts: Iterable[str]) -> dict[str, str]:
    """Return the variables that a project's own files name, with values that reveal nothing.

    Args:
        environ: The environment in which the first check ran.
        texts: The texts of the project's files that may read variables.
    """
    names = [name for name in environ if not _MACHINE_VARIABLES.fullmatch(name)]
    joined = "\n".join(texts)
    return {name: harmless_value(environ[name]) for name in _named(names, joined)}


def _named(names: Iterable[str], text: str) -> Iterator[str]:
    for name in sorted(names):
        quoted = rf"[\"']{re.escape(name)}[\"']"
        # A field of a settings class has the variable's name in lower case.
        as_field = rf"^\s+(?i:{re.escape(name)})\s*[:=]"
        if re.search(f"{quoted}|{as_field}" if "_" in name else quoted, text, re.MULTILINE):
            yield name


def harmless_value(value: str) -> str:
    """Return a value of the same kind without the secret: dry runs contact no server."""
    scheme, separator, _ = value.partition("://")
    if separator and re.fullmatch(r"[\w+.-]+", scheme):
        return f"{scheme}:///dry-run.db" if scheme.startswith("sqlite") else f"{scheme}://u:p@h/d"
    if re.fullmatch(r"(?i)\d{1,6}|true|false|yes|no|on|off|", value):
        return value
    return "dry-run"


def dotenv_variables(text: str) -> dict[str, str]:
    """Return the variables that the text of a `.env` file sets."""
    pairs = re.findall(r"(?m)^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=[ \t]*(.*)$", text)
    return {name: value.strip().strip("\"'") for name, value in pairs}
