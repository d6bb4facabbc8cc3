"""The part of a trial on rows that is about revisions which the commit adds or changes.

Above an edited revision the base's own revisions run again, and in the trial.
"""

from __future__ import annotations

import re

from alembic_lockstep.dryrun.changed_migrations import names_table
from alembic_lockstep.dryrun.trial_facts import RowChangeFacts, TrialFacts
from alembic_lockstep.facts import Facts

#: The table of a part of a schema in words: `column games.winners`, `index ix_code of games`.
_OWNER = re.compile(r"^column (\S+)\.\w+|\bof (\S+)")


def own_trial(facts: Facts, trial: TrialFacts) -> TrialFacts:
    """Return a trial without what only revisions did that are as in the base.

    Rows and parts of the schema are the commit's if one of its revisions names the table or part.
    """
    tried = trial.get("revisions", [])
    old = _untouched(facts).intersection(tried)
    if not old:
        return trial
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
        own["note"] = f"{trial['revision']}, which is as in the base, fails above an edited one"
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


def _untouched(facts: Facts) -> set[str]:
    """Return the ids of revisions whose files are as in the base."""
    before = {each.id: facts.base.files.get(each.path) for each in facts.base_history.revisions}
    files = facts.tree.files
    return {each.id for each in facts.history.revisions if before.get(each.id) == files[each.path]}
