"""A service that cannot be asked is answered for: by lines for its client that are valid Python."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from alembic_lockstep.advice.hints import hint
from alembic_lockstep.dryrun.observation import Observation

SETTING = 'In pyproject.toml:\n[tool.alembic-lockstep]\nstand-in = "lockstep_stand_in.py"\n'


def failed(*modules: str, refused: tuple[str, ...] = (), **facts: Any) -> Observation:
    message = f"could not reach {facts.pop('host', '')}"
    error = {
        "type": "Error",
        "message": message,
        "modules": modules,
        "variable": "",
        "statement": "",
    }
    return Observation(error=error, phase="env", refused=refused, **facts)


def code_of(advice: str) -> str:
    return advice.partition(" with values that the code accepts:\n")[2].partition("\nOr, ")[0]


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("botocore.endpoint", "from botocore.client import BaseClient"),
        ("hvac.adapters", "from hvac.adapters import JSONAdapter"),
        ("google.cloud.secretmanager_v1.services", "from google.cloud import secretmanager"),
        ("google.auth._default", "import google.auth"),
        ("azure.core.pipeline", "from azure.keyvault import secrets"),
    ],
)
def test_a_client_is_replaced(module: str, line: str) -> None:
    advice = hint(failed("settings", module))
    assert advice.startswith("A dry run contacts no service: ")
    assert SETTING in advice
    assert line in code_of(advice).splitlines()
    ast.parse(code_of(advice))


def test_a_client_that_was_refused_may_be_allowed_instead() -> None:
    advice = hint(failed("hvac.adapters", refused=("vault.test:8200",), host="vault.test"))
    assert SETTING in advice
    assert advice.endswith('[tool.alembic-lockstep]\nallow-connect = ["vault.test:8200"]')


def test_any_other_service_has_the_setting_too() -> None:
    advice = hint(failed(refused=("config.test:80",), host="config.test"))
    assert SETTING in advice
    ast.parse(code_of(advice))
    assert 'allow-connect = ["config.test:80"]' in advice


def test_a_stand_in_that_there_is_gets_more_lines() -> None:
    advice = hint(failed("hvac.adapters", stand_in="tools/a.py"))
    assert advice.startswith("A dry run contacts no service. In tools/a.py, with values")
    assert "stand-in =" not in advice


@pytest.mark.parametrize("modules", [(), ("hvacuum.client",), ("botocorex",)])
def test_other_failures_have_none(modules: tuple[str, ...]) -> None:
    assert "stand-in" not in hint(failed(*modules))


def test_a_file_is_no_service() -> None:
    assert "stand-in" not in hint(failed(refused=("shop.db",), host="shop.db"))
