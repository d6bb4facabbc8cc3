"""json: everything the verdict knows, as one object; `version` grows when a name changes."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from alembic_lockstep.findings import Finding
from alembic_lockstep.gate import EnvironmentVerdict, Verdict
from alembic_lockstep.report.summary import not_compared


def render(verdict: Verdict) -> None:
    """Write the verdict to standard output."""
    json.dump(_verdict(verdict), sys.stdout, indent=2)
    sys.stdout.write("\n")


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "version": 1,
        "verdict": "findings" if verdict.findings else "clean",
        "base": verdict.base,
        "tree": verdict.tree,
        "findings": [_finding(finding) for finding in verdict.findings],
        "environments": [_environment(one) for one in verdict.environments],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "message": finding.message,
        "path": finding.location.path,
        "line": finding.location.line,
        "column": finding.location.column,
        "environment": finding.environment,
        "hint": finding.hint,
        "operation": finding.operation,
        "related": [asdict(place) for place in finding.related],
    }


def _environment(verdict: EnvironmentVerdict) -> dict[str, Any]:
    comparison = verdict.comparison
    return {
        "config": verdict.environment.name,
        "servers": list(verdict.servers),
        "dialects": sorted({one["dialect"] for one in comparison.now.connections})
        if comparison
        else [],
        "start": comparison.start if comparison else None,
        "revisions_run": len(comparison.now.revisions) if comparison else 0,
        "revisions_remembered": len(comparison.now.remembered) if comparison else 0,
        "old_differences": len(comparison.old) if comparison else 0,
        "not_compared": not_compared(comparison) if comparison else [],
        "notes": [*(comparison.notes if comparison else ()), *verdict.notes],
        "refused": list(comparison.refused) if comparison else [],
        "cures": [asdict(cure) for cure in verdict.cures],
    }
