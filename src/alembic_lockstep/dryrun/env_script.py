"""Advice on an env.py that fails for the project's own command, too."""

from __future__ import annotations

import re

from alembic_lockstep.dryrun.observation import Observation

# What `fileConfig()` looks for first.
_SECTIONS = ("'formatters'", "'loggers'", "'handlers'")
_ATTRIBUTE = re.compile(r"config\.attributes has no (?P<name>'[^']*')")


def of_env_script(seen: Observation) -> str:
    """Return lines for env.py; "" where it is not what fails."""
    message, kind = str(seen.error["message"]), seen.error["type"]
    if kind == "KeyError" and message in _SECTIONS:
        return (
            "fileConfig() reads logging sections that the .ini file lacks, so `alembic upgrade` "
            "fails likewise. In env.py:\n"
            'if config.file_config.has_section("formatters"):\n'
            "    fileConfig(config.config_file_name)"
        )
    attribute = _ATTRIBUTE.match(message) if kind == "MissingAttributeError" else None
    if attribute:
        return (
            "Have env.py do without it, as `alembic upgrade` needs too, and connect by itself "
            f"where this is None:\nconfig.attributes.get({attribute['name']})"
        )
    return ""
