"""Files and folders that somebody else deletes, moves or replaces while a check runs."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from .harness import Project, Result
from .subfolder_project import ADD_PAID, EXAMPLES, MODELS, add_migration

#: The real git, before whose call number AT something is done.
GIT = """\
#!/bin/sh
number=$(($(cat {count}) + 1))
echo $number > {count}
if [ $number = "$AT" ]; then (cd "$ROOT" && eval "$CHANGE"); fi
exec {git} "$@"
"""
FORGOTTEN = "service/alembic/versions/aaaaaaaaaaaa_test.py"
CHANGES = {
    "an ignored file": "rm .env",
    "an ignored file becomes a folder": "rm .env; mkdir .env; touch .env/x",
    "an ignored folder": "rm -r generated",
    "a link to a folder leads to itself": "ln -sfn link link",
    "a forgotten migration": f"rm {FORGOTTEN}",
    "the models": f"rm {MODELS}",
    "the models become a folder": f"rm {MODELS}; mkdir {MODELS}",
    "the project": "rm -r service",
    "its Python": "rm -r .venv",
    "the settings become a folder": "rm pyproject.toml; mkdir pyproject.toml",
    "git's index": "rm .git/index",
    "git's list of ignored files": "rm .git/info/exclude",
    "temporary files": 'rm -rf "$TMPDIR"/*',
    "the cache": 'rm -rf "$XDG_CACHE_HOME"/*',
    "our folder below .git": "rm -rf .git/alembic-lockstep",
    "the working tree": 'mv "$ROOT" "$ROOT-away"',
}


@dataclass
class Race:
    """A project whose calls of git are counted, and its copy, for the next moment."""

    project: Project
    count: Path
    copy: Path

    def check(self, at: int = 0) -> Result:
        """Check, with the change before that call of git; then put all back."""
        self.count.write_text("0\n")
        self.project.environ["AT"] = str(at)
        result = self.project.check("--no-cache", once=True)
        if at:
            root = self.project.root
            for folder in (root, root.with_name(f"{root.name}-away")):
                shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(self.copy, root, symlinks=True)
        return result


@pytest.fixture
def race(shop: Project, tmp_path: Path) -> Race:
    shop.is_watched = False
    shop.write(".gitignore", shop.read(".gitignore") + "\n.env\ngenerated/\nlink\n")
    shop.write("pyproject.toml", "[tool.alembic-lockstep]\n")
    shop.stage(".gitignore", "pyproject.toml")
    shop.git("commit", "--quiet", "-m", "Settings")
    (shop.root / "link").symlink_to("service")
    for path in (".env", "generated/a.py", "generated/b/c.py"):
        shop.write(path, "")
    shop.add_column()
    shop.stage(MODELS)
    add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID, staged=False)
    count, git = tmp_path / "count", tmp_path / "bin/git"
    git.parent.mkdir()
    real = shutil.which("git")
    assert real is not None
    git.write_text(GIT.format(count=shlex.quote(str(count)), git=real))
    git.chmod(0o755)
    shop.environ |= {"PATH": f"{git.parent}:{shop.environ['PATH']}", "ROOT": str(shop.root)}
    shutil.copytree(shop.root, tmp_path / "copy", symlinks=True)
    return Race(shop, count, tmp_path / "copy")


@pytest.mark.sampled(8)
@pytest.mark.parametrize("what", CHANGES)
def test_it_is_judged_or_told_in_one_message(race: Race, what: str) -> None:
    usual = race.check()
    assert usual.returncode == 1, usual.output
    race.project.environ["CHANGE"] = CHANGES[what]
    calls = int(race.count.read_text())
    begin, step = 1 + len(what) % 5, 1 if EXAMPLES else calls // 3
    for at in range(begin, calls + 1, step):
        result = race.check(at)
        assert "Traceback" not in result.output, (at, result.output)
        assert "git is not installed" not in result.output, at
        assert result.returncode in (1, 2), (at, result.output)
        if result.returncode == 2:
            assert result.stderr.count("could not judge: ") == 1, (at, result.output)
    assert race.check().stdout == usual.stdout
