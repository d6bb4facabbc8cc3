"""The command `rule`: print the page of a rule."""

from __future__ import annotations

import click

from alembic_lockstep.exit_codes import CLEAN


@click.command()
@click.argument("name", required=False)
def rule(name: str | None) -> int:
    """Print a rule's page, or the list of rules."""
    from alembic_lockstep.pages import rule_names, rule_page

    if name is not None and name not in rule_names():
        from alembic_lockstep.config import did_you_mean

        raise click.UsageError(f"no rule is called '{name}'{did_you_mean(name, rule_names())}")
    click.echo("\n".join(rule_names()) if name is None else rule_page(name))
    return CLEAN
