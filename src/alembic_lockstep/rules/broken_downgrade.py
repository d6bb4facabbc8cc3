"""broken-downgrade: the way back fails, leaves something behind, or does not bring all back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from alembic_lockstep.alembic_env.revisions import Revision
from alembic_lockstep.dryrun.trial_facts import RowChangeFacts
from alembic_lockstep.facts import Facts
from alembic_lockstep.findings import Finding
from alembic_lockstep.pysource.migration import find_in_migration
from alembic_lockstep.pysource.row_statements import deletes, writes
from alembic_lockstep.report.text import listed
from alembic_lockstep.rules.lost_rows import changed_rows
from alembic_lockstep.rules.migration_lines import (
    dialect_of,
    error_text,
    failing_line,
    function_line,
    mark,
    trial_of,
    tried_revisions,
)
from alembic_lockstep.rules.unsafe_upgrade import failure_hint, failure_text

RULE = "broken-downgrade"

_THING = re.compile(r"(?P<kind>.+?) (?P<name>[^\s,(]+)(?: (?:on|of) (?P<table>[^\s,]+))?")
# What exists already, in the words of the servers.
_EXISTS = re.compile(
    r"(?i)(?:column|type|relation|table|index|constraint|schema|function) [\"'`]?([^\"'` ]+)[\"'`]?"
    r"(?: (?:of|for) relation \S+)? already exists"
    r"|duplicate (?:column|key) name:? '?([^' \")]+)"
)
_NAMELESS = re.compile(r"\bdrop_constraint\(\s*(?:constraint_name\s*=\s*)?None\b")
_NAME_IT = "Give the constraint a name where upgrade() makes it, and the same name here."
_NO_WAY_BACK = "If there is no way back, write in downgrade(): raise NotImplementedError"


def check(facts: Facts) -> list[Finding]:
    """Return the findings about the way back of the new migrations."""
    return list(_WayBack(facts).findings())


@dataclass
class _WayBack:
    """The downgrade of a trial, and the second upgrade."""

    facts: Facts
    revisions: list[Revision] = field(init=False)

    def __post_init__(self) -> None:
        self.trial = trial_of(self.facts)
        self.revisions = tried_revisions(self.facts, self.trial.get("revisions", []))
        one_way = self.trial.get("one_way", [])
        self._empty = [
            revision
            for revision in self.revisions
            if revision.id in self.trial.get("empty_downgrades", []) and revision.id not in one_way
        ]

    def findings(self) -> Iterator[Finding]:
        """Yield the findings, empty downgrades first, which explain the rest."""
        if self.trial.get("phase") == "upgrade":
            return
        yield from map(self._empty_downgrade, self._empty)
        if self.trial.get("phase") == "downgrade":
            yield from self._failed_downgrade()
            return
        if self._is_one_way(self.revisions):
            return
        remainders = self._by_revision(self.trial.get("left", []))
        yield from (self._left(revision, things) for revision, things in remainders)
        lost = self._by_revision(self.trial.get("lost", []))
        yield from (self._lost(revision, things) for revision, things in lost)
        yield from self._changed_rows()
        if self.trial.get("phase") == "upgrade-again":
            yield from self._failed_again(remainders)
        elif self.trial.get("differs_again") and not remainders and not lost and not self._empty:
            yield self._finding(
                self.revisions[-1],
                "down and up again, the schema differs from what the first upgrade made: "
                f"{listed(self.trial['differs_again'])}",
                mark(RULE, "If that is harmless"),
            )

    def _is_one_way(self, revisions: Sequence[Revision]) -> bool:
        one_way = self.trial.get("one_way", [])
        return not revisions or any(revision.id in one_way for revision in revisions)

    def _empty_downgrade(self, revision: Revision) -> Finding:
        return self._finding(
            revision,
            f"downgrade() of {revision.id} is empty, and its upgrade() is not",
            f"Undo in downgrade() what upgrade() does.\n{_NO_WAY_BACK}",
        )

    def _failed_downgrade(self) -> Iterator[Finding]:
        error, name = self.trial["error"], self.trial.get("revision", "")
        if name in self.trial.get("one_way", []):
            return
        location = failing_line(self.facts, name, error)
        text = self.facts.tree.read(location.path) or ""
        action = f"downgrade() of {name}" if name else "the downgrade"
        cause = (
            f", and downgrade() of {listed(revision.id for revision in self._empty)} did nothing"
            if self._empty
            else ""
        )
        failure = failure_text(error)
        hint = failure_hint(error, dialect_of(self.facts), text, RULE)
        if _NAMELESS.search(location.source):
            failure = "drop_constraint() is given no name"
            hint = f"{error_text(error)}\n{_NAME_IT}"
        yield Finding(
            RULE,
            f"{action} fails: {failure}{cause}",
            location,
            self.facts.environment.name,
            hint=f"{hint}\n{_NO_WAY_BACK}",
        )

    def _left(self, revision: Revision, things: Sequence[str]) -> Finding:
        fixes = [self._dropping(thing) for thing in things]
        code = "\n".join(filter(None, fixes))
        hint = f"Write at the end of downgrade():\n{code}" if code else "Drop it in downgrade()."
        return self._finding(
            revision,
            f"downgrade() of {revision.id} leaves {listed(things)} behind",
            f"{hint}\n{mark(RULE, 'If it may stay')}",
        )

    def _lost(self, revision: Revision, things: Sequence[str]) -> Finding:
        return self._finding(
            revision,
            f"downgrade() of {revision.id} does not bring back {listed(things)}",
            f"Make in downgrade() what upgrade() dropped.\n{mark(RULE, 'If it may be gone')}",
        )

    def _changed_rows(self) -> Iterator[Finding]:
        for change in self.trial.get("changes_back", []):
            if not self._is_intended(change) and not self._is_of_type(change):
                revision = self._about(change["table"], change["column"])
                yield self._finding(
                    revision,
                    f"up and down again, {revision.id} {changed_rows(change)}",
                    "Bring back in downgrade() what upgrade() did to the values.\n"
                    f"{mark(RULE, 'If they may change')}",
                )

    def _is_of_type(self, change: RowChangeFacts) -> bool:
        """Return whether the type that a column does not get back explains its values."""
        changed = f"column {change['table']}.{change['column']} was "
        return any(thing.startswith(changed) for thing in self.trial.get("lost", []))

    def _is_intended(self, change: RowChangeFacts) -> bool:
        """Return whether the upgrade or the way back is meant to change or delete these rows."""
        for revision in self.revisions:
            text = self.facts.tree.read(revision.path) or ""
            for back in (False, True):
                if change["kind"] in ("rows-vanished", "table-dropped"):
                    if deletes(text, change["table"], back=back):
                        return True
                elif writes(text, change["table"], change["column"], back=back):
                    return True
        return False

    def _failed_again(self, remainders: Sequence[tuple[Revision, list[str]]]) -> Iterator[Finding]:
        error, name = self.trial["error"], self.trial.get("revision", "")
        if self._empty:
            return  # an upgrade without a way back cannot run twice
        revision = next((each for each in self.revisions if each.id == name), self.revisions[-1])
        name_of_thing = _existing_name(str(error["message"]))
        left = [words for each, things in remainders if each is revision for words in things]
        if name_of_thing and any(name_of_thing in re.split(r"[ .]", words) for words in left):
            return
        thing = f"type {name_of_thing}" if "type " in str(error["message"]) else ""
        fix = self._dropping(thing) if thing else ""
        hint = f"Write at the end of downgrade():\n{fix}" if fix else "Undo it in downgrade()."
        if "enum label" in str(error["message"]):
            hint = "PostgreSQL cannot remove a label. Write ADD VALUE IF NOT EXISTS in upgrade()."
        finding = self._finding(
            revision,
            f"upgrade() of {revision.id} fails after its downgrade(): {error_text(error)}",
            f"{hint}\n{mark(RULE, 'If nobody goes back')}",
        )
        yield replace(finding, related=(failing_line(self.facts, name, error),))

    def _finding(self, revision: Revision, message: str, hint: str) -> Finding:
        location = function_line(self.facts, revision, "downgrade")
        return Finding(RULE, message, location, self.facts.environment.name, hint=hint)

    def _by_revision(self, things: Sequence[str]) -> list[tuple[Revision, list[str]]]:
        """Return things by the revisions that name them, without those of an empty downgrade()."""
        groups: dict[str, list[str]] = {}
        for thing in things:
            match = _THING.fullmatch(thing)
            name = match["name"] if match else thing
            table, _, column = name.rpartition(".")
            revision = self._about(table, column) if table else self._about(name, "")
            groups.setdefault(revision.id, []).append(thing)
        by_id = {revision.id: revision for revision in self.revisions}
        empty = {revision.id for revision in self._empty}
        return [(by_id[name], group) for name, group in groups.items() if name not in empty]

    def _about(self, table: str, column: str) -> Revision:
        """Return the revision that names a thing, or else the last one."""
        for name in dict.fromkeys((column, "")):
            for revision in self.revisions:
                text = self.facts.tree.read(revision.path) or ""
                if find_in_migration(text, table, name) and (name or table) in text:
                    return revision
        named = (
            each for each in self.revisions if table in (self.facts.tree.read(each.path) or "")
        )
        return next(named, self.revisions[-1])

    def _dropping(self, thing: str) -> str:
        """Return the code that drops a thing; empty if its words do not say enough."""
        match = _THING.fullmatch(thing)
        if match is None:
            return ""
        kind, name = match["kind"], match["name"]
        table, _, column = name.rpartition(".")
        schema, _, bare = name.rpartition(".")
        within = f", schema={schema!r}" if schema else ""
        if kind in ("type", "enum type", "sequence", "domain"):
            word = "TYPE" if "type" in kind else kind.upper()
            quoted = ".".join(_quoted(part) for part in name.split("."))
            return f"op.execute({_literal(f'DROP {word} {quoted}')})"
        if kind == "table":
            return f"op.drop_table({bare!r}{within})"
        if kind == "column" and table:
            schema, _, bare = table.rpartition(".")
            within = f", schema={schema!r}" if schema else ""
            return f"op.drop_column({bare!r}, {column!r}{within})"
        if kind == "index":
            on = match["table"] or table
            return f"op.drop_index({column!r}{_in_table(on, 'table_name=')})"
        constraints = ("unique", "check", "foreign key", "exclusion")
        if kind in constraints and match["table"] and dialect_of(self.facts) != "sqlite":
            return f"op.drop_constraint({name!r}{_in_table(match['table'])})"
        return ""


def _existing_name(message: str) -> str:
    match = _EXISTS.search(message)
    name = next(filter(None, match.groups()), "") if match else ""
    return name.rpartition(".")[2]


def _in_table(table: str, parameter: str = "") -> str:
    """Return the arguments that name the table of an index or a constraint."""
    schema, _, bare = table.rpartition(".")
    within = f", schema={schema!r}" if schema else ""
    return f", {parameter}{bare!r}{within}" if bare else ""


def _quoted(name: str) -> str:
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else f'"{name}"'


def _literal(text: str) -> str:
    return repr(text) if '"' in text else f'"{text}"'
