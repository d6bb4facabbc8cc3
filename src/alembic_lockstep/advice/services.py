"""Advice on services that a project asks while it starts: stand-ins for vaults and their kind."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from pathlib import Path

from alembic_lockstep.config import Settings
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.pathspec import add_command
from alembic_lockstep.git.tree import Tree

_FILE = "lockstep_stand_in.py"

# By modules of clients, the lines that answer for them; the first that fits counts.
_ANSWERS = {
    "botocore": """\
import os
from botocore.client import BaseClient
os.environ.update(AWS_DEFAULT_REGION="us-east-1", AWS_ACCESS_KEY_ID="-", AWS_SECRET_ACCESS_KEY="-")
ANSWER = {"SecretString": '{"username": "-", "password": "-"}', "Parameter": {"Value": "-"}}
BaseClient._make_api_call = lambda self, operation, parameters: ANSWER
""",
    "hvac": """\
from hvac.adapters import JSONAdapter
ANSWER = {"data": {"data": {"password": "-"}}, "auth": {"client_token": "-"}}
JSONAdapter.request = lambda self, *arguments, **options: ANSWER
""",
    "google.cloud.secretmanager": """\
from unittest.mock import MagicMock
from google.cloud import secretmanager
secretmanager.SecretManagerServiceClient = MagicMock()
CLIENT = secretmanager.SecretManagerServiceClient.return_value
CLIENT.access_secret_version.return_value.payload.data = b"-"
""",
    "google.auth": """\
import google.auth
from google.auth.credentials import AnonymousCredentials
google.auth.default = lambda *arguments, **options: (AnonymousCredentials(), "dry-run")
""",
    "azure": """\
from unittest.mock import MagicMock
from azure.keyvault import secrets
secrets.SecretClient = MagicMock()
secrets.SecretClient.return_value.get_secret.return_value.value = "-"
""",
}
_ANY = """\
import module.that.asks
module.that.asks.function = lambda *arguments, **options: "an answer"
"""


def with_stand_in(settings: Settings, tree: Tree, root: Path) -> Settings:
    """Return the settings with the text of the stand-in that they name.

    Args:
        root: The working tree's top folder.

    Raises:
        CouldNotJudge: The tree has no such file.
    """
    if not settings.stand_in:
        return settings
    path = posixpath.normpath(settings.stand_in)
    text = tree.read(path)
    if text is None:
        is_here = (root / path).is_file()
        raise CouldNotJudge(
            f"the setting 'stand-in' names {path}, which is not in the commit",
            fix=add_command([path]) if is_here else f"Write {path}, or unset stand-in.",
        )
    return replace(settings, stand_in=path, stand_in_text=text)


def stand_in_advice(seen: Observation, *, is_refused: bool) -> str:
    """Return how to answer for the service that a project asked; "" where it asked none.

    Args:
        is_refused: The failure names a connection that was refused.
    """
    # Also without a refusal: a client without credentials fails before it connects.
    modules = seen.error.get("modules", ())
    answer = next((_ANSWERS[name] for name in _ANSWERS if _is_in(name, modules)), "")
    if not answer and not (is_refused and seen.phase in ("start", "env")):
        return ""
    code = (answer or _ANY).rstrip()
    if seen.stand_in:
        named = f"A dry run contacts no service. In {seen.stand_in}"
    else:
        named = (
            "A dry run contacts no service: replace it in a file that runs before the project. "
            f'In pyproject.toml:\n[tool.alembic-lockstep]\nstand-in = "{_FILE}"\nIn {_FILE}'
        )
    return f"{named}, with values that the code accepts:\n{code}"


def _is_in(package: str, modules: list[str]) -> bool:
    return any(f"{name}.".startswith((f"{package}.", f"{package}_")) for name in modules)
