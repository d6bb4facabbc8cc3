#!/usr/bin/env python3
"""Run the project's development commands; needs only Python 3.10+ and git.

    python3 dev.py demo     judge the commits of a small game
    python3 dev.py test     run the tests (further words go to pytest)
    python3 dev.py nightly  run all cases of the tests, and more random ones: some hours
    python3 dev.py lint     run ruff, mypy, and the checks of the GitHub and GitLab files
    python3 dev.py bench    run the benchmarks (--quick to try)
    python3 dev.py measure  print figures on the structure of the source

Makes the development environment in `.venv` the first time, and again when `pyproject.toml`
has changed.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")


def main(arguments):
    """Run the command that the first argument names and return its exit code."""
    if sys.version_info < (3, 10):  # noqa: UP036 - an older Python may well start this
        print("alembic-lockstep needs Python 3.10 or later; this is", sys.version.split()[0])
        return 2
    command, rest = (arguments[0] if arguments else ""), arguments[1:]
    if command not in COMMANDS:
        print(__doc__)
        return 2
    install()
    environ = {**os.environ, **(NIGHTLY if command == "nightly" else {})}
    for line in COMMANDS[command]:
        words = [str(BIN / line[0]), *line[1:], *rest]
        result = subprocess.run(words, cwd=ROOT, env=environ, check=False)
        if result.returncode:
            return result.returncode
    return 0


# More workers than processors, because tests wait for git, databases, processes and the disk. Slow
# tests are neighbours, so idle workers steal from the others.
TESTS = [["pytest", "-n", str((os.cpu_count() or 1) * 2 + 1), "--dist", "worksteal"]]
NIGHTLY = {"LOCKSTEP_NIGHTLY": "1", "LOCKSTEP_EXAMPLES": "50", "LOCKSTEP_BOTH_WAYS": "1"}
COMMANDS = {
    "demo": [["alembic-lockstep", "demo"]],
    "test": TESTS,
    "nightly": TESTS,
    "lint": [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["mypy"],
        ["python", "tools/structure.py", "--check"],
        ["actionlint", ".github/workflows/ci.yml", ".github/workflows/nightly.yml"],
        ["zizmor", "--quiet", "--offline", "--pedantic", "action.yml", ".github/workflows"],
        ["check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"],
        [
            "check-jsonschema",
            "--builtin-schema",
            "vendor.github-workflows",
            ".github/workflows/ci.yml",
        ],
    ],
    "bench": [["python", "benchmarks/run.py"]],
    "measure": [["python", "tools/structure.py"]],
}


def install():
    """Make the development environment, unless this `pyproject.toml` has made it already."""
    fingerprint = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    stamp = VENV / "made-from"
    if stamp.exists() and stamp.read_text() == fingerprint:
        return
    print("Making the development environment in .venv, once …", flush=True)
    venv.create(VENV, with_pip=True, clear=VENV.exists())
    python = [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Dependency groups need a pip of 2025.
    subprocess.run([*python, "--upgrade", "pip>=25.1"], check=True)
    itself = ["-e", f"{ROOT}[postgres,mysql]"]
    subprocess.run([*python, *itself, "--group", "dev"], cwd=ROOT, check=True)
    stamp.write_text(fingerprint)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
