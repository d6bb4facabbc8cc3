"""Fingerprints, which identify a finding from run to run while its line moves."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence

from alembic_lockstep.findings import Finding


def fingerprints(findings: Sequence[Finding]) -> list[str]:
    """Return a fingerprint for each finding: of its operation or source line, file and rule.

    The line's number and the message are no part of it: the words of a message may change with
    the version of this tool, or name a revision.
    """
    counts: Counter[str] = Counter()
    prints = []
    for finding in findings:
        subject = finding.operation or finding.location.source.strip()
        identity = json.dumps([finding.environment, finding.rule, finding.location.path, subject])
        counts[identity] += 1  # tells equal findings apart
        prints.append(hashlib.sha256(f"{identity} {counts[identity]}".encode()).hexdigest()[:32])
    return prints
