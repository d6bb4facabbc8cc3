"""Write a migration file as `alembic revision --autogenerate` does, with bodies of the host's.

Alembic's own RevisionContext calls the project's hooks and renders its template.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Sequence

from alembic import util
from alembic.autogenerate.api import RevisionContext
from alembic.config import Config
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory, write_hooks

from .channel import Channel, relative
from .database_facts import DatabaseFacts
from .protocol import Migration, Request

# Stands for what autogenerate does not see: hooks take a migration without operations away.
_UNSEEN = ops.ExecuteSQLOp("SELECT 1")


class Draft:
    """Migration to be written into the checkout.

    Attributes:
        template_args: Variables of the template, to which env.py may add its own.
    """

    def __init__(self, config: Config, script: ScriptDirectory, request: Request) -> None:
        draft = request["draft"]
        assert draft is not None
        self._script = script
        self._checkout = request["checkout"]
        folder = draft["version_path"]
        self._context = RevisionContext(
            config,
            script,
            {
                "message": draft["message"],
                "sql": False,
                "rev_id": None,
                "head": draft["head"] or "head",
                "splice": False,
                "branch_label": None,
                "version_path": os.path.join(self._checkout, folder) if folder else None,
                "depends_on": None,
            },
            process_revision_directives=self._fill,
        )
        self._script_directive = self._context.generated_revisions[0]
        self._tokens: Dict[str, str] = {}
        self.template_args: Dict[str, Any] = self._context.template_args

    def note(self, context: MigrationContext) -> None:
        """Have the project's hooks process the migration of a database that is at the heads."""
        self._tokens[context.opts["upgrade_token"]] = context.opts["downgrade_token"]
        self._context.run_autogenerate(self._script.get_heads(), context)
        # Of a project whose hook takes away whatever it does not know.
        self._context.generated_revisions = self._context.generated_revisions or [
            self._script_directive
        ]

    def _fill(self, _context: Any, _revision: Any, directives: List[Any]) -> None:
        for directive in directives:
            operations = directive.upgrade_ops_list[-1].ops
            if not operations:
                operations.append(_UNSEEN)

    def write(self, channel: Channel, databases: Sequence[DatabaseFacts]) -> Migration:
        """Ask the host for the bodies, write the file, and return its text.

        Raises:
            CommandError: the project's hook makes several migrations, or no file was written.
        """
        if len(self._context.generated_revisions) > 1:
            raise util.CommandError("process_revision_directives makes several migrations")
        (directive,) = self._context.generated_revisions
        directive._needs_render = False
        bodies = channel.bodies({"event": "draft", "databases": list(databases)})
        for token, body in bodies["databases"].items():
            self.template_args[token] = body["upgrade"]
            self.template_args[self._tokens[token]] = body["downgrade"]
        self.template_args["imports"] = "\n".join(self._lacking(bodies["imports"]))
        hooks, self._script.hooks = getattr(self._script, "hooks", []), []
        (script,) = self._context.generate_scripts()
        if script is None:
            raise util.CommandError("file_template gives the file a name that Alembic passes over")
        path = str(script.path)
        note = ""
        if hooks:
            try:
                write_hooks._run_hooks(path, hooks)
            except Exception as error:  # of a program that is missing, or that a guard refuses
                note = f"post_write_hooks failed: {error}"
        text = _read(path)
        os.unlink(path)
        return {"path": relative(path, self._checkout), "text": text, "note": note}

    def _lacking(self, imports: Sequence[str]) -> List[str]:
        """Return the imports that the project's template does not have."""
        template = _read(os.path.join(self._script.dir, "script.py.mako")).splitlines()
        return [line for line in imports if line not in template]


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()
