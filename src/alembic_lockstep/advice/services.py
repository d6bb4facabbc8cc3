"""Advise on services that a project contacts while it starts: stand-ins for vaults, say."""

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

# From a client's module to the lines that replace it; the first that fits counts.
_STAND_INS = {
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
_ANY_STAND_IN = """\
import module.that.asks
module.that.asks.function = lambda *arguments, **options: "an answer"
"""


def with_stand_in(settings: Settings, tree: Tree, root: Path) -> Settings:
    """Return the settings with the text of the stand-in file that they name.

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
        is_on_disk = (root / path).is_file()
        raise CouldNotJudge(
            f"the setting 'stand-in' names {path}, which is not in the commit",
            fix=add_command([path]) if is_on_disk else f"Write {path}, or unset stand-in.",
        )
    return replace(settings, stand_in=path, stand_in_text=text)


def stand_in_advice(observation: Observation, *, is_refused: bool) -> str:
    """Return how to replace the service that a project contacted; "" where it contacted none.

    Args:
        is_refused: The error names a connection that was refused.
    """
    # Without a refusal too: a client without credentials fails before it connects.
    modules = observation.error.get("modules", ())
    answer = next((_STAND_INS[name] for name in _STAND_INS if _is_in(name, modules)), "")
    if not answer and not (is_refused and observation.phase in ("start", "env")):
        return ""
    code = (answer or _ANY_STAND_IN).rstrip()
    if observation.stand_in:
        instruction = f"A dry run contacts no service. In {observation.stand_in}"
    else:
        instruction = (
            "A dry run contacts no service: replace it in a file that runs before the project. "
            f'In pyproject.toml:\n[tool.alembic-lockstep]\nstand-in = "{_FILE}"\nIn {_FILE}'
        )
    return f"{instruction}, with values that the code accepts:\n{code}"


def _is_in(package: str, modules: list[str]) -> bool:
    return any(f"{name}.".startswith((f"{package}.", f"{package}_")) for name in modules)
