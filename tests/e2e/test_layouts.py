"""However a project is laid out and installed, its own Python runs, on what is staged."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .conftest import MakeProject
from .harness import Project, Result, run
from .minimal_project import NOTE, add_column, add_migration, begin, first_commit
from .subfolder_project import assert_clean, assert_finding, assert_unjudged
from .uv_tools import Tools
from .virtual_environments import make_venv

MINOR = f"3.{sys.version_info.minor}"
NEEDED = ("alembic", "sqlalchemy")
PYPROJECT = """\
[project]
name = "{name}"
description = "A ledger"
version = "1"
requires-python = "=={minor}.*"

[build-system]
requires = [{requires}]
build-backend = "{backend}"
{more}
"""


# Tools that make environments.


@dataclass(frozen=True)
class Manager:
    """A tool with its project.

    Attributes:
        program: What its registry calls it.
        environment: Says where the environment is; empty for `.venv`.
    """

    program: str
    file: str
    text: str
    install: str
    environment: str = ""


def pyproject(requires: str, backend: str, name: str = "ledger", more: str = "") -> str:
    return PYPROJECT.format(minor=MINOR, name=name, requires=requires, backend=backend, more=more)


MANAGERS = {
    "uv": Manager("", "pyproject.toml", pyproject('"uv_build"', "uv_build"), "uv sync"),
    "poetry": Manager(
        "poetry",
        "pyproject.toml",
        pyproject('"poetry-core"', "poetry.core.masonry.api"),
        "poetry install",
        "poetry env list --full-path",
    ),
    "pdm": Manager(
        # Without its own choice of versions it does not start.
        "pdm[locked]",
        "pyproject.toml",
        pyproject('"pdm-backend"', "pdm.backend", more="[tool.pdm]\ndistribution = true"),
        "pdm config venv.in_project false && pdm install",
        "dirname $(dirname $(pdm info --python))",
    ),
    "hatch": Manager(
        "hatch",
        "pyproject.toml",
        pyproject('"hatchling"', "hatchling.build", more="[tool.hatch.envs.types]"),
        "hatch env create",
        "hatch env find",
    ),
    "pipenv": Manager(
        "pipenv",
        "Pipfile",
        "[packages]\n",
        f"pipenv --python {sys.executable} install --skip-lock",
        "pipenv --venv",
    ),
}


@pytest.mark.sampled(6)  # each installs its tool
@pytest.mark.parametrize("name", MANAGERS)
def test_the_environment_of_a_tool_is_found_in_a_hook(
    tmp_path: Path, home: Path, tools: Tools, name: str
) -> None:
    manager = MANAGERS[name]
    source = "" if name == "pipenv" else "src"  # its projects are not packages
    project = begin(tmp_path / "my projects" / name, home, [f"{source}:ledger/models.py"])
    project.write(f"{source}/ledger/__init__.py".removeprefix("/"), "")
    project.write(manager.file, manager.text)
    project.write(".gitignore", ".venv\n.pdm-python\n")
    programs = tmp_path / "programs"
    programs.mkdir()
    if manager.program:
        tools.install(manager.program, tmp_path / "tool")
        (programs / name).symlink_to(tmp_path / "tool/bin" / name)
    (programs / "uv").symlink_to(tools.uv_program)
    make_environment(project, manager, programs, tools)
    assert_only_with_its_migration(project, programs)


def make_environment(project: Project, manager: Manager, programs: Path, tools: Tools) -> None:
    """Have the tool make it; only there is a module that the project needs."""
    environ = {**project.environ, "PATH": f"{programs}:/usr/bin:/bin"}
    shell = ("sh", "-c", manager.install)
    run(shell, cwd=project.root, environ=environ, check=True)
    environment = project.root / ".venv"
    if manager.environment:
        asked = run(("sh", "-c", manager.environment), cwd=project.root, environ=environ)
        environment = Path(asked.stdout.strip().removesuffix(" (Activated)"))
    tools.install_into(environment, *NEEDED)
    (libraries,) = environment.glob("lib/python*/site-packages")
    (libraries / "only_there.py").write_text("")
    models = project.sample.models
    project.write(models, "import only_there\n" + project.read(models))


def assert_only_with_its_migration(project: Project, programs: Path) -> None:
    """Commit through git's hook, in the environment that pre-commit gives to it."""
    first_commit(project)
    path = f"{sys.prefix}/bin:{programs}:/usr/bin:/bin"
    project.environ.update(VIRTUAL_ENV=sys.prefix, PATH=path)
    hook = project.root / ".git/hooks/pre-commit"
    hook.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -m alembic_lockstep check\n")
    hook.chmod(0o755)
    models = project.sample.models
    project.write(models, project.read(models) + "\nLIMIT = 10\n")
    project.stage(models)
    assert_clean(project.commit("No schema"))
    add_column(project, models)
    project.stage(models)
    assert_finding(project.commit("A column"), "missing-migration", "ledger_models.note")
    add_migration(project, "ledger.models")
    project.stage(project.sample.versions)
    assert_clean(project.commit("A column and its migration"))


def test_a_prefix_of_conda_is_found(tmp_path: Path, home: Path, tools: Tools) -> None:
    """It has no pyvenv.cfg: its interpreter is a real one beside its libraries."""
    if (Path(sys.base_prefix) / f"lib/python{MINOR}/EXTERNALLY-MANAGED").exists():
        pytest.skip("a Linux distribution's own Python cannot be copied as conda's is")
    project = begin(tmp_path / "ledger", home, [":ledger/models.py"])
    prefix = tmp_path / "conda" / "ledger"
    make_prefix(prefix)
    tools.install_into(prefix, *NEEDED)
    (prefix / f"lib/python{MINOR}/site-packages/only_there.py").write_text("")
    models = project.sample.models
    project.write(models, "import only_there\n" + project.read(models))
    project.environ["CONDA_PREFIX"] = str(prefix)
    assert_only_with_its_migration(project, tmp_path / "none")


def make_prefix(prefix: Path) -> None:
    """Make what conda makes: a copy of the interpreter with the standard library below."""
    base = Path(sys.base_prefix)
    for folder in ("bin", "conda-meta", "lib"):
        (prefix / folder).mkdir(parents=True)
    shutil.copy2(base / f"bin/python{MINOR}", prefix / f"bin/python{MINOR}")
    (prefix / "bin/python").symlink_to(f"python{MINOR}")
    for library in base.glob("lib/libpython*"):
        (prefix / "lib" / library.name).symlink_to(library)
    ours = prefix / f"lib/python{MINOR}"
    ours.mkdir()
    for entry in (base / f"lib/python{MINOR}").iterdir():
        if entry.name != "site-packages":
            (ours / entry.name).symlink_to(entry)
    (ours / "site-packages").mkdir()


# Editable installs.


@dataclass(frozen=True)
class Backend:
    """How a package of the workspace is installed editable.

    Attributes:
        arguments: Further ones of `uv pip install`.
        files: Beside its pyproject.toml; in them and there, `NAME` is the package's.
    """

    requires: str
    backend: str
    more: str = ""
    arguments: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    source: str = "src"


def _mode(mode: str) -> tuple[str, ...]:
    return ("--config-settings-package", f"setuptools-{mode}:editable_mode={mode}")


SETUPTOOLS = ("'setuptools'", "setuptools.build_meta")
MAPPED = '[tool.setuptools]\npackages = ["NAME"]\npackage-dir = {NAME = "src/NAME"}'
HATCHLING = ("'hatchling'", "hatchling.build")
EXACT = '[tool.hatch.build.targets.wheel]\npackages = ["src/NAME"]\n'
PDM = ("'pdm-backend'", "pdm.backend")
BACKENDS = {
    "setuptools_path": Backend(*SETUPTOOLS),
    "setuptools_flat": Backend(*SETUPTOOLS, source=""),
    "setuptools_finder": Backend(*SETUPTOOLS, MAPPED),
    "setuptools_strict": Backend(*SETUPTOOLS, "", _mode("strict")),
    "setuptools_compat": Backend(*SETUPTOOLS, "", _mode("compat")),
    "hatchling_path": Backend(*HATCHLING),
    "hatchling_exact": Backend(*HATCHLING, EXACT + "[tool.hatch.build]\ndev-mode-exact = true"),
    "flit": Backend("'flit-core'", "flit_core.buildapi", more="[tool.flit.module]\nname = 'NAME'"),
    "poetry": Backend("'poetry-core'", "poetry.core.masonry.api"),
    "pdm_path": Backend(*PDM),
    "pdm_editables": Backend(*PDM, "[tool.pdm.build]\neditable-backend = 'editables'"),
    "uv": Backend("'uv_build'", "uv_build"),
    "scikit_build": Backend(
        "'scikit-build-core'", "scikit_build_core.build", "[tool.scikit-build]\nwheel.cmake = false"
    ),
    "meson": Backend(
        "'meson-python'",
        "mesonpy",
        arguments=("--no-build-isolation-package", "meson"),
        files={
            "meson.build": "project('NAME', version: '1')\n"
            "py = import('python').find_installation()\n"
            "py.install_sources('src/NAME/__init__.py', 'src/NAME/models.py', subdir: 'NAME')\n"
        },
    ),
}
SETUP = """\
from setuptools import setup
setup(name="egg_link", version="1", packages=["egg_link"], package_dir={"": "src"})
"""


def test_editable_installs_are_judged_as_staged(tmp_path: Path, home: Path, tools: Tools) -> None:
    """One repository with a package for each build backend, all in one environment."""
    sources = {name: backend.source for name, backend in BACKENDS.items()} | {"egg_link": "src"}
    models = [f"{name}/{source}:{name}/models.py" for name, source in sources.items()]
    project = begin(tmp_path / "my projects" / "backends", home, models)
    # That of setuptools' strict mode is what one has on disk who did not think of it.
    project.write(".gitignore", ".venv\n*.egg-info\nmeson/build\n")
    files = [path.replace("/:", "/").replace(":", "/") for path in models]
    for file in files:
        project.write(str(Path(file).with_name("__init__.py")), "")
    install_editable(project, tools)
    first_commit(project)

    assert_judged_as_staged(project, files)


def assert_judged_as_staged(project: Project, files: Sequence[str]) -> None:
    """Columns that are staged and not on disk are blocked; those on disk alone are not."""
    add_column(project, *files)
    project.stage(*files)
    for file in files:
        project.replace(file, NOTE, "")
    assert_finding(project.check(), *(f"{file}:" for file in files))

    project.git("reset", "--quiet")
    add_column(project, *files)
    project.write("notes.txt", "Something to commit.\n")
    project.stage("notes.txt")
    assert_clean(project.check())


def install_editable(project: Project, tools: Tools) -> None:
    environment = project.root / ".venv"
    # setuptools 80 knows no egg links any more; the others find no dependencies of theirs.
    needed = (*NEEDED, "setuptools<80", "meson-python", "meson", "ninja", "editables")
    tools.make_environment(environment, sys.executable, *needed)
    arguments = ["--no-deps"]
    for name, backend in BACKENDS.items():
        metadata = pyproject(backend.requires, backend.backend, name, backend.more)
        for file, text in {"pyproject.toml": metadata, **backend.files}.items():
            project.write(f"{name}/{file}", text.replace("NAME", name))
        arguments += [*backend.arguments, "-e", str(project.root / name)]
    path = f"{environment}/bin:/usr/bin:/bin"  # where meson-python looks for its ninja
    tools.install_into(environment, *arguments, PATH=path)
    project.write("egg_link/setup.py", SETUP)
    command = (str(environment / "bin/python"), "setup.py", "-q", "develop", "--no-deps")
    run(command, cwd=project.root / "egg_link", environ=project.environ, check=True)
    # What each way is about is really there.
    (libraries,) = environment.glob("lib/*/site-packages")
    for way in ("easy-install.pth", "__editable___setuptools_finder_*", "_editable_impl_pdm_*"):
        assert list(libraries.glob(way)), way
    assert list((project.root / "setuptools_strict/build").glob("__editable__*"))


# Other layouts.


LAYOUTS = {
    "several packages and a namespace": (
        [":ledger/models.py", ":audit.py", ":acme/ledger/models.py", ":acme/billing.py"],
        (),
    ),
    "namespace over two folders": (
        ["parts/a:acme/ledger/models.py", "parts/b:acme/billing/models.py"],
        ("parts/a", "parts/b"),
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_is_judged_as_staged(tmp_path: Path, home: Path, layout: str) -> None:
    models, installed = LAYOUTS[layout]
    project = begin(tmp_path / "ledger", home, models)
    project.write(".gitignore", ".venv\n")
    libraries = make_venv(project.root / ".venv")
    lines = [f"{project.root / path}\n" for path in installed]
    (libraries / "__editable__.pth").write_text("".join(lines))
    first_commit(project)
    assert_judged_as_staged(project, [path.replace(":", "/").removeprefix("/") for path in models])


WORKSPACE = """\
[tool.uv]
package = false
[tool.uv.workspace]
members = ["apps/*", "libs/*"]
"""


def test_a_uv_workspace_is_judged_as_staged(tmp_path: Path, home: Path, tools: Tools) -> None:
    """Alembic is in one member, a table in another, the environment at the root."""
    models = ["apps/web/src:web/models.py", "libs/core/src:core/models.py"]
    project = begin(tmp_path / "shop", home, models, directory="apps/web")
    files = [path.replace(":", "/") for path in models]
    project.write(".gitignore", ".venv\n")
    # A member is not installed because it is one: the other one asks for it.
    root = pyproject("", "", "shop").partition("[build-system]")[0]
    project.write("pyproject.toml", root + WORKSPACE)
    needs = 'dependencies = ["core", "alembic", "sqlalchemy"]\n\n[build-system]'
    web = pyproject('"uv_build"', "uv_build", "web", "[tool.uv.sources]\ncore.workspace = true")
    project.write("apps/web/pyproject.toml", web.replace("[build-system]", needs))
    project.write("libs/core/pyproject.toml", pyproject('"uv_build"', "uv_build", "core"))
    for file in files:
        project.write(str(Path(file).with_name("__init__.py")), "")
    # Members import each other.
    project.write("apps/web/src/web/__init__.py", "import core.models\n")
    tools.sync(project.root, "--all-packages")
    first_commit(project)
    assert_judged_as_staged(project, files)


def test_each_member_of_a_monorepo_has_its_own_environment(tmp_path: Path, home: Path) -> None:
    project = begin(tmp_path / "mono", home, ["one:ledger/models.py"], directory="one")
    other = begin(tmp_path / "other", home, ["two:ledger/models.py"], directory="two")
    shutil.copytree(other.root / "two", project.root / "two")
    project.write(".gitignore", ".venv\n")
    files = ["one/ledger/models.py", "two/ledger/models.py"]
    for file in files:
        member = file.partition("/")[0]
        libraries = make_venv(project.root / member / ".venv")
        (libraries / f"only_{member}.py").write_text("")
        project.write(file, f"import only_{member}\n" + project.read(file))
    first_commit(project)
    assert_judged_as_staged(project, files)


# Copies that stand in front of the sources.

#: As the console script: the current directory, with such names, is not on the host's path.
INSTALLED = "import sys; sys.path.pop(0); from alembic_lockstep.cli import entry; entry()"
COPY_OF = "src/inventory/models.py"


@pytest.fixture
def copied(make_project: MakeProject) -> Project:
    """A project that is installed without being editable."""
    project = make_project("src_layout", hook=None)
    libraries = libraries_of(project)
    (libraries / "__editable__.inventory-1.0.0.pth").unlink()
    shutil.copytree(project.root / "src/inventory", libraries / "inventory")
    return project


def libraries_of(project: Project) -> Path:
    (libraries,) = (project.root / ".venv").glob("lib/python*/site-packages")
    return libraries


def check_note(project: Project) -> Result:
    project.write("notes.txt", "Something to commit.\n")
    project.stage("notes.txt")
    return project.check()


def test_a_copy_that_is_the_same_does_no_harm(copied: Project) -> None:
    models = libraries_of(copied) / "inventory/models.py"
    models.write_bytes(models.read_bytes().replace(b"\n", b"\r\n"))
    assert_clean(check_note(copied))


def test_a_stale_copy_of_what_the_commit_leaves_alone_is_not_judged(copied: Project) -> None:
    models = libraries_of(copied) / "inventory/models.py"
    models.write_text(models.read_text() + "\n# As it was before.\n")
    assert_unjudged(check_note(copied), f"{COPY_OF}: loaded from ", "pip install -e .")


def test_a_copy_of_what_the_commit_brings_does_not_stand_for_the_base(copied: Project) -> None:
    """Both would have the column, which would then be nothing new."""
    copied.add_column()
    shutil.copy2(copied.root / COPY_OF, libraries_of(copied) / "inventory/models.py")
    copied.git("add", "--update")
    assert_unjudged(copied.check(), f"{COPY_OF}: loaded from ")


def test_a_copy_of_what_the_commit_deletes_is_not_judged(copied: Project) -> None:
    extra, init = "src/inventory/extra.py", "src/inventory/__init__.py"
    for path, text in ((extra, ""), (init, "import inventory.extra\n")):
        copied.write(path, text)
        (libraries_of(copied) / "inventory" / Path(path).name).write_text(text)
        copied.stage(path)
    copied.commit()
    copied.git("rm", "--quiet", extra)
    assert_unjudged(copied.check(), f"{extra}: loaded from ")


def test_a_copy_on_the_path_of_a_container_is_not_judged(make_project: MakeProject) -> None:
    project = make_project("src_layout", hook=None)
    (libraries_of(project) / "__editable__.inventory-1.0.0.pth").unlink()
    folder = project.root.parent / "srv"
    shutil.copytree(project.root / "src", folder)
    project.environ |= {
        "ALEMBIC_LOCKSTEP_RUN": f"env PYTHONPATH={shlex.quote(str(folder))}",
        "ALEMBIC_LOCKSTEP_PYTHON": str(project.python),
    }
    assert_clean(check_note(project))
    project.add_column()
    project.git("add", "--update")
    assert_unjudged(project.check(), f"{COPY_OF}: loaded from {folder}/inventory/models.py")


def test_anothers_modules_with_names_of_the_tree_are_not_copies(make_project: MakeProject) -> None:
    project = make_project("async_settings", hook=None)
    for path in ("alembic/__init__.py", "alembic/config.py", "sqlalchemy/__init__.py"):
        project.write(path, "# Ours.\n")
    for path in ("tools/mako/__init__.py", "tests/__init__.py", "tools/typing_extensions.py"):
        project.write(path, "# Ours, too.\n")
    project.stage(".")
    project.start_check = ("-c", INSTALLED)
    assert_clean(project.check())
    where = project.add_column()
    project.git("add", "--update")
    assert_finding(project.check(), where)


def test_models_of_a_package_are_the_commits_that_pins_it_anew(make_project: MakeProject) -> None:
    project = make_project("subfolder", hook=None)
    package = libraries_of(project) / "acme_models.py"
    mixin = "import sqlalchemy as sa\n\n\nclass Priced:\n    note = 'v1'\n"
    package.write_text(mixin)
    models = project.sample.models
    project.write("requirements.txt", "acme-models==1.0\n")
    imported = "from acme_models import Priced\n"
    project.replace(models, "class Order(", "class Order(Priced, ")
    text = project.read(models)
    head = text.index("from sqlalchemy")
    project.write(models, text[:head] + imported + text[head:])
    project.stage(".")
    project.git("commit", "--quiet", "-m", "A mixin of a package")
    package.write_text(mixin.replace("note = 'v1'", "price = sa.Column(sa.Integer)"))
    assert_clean(check_note(project), "1 older difference not counted")
    project.write("requirements.txt", "acme-models==1.1\n")
    project.stage("requirements.txt")
    said = "the base ran with the new version of acme-models"
    assert_finding(project.check(), "missing-migration", "orders.price", said)
