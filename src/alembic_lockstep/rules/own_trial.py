"""The part of a trial on rows that is about the commit's own revisions.

Above an edited revision the base's revisions run again, and in the trial.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from alembic_lockstep.cache.same_code import is_same_code
from alembic_lockstep.dryrun.changed_migrations import names_table
from alembic_lockstep.dryrun.trial_facts import RowChangeFacts, TrialFacts
from alembic_lockstep.facts import Facts

#: The table of a part of a schema in words: `column games.winners`, `index ix_code of games`.
_OWNER = re.compile(r"^column (\S+)\.\w+|\bof (\S+)")


def own_trial(facts: Facts, trial: TrialFacts) -> TrialFacts:
    """Return a trial without what only revisions of others did.

    Rows and parts of the schema are the commit's if one of its revisions names the table or part.
    """
    tried = trial.get("revisions", [])
    old = _others(facts, tried)
    if not old:
        return trial
    if old == {*tried}:
        return TrialFacts(note="the revisions that ran are published, or as in the base")
    revisions = [each for each in facts.history.revisions if each.id in {*tried} - old]
    texts = [facts.tree.read(each.path) or "" for each in revisions]

    def is_named(words: str) -> bool:
        owner = _OWNER.search(words)
        name = owner[1] or owner[2] if owner else words.partition(" ")[2].partition(" ")[0]
        return any(names_table(text, name) for text in texts)

    def is_own(change: RowChangeFacts) -> bool:
        return any(names_table(text, change["table"]) for text in texts)

    own = trial.copy()
    if trial.get("revision") in old:
        del own["phase"], own["revision"], own["error"]
        own["note"] = f"{trial['revision']}, which the base has, fails above an edited one"
    own["revisions"] = [name for name in tried if name not in old]
    own["empty_downgrades"] = [
        each for each in trial.get("empty_downgrades", []) if each not in old
    ]
    own["one_way"] = [name for name in trial.get("one_way", []) if name not in old]
    own["changes"] = [each for each in trial.get("changes", []) if is_own(each)]
    own["changes_back"] = [each for each in trial.get("changes_back", []) if is_own(each)]
    own["left"] = [words for words in trial.get("left", []) if is_named(words)]
    own["lost"] = [words for words in trial.get("lost", []) if is_named(words)]
    own["differs_again"] = [each for each in trial.get("differs_again", []) if is_named(each)]
    return own


def _others(facts: Facts, tried: Iterable[str]) -> set[str]:
    """Return the ids of tried revisions that are not the commit's to judge.

    Their code is as in the base, or they are published: what an edit does to databases is the rule
    edited-migration's.
    """
    before = {each.id: each.path for each in facts.base_history.revisions}
    of_base = before.keys() & {*tried}
    if not of_base:
        return set()
    published = facts.published or frozenset()
    paths = {each.id: each.path for each in facts.history.revisions}
    return {
        name for name in of_base if name in published or _is_same(facts, before[name], paths[name])
    }


def _is_same(facts: Facts, old: str, new: str) -> bool:
    blobs = (facts.base.files.get(old), facts.tree.files.get(new))
    return is_same_code(new, *blobs, facts.repository)
