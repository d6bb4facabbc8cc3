"""Run in the project's process, as its stand-in: make the dry run revision by revision.

For each revision of `PLAN` the ordinary run upgrades the database by it, and a trial tries it on
rows, with the tool's own code. The host gives each its own databases, by their number in the plan.
"""

import json
import sys
from importlib import import_module
from typing import Any

#: Written by the host: ids of revisions, parents first, each with the phases of its trial.
PLAN: list[tuple[str, list[str]]] = []

dryrun: Any = next(module for name, module in sys.modules.items() if name.endswith("probe.dryrun"))
trial: Any = import_module(f"{dryrun.__package__}.trial")
run_once = dryrun.DryRun.run


def run_each(run: Any) -> None:
    """Run in the place of `DryRun.run`."""
    channel, redirect, reads = run._channel, run._redirect, run._reads
    for number, (revision, phases) in enumerate(PLAN):
        others = [name for name, _ in PLAN[number + 1 :]]
        # The models stay the same: their tables are read once.
        changed = {"leave_out": others, "phases": phases, "compare": number == 0}
        request = {**run._request, **changed}
        run.revision = revision
        step = dryrun.DryRun(run.config, channel, redirect, request, reads, run._surroundings)
        step.script = run.script
        redirect.begin_phase(f"scratch-{number}")
        run_once(step)
        redirect.release()
        run.databases = run.databases or step.databases
        trial.ROWS, trial.UNFILLED = f"rows-{number}", f"unfilled-{number}"
        outcome = trial.Trial(step, channel, redirect, request, reads).run() if phases else {}
        answer = json.dumps({"ran": step.revisions, "outcome": outcome})
        channel.goes_on({"event": "trial", "step": answer})
    run.revision = ""


dryrun.DryRun.run = run_each
