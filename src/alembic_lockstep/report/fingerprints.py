"""What a finding is known by from run to run, wherever its line goes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence

from alembic_lockstep.findings import Finding


def fingerprints(findings: Sequence[Finding]) -> list[str]:
    """One for each finding: of what is wrong and in which file, never of the line's number.

    Neither of the message: its words may change with our version, or name a revision.
    """
    seen: Counter[str] = Counter()
    found = []
    for one in findings:
        what = one.operation or one.location.source.strip()
        identity = json.dumps([one.environment, one.rule, one.location.path, what])
        seen[identity] += 1  # of those that are alike, the first, the second …
        found.append(hashlib.sha256(f"{identity} {seen[identity]}".encode()).hexdigest()[:32])
    return found
