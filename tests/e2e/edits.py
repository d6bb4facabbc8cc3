"""Edits of a project between two commits.

The number that an edit is given tells its variants apart, so that the same kind of edit can be
made again and again. An edit that does not apply to what the files are by then says so.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass

from .many_inputs import VERSIONS, InapplicableError, ManyInputs
from .virtual_environments import make_venv

MODELS, LIMITS = "farm/models.py", "farm/limits.py"
COLUMN = re.compile(r"^    (column\d+) = Column\(Integer\)$", re.MULTILINE)
ADDED = re.compile(r"op\.(add|drop)_column\(\"animals\", (?:sa\.Column\()?\"(column\d+)\"")
JOURNAL = '''"""Columns named in a docstring."""


def entries():
    """north"""


def wanted_columns():
    return entries.__doc__.split()
'''
OLD_DRIFT = (
    "class {}(Base):\n    __tablename__ = '{}'\n    id = Column(Integer, primary_key=True)\n"
)

Do = Callable[[ManyInputs, int], None]


def nothing(many_inputs: ManyInputs, number: int) -> None:
    """Leave all as it is."""


@dataclass(frozen=True)
class Edit:
    """An edit, and what a commit that holds it gets.

    Attributes:
        do: Makes the edit.
        code: The exit code afterwards.
        strict: Whether differences that the base has count, too: what git does not track changes
            under the base as well.
        fast: Whether it touches nothing that the verdict has read.
        before: Made and committed before the verdict that may be remembered.
    """

    do: Do
    code: int = 1
    strict: bool = False
    fast: bool = False
    before: Do = nothing


# Models.


def add_column(many_inputs: ManyInputs, number: int) -> None:
    feed = "    feed = Column(String(12))\n"
    many_inputs.replace(MODELS, feed, f"{feed}    column{number} = Column(Integer)\n")


def remove_column(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.replace(MODELS, "    code = Column(String(CODE_LENGTH))\n", "")


def alter_column(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.replace(MODELS, "Column(String(12))", f"Column(String({12 + number}))")


def add_comment(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.append(MODELS, f"# Remark {number}.\n")


def extend_docstring(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.replace(MODELS, "Somebody who lives here", f"Somebody ({number}) who lives here")


def reformat(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.replace(MODELS, "Column(Integer, ", "Column(\n        Integer,\n        ")


def declare_unregistered(many_inputs: ManyInputs, number: int) -> None:
    text = OLD_DRIFT.format("Tool", "tools")
    imports = "from sqlalchemy import Column, Integer\n\nfrom farm.base import Base\n\n\n"
    many_inputs.write(f"farm/tools{number}.py", imports + text)


def declare_in_tests(many_inputs: ManyInputs, number: int) -> None:
    declare_unregistered(many_inputs, number)
    (many_inputs.root / "tests").mkdir(exist_ok=True)
    many_inputs.rename(f"farm/tools{number}.py", f"tests/test_tools{number}.py")


def let_drift(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.append(MODELS, "\n\n" + OLD_DRIFT.format("Barn", "barns"))


# What models are made from.


def change_constant(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.replace(LIMITS, "NAME_LENGTH = 40", f"NAME_LENGTH = {40 + number}")


def change_constant_of_migration(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.write("farm/shapes.py", f"FEED_LENGTH = {12 + number}\n")


def rename_module(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.rename(LIMITS, "farm/bounds.py")
    many_inputs.replace(MODELS, "from farm.limits", "from farm.bounds")


def lose_module(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.rename(LIMITS, f"farm/limits{number}.py")


def change_data(name: str, text: str) -> Do:
    return lambda many_inputs, number: many_inputs.write(f"farm/data/{name}", text.format(number))


def delete_data(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.delete("farm/data/crops.txt")


def retarget_link(many_inputs: ManyInputs, _number: int) -> None:
    link = many_inputs.root / "farm/data/meal.txt"
    link.unlink(missing_ok=True)
    link.symlink_to("crops.txt")


def add_listed(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.write(f"farm/data/fields/field{number}", "")


def remove_listed(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.delete("farm/data/fields/north")


def add_plugin(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.write(f"farm/plugins/plugin{number}.py", f'COLUMNS = ["plugin{number}"]\n')


def delete_plugin(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.delete("farm/plugins/wool.py")


def read_docstring(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.write("farm/journal.py", JOURNAL)
    many_inputs.replace(
        "farm/inputs.py", "from farm import settings\n", "from farm import journal, settings\n"
    )
    many_inputs.replace(
        "farm/inputs.py", "of_plugins(),", "of_plugins(),\n        *journal.wanted_columns(),"
    )


def change_read_docstring(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.replace("farm/journal.py", '"""north"""', f'"""north day{number}"""')


def read_by(code: str) -> Do:
    """Give the models one more column for each name that an expression gives."""

    def do(many_inputs: ManyInputs, _number: int) -> None:
        helper = f"import os, sys\n\nfrom farm import tales\n\n\ndef names():\n    {code}\n"
        many_inputs.write("farm/more_names.py", helper)
        many_inputs.write("farm/tales.py", JOURNAL)
        text = many_inputs.read("farm/inputs.py").replace(
            "from farm import", "from farm import more_names,", 1
        )
        text = text.replace("of_plugins(),", "of_plugins(),\n        *more_names.names(),", 1)
        many_inputs.write("farm/inputs.py", text)

    return do


def change_tale(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.replace("farm/tales.py", '"""north"""', f'"""north day{number}"""')


def read_by_installed(many_inputs: ManyInputs, number: int) -> None:
    reader = "def words(function):\n    return function.__doc__.split()\n"
    many_inputs.install("barn", "1.0", f"CODE_LENGTH = 8\n\n\n{reader}")
    read_by("import barn; return barn.words(tales.entries)[1:]")(many_inputs, number)


def make_executable(many_inputs: ManyInputs, _number: int) -> None:
    (many_inputs.root / "farm/tales.py").chmod(0o755)


def add_module(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.write("farm/optional_extra.py", f"NAME = 'extra{number}'\n")


def grow_field(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.write("farm/data/fields/north", "grown")


def run_by_hook_manager(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.project.environ["PRE_COMMIT"] = "1"


OPERATION = """\
from alembic.operations import MigrateOperation, Operations


@Operations.register_operation("add_barn_door")
class AddBarnDoor(MigrateOperation):
    @classmethod
    def add_barn_door(cls, operations):
        return operations.invoke(cls())


@Operations.implementation_for(AddBarnDoor)
def add_barn_door(operations, operation):
    operations.execute("CREATE TABLE doors (width INTEGER)")
"""


def register_operation(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.write("farm/steps.py", OPERATION)
    many_inputs.append("farm/inputs.py", "\n\nfrom farm import steps\n")
    many_inputs.add_migration("doors", "op.add_barn_door(); op.execute('DROP TABLE doors')")


def change_operation(many_inputs: ManyInputs, number: int) -> None:
    more = f"ALTER TABLE animals ADD COLUMN door{number} INTEGER"
    many_inputs.append("farm/steps.py", f'    operations.execute("{more}")\n')


# Migrations.


def write_migration(many_inputs: ManyInputs, number: int) -> None:
    """Write what is missing: the columns that the models have and no migration adds."""
    wanted = set(COLUMN.findall(many_inputs.read(MODELS)))
    files = sorted(
        (many_inputs.root / VERSIONS).glob("*.py"), key=lambda file: file.stat().st_mtime_ns
    )
    there: set[str] = set()
    for kind, name in ADDED.findall("".join(file.read_text() for file in files)):
        (there.add if kind == "add" else there.discard)(name)
    lines = [
        f'op.add_column("animals", sa.Column("{name}", sa.Integer()))' for name in wanted - there
    ]
    lines += [f'op.drop_column("animals", "{name}")' for name in there - wanted]
    if not lines:
        raise InapplicableError("nothing is missing")
    many_inputs.add_migration(f"m{len(files)}{number}", "\n    ".join(sorted(lines)))


def add_column_with_migration(many_inputs: ManyInputs, number: int) -> None:
    add_column(many_inputs, number)
    write_migration(many_inputs, number)


def migrate_for_nothing(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.add_migration(
        f"n{number}", f'op.add_column("animals", sa.Column("n{number}", sa.Integer()))'
    )


def branch_off(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.add_migration(f"b{number}", "pass", "a1")


def lose_parent(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.add_migration(f"p{number}", "pass", f"nobody{number}")


def delete_migration(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.delete(f"{VERSIONS}/a2_columns.py")


def rename_migration(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.rename(f"{VERSIONS}/a2_columns.py", f"{VERSIONS}/a2_renamed{number}.py")


def edit_migration(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.replace(f"{VERSIONS}/a1_animals.py", "sa.String(40)", f"sa.String({40 + number})")


def comment_migration(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.append(f"{VERSIONS}/a1_animals.py", f"\n\n# Remark {number}.\n")


def change_data_of_migration(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.append("migrations/more_columns.txt", f"straw{number}\n")


# Settings that git tracks.


def skip_nothing(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.replace("alembic.ini", "skip_tables = drafts", "skip_tables = none")


def comment_ini(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.append("alembic.ini", f"# Remark {number}.\n")


def set_strict(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.append("pyproject.toml", "\n[tool.alembic-lockstep]\nstrict = true\n")


def set_variable_in_pyproject(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.append(
        "pyproject.toml", f'\n[tool.alembic-lockstep.env]\nFARM_COLUMNS = "p{number}"\n'
    )


def describe_in_pyproject(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.replace("pyproject.toml", "[project]\n", f'[project]\ndescription = "{number}"\n')


# What git does not track.


def write_dotenv(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.write(".env", f"FARM_COLUMNS=pond{number}\n")


def migrate_for_dotenv(many_inputs: ManyInputs, number: int) -> None:
    write_dotenv(many_inputs, number)
    many_inputs.add_migration(
        "e1", f'op.add_column("animals", sa.Column("pond{number}", sa.Integer()))'
    )


def delete_dotenv(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.delete(".env")


def set_variable(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.project.environ["FARM_COLUMNS"] = f"river{number}"


def hide_drift(many_inputs: ManyInputs, number: int) -> None:
    let_drift(many_inputs, number)
    many_inputs.project.environ["FARM_SKIP_TABLES"] = "barns"


def unset_variables(many_inputs: ManyInputs, _number: int) -> None:
    for name in ("FARM_COLUMNS", "FARM_SKIP_TABLES"):
        many_inputs.project.environ.pop(name, None)


def generate_module(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.write("farm/settings_local.py", f'COLUMNS = ["hill{number}"]\n')


def generate_harmless_module(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.write("farm/settings_local.py", 'COLUMNS = ["north"]\n')


def regenerate_in_place(many_inputs: ManyInputs, _number: int) -> None:
    """Write another module of the same size and time, as `cp -p` and reproducible builds do."""
    _rewrite_unnoticeably(many_inputs, "farm/settings_local.py", "north", "south")


def write_ignored_data(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.write("local/breeds.txt", f"breed{number}\n")


def write_harmless_data(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.write("local/breeds.txt", "north\n")


def rewrite_ignored_data(many_inputs: ManyInputs, _number: int) -> None:
    _rewrite_unnoticeably(many_inputs, "local/breeds.txt", "north", "south")


def _rewrite_unnoticeably(many_inputs: ManyInputs, path: str, old: str, new: str) -> None:
    file = many_inputs.root / path
    many_inputs.read(path)
    times = file.stat().st_atime_ns, file.stat().st_mtime_ns
    many_inputs.replace(path, old, new)
    os.utime(file, ns=times)


def write_unread_ignored(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.write(f"noise{number}.log", "moo\n")


def shadow_package(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.write("barn.py", f"CODE_LENGTH = {8 + number}\n")


def shadow_module(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.write("farm/limits/__init__.py", f"NAME_LENGTH = {40 + number}\n")


# The environment of the project's Python.


def upgrade_package(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.install("barn", f"1.{number}", f"CODE_LENGTH = {8 + number}\n")


def edit_package(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.edit_installed("barn", f"CODE_LENGTH = {18 + number}\n")


def reinstall_package(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.install("barn", "1.0", "CODE_LENGTH = 8\n")


def install_optional(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.install("tractor", "1.0", f'COLUMNS = ["tractor{number}"]\n')


def uninstall_package(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.uninstall("barn")


def customise_python(many_inputs: ManyInputs, number: int) -> None:
    """As sitecustomize.py does, of which distributions have one of their own."""
    many_inputs.edit_installed(
        "started", f"import os\nos.environ['FARM_COLUMNS'] = 'site{number}'\n"
    )
    (many_inputs.libraries / "started.pth").write_text("import started\n")


def use_other_python(many_inputs: ManyInputs, number: int) -> None:
    other = many_inputs.root.with_name(f"other environment {number}")
    libraries = make_venv(other)
    (libraries / "barn.py").write_text(f"CODE_LENGTH = {28 + number}\n")
    many_inputs.project.environ["ALEMBIC_LOCKSTEP_PYTHON"] = str(other / "bin" / "python")


# What no verdict depends on.


def write_requirements(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.write("requirements.txt", f"barn==1.{number}\ntractor==2\n")


def pin_another_version(many_inputs: ManyInputs, number: int) -> None:
    write_requirements(many_inputs, number + 1)


def edit_readme(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.write("README.md", f"# A farm\n\nAs of day {number}.\n")


def delete_readme(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.delete("README.md")


def add_unrelated_module(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.write(f"tools/report{number}.py", "def report():\n    return 'all is well'\n")


EDITS = {
    "a column is added": Edit(add_column),
    "a column is removed": Edit(remove_column),
    "a column is altered": Edit(alter_column),
    "a comment": Edit(add_comment, 0, fast=True),
    "a docstring": Edit(extend_docstring, 0),
    "another format": Edit(reformat, 0, fast=True),
    "a table that nobody imports": Edit(declare_unregistered),
    "a table of a test": Edit(declare_in_tests, 0),
    "a constant": Edit(change_constant),
    # The databases that there are were made with the old one.
    "a constant of a migration": Edit(change_constant_of_migration, 0),
    "a renamed module": Edit(rename_module, 0),
    "a lost module": Edit(lose_module, 2),
    "json": Edit(change_data("crops.json", '["wheat", "crop{}"]\n')),
    "yaml": Edit(change_data("crops.yaml", "- barley\n- crop{}\n")),
    "txt": Edit(change_data("crops.txt", "meadow crop{}\n")),
    "deleted data": Edit(delete_data, 2),
    "what a link leads to": Edit(change_data("lunch.txt", "hay meal{}\n")),
    "where a link leads": Edit(retarget_link),
    "a new name in a folder": Edit(add_listed),
    "a lost name in a folder": Edit(remove_listed),
    "a new plugin": Edit(add_plugin),
    "a deleted plugin": Edit(delete_plugin),
    "a docstring that is read": Edit(change_read_docstring, before=read_docstring),
    "a docstring that a package reads": Edit(change_tale, before=read_by_installed),
    "a text by its loader": Edit(
        change_tale,
        before=read_by(
            "text = tales.__loader__.get_source('farm.tales')\n"
            "    return [word for word in ('day1',) if word in text]"
        ),
    ),
    "a text as a resource": Edit(
        change_tale,
        before=read_by(
            "import pkgutil; text = pkgutil.get_data('farm', 'tales.py')\n"
            "    return [word for word in ('day1',) if word.encode() in text]"
        ),
    ),
    "a mode": Edit(
        make_executable,
        before=read_by("return ['may_run'] if os.access(tales.__file__, os.X_OK) else []"),
    ),
    "a module that is only looked for": Edit(
        add_module,
        before=read_by(
            "from importlib.machinery import PathFinder; import farm\n"
            "    return ['extra'] if PathFinder.find_spec('farm.optional_extra', farm.__path__) "
            "else []"
        ),
    ),
    "the size of a listed file": Edit(
        grow_field,
        before=read_by(
            "folder = os.path.join(os.path.dirname(__file__), 'data', 'fields')\n"
            "    return [f'size{e.stat().st_size}' for e in os.scandir(folder) if e.stat().st_size]"
        ),
    ),
    "a file below a descriptor": Edit(
        grow_field,
        before=read_by(
            "folder = os.path.join(os.path.dirname(__file__), 'data', 'fields')\n"
            "    file = os.open('north', os.O_RDONLY, dir_fd=os.open(folder, os.O_RDONLY))\n"
            "    return [name for name in (os.read(file, 9).decode(),) if name]"
        ),
    ),
    "a variable of the hook manager": Edit(
        run_by_hook_manager,
        0,
        fast=True,
        before=read_by("return ['hook'] if 'PRE_COMMIT' in os.environ else []"),
    ),
    "an operation that migrations use": Edit(change_operation, before=register_operation),
    "a column with its migration": Edit(add_column_with_migration, 0),
    "a migration, no column": Edit(migrate_for_nothing),
    "a second head": Edit(branch_off),
    "an unknown parent": Edit(lose_parent),
    "a deleted migration": Edit(delete_migration),
    "a renamed migration": Edit(rename_migration, 0),
    "an edited migration": Edit(edit_migration),
    "a comment in a migration": Edit(comment_migration, 0, fast=True),
    "data of a migration": Edit(change_data_of_migration),
    "alembic.ini": Edit(skip_nothing),
    "a comment in alembic.ini": Edit(comment_ini, 0),
    "strict": Edit(set_strict, before=let_drift),
    "a variable in pyproject.toml": Edit(set_variable_in_pyproject, strict=True),
    "a description in pyproject.toml": Edit(describe_in_pyproject, 0),
    "a new .env": Edit(write_dotenv, strict=True),
    "a deleted .env": Edit(delete_dotenv, strict=True, before=migrate_for_dotenv),
    "a variable": Edit(set_variable, strict=True),
    "a variable that is unset": Edit(unset_variables, strict=True, before=hide_drift),
    "a generated module": Edit(generate_module, strict=True),
    "a generated module, in place": Edit(
        regenerate_in_place, strict=True, before=generate_harmless_module
    ),
    "ignored data": Edit(write_ignored_data, strict=True),
    "ignored data, in place": Edit(rewrite_ignored_data, strict=True, before=write_harmless_data),
    "an ignored file that nobody reads": Edit(write_unread_ignored, 0, fast=True),
    "an ignored module before a package": Edit(shadow_package, strict=True),
    "an ignored package before a module": Edit(shadow_module, strict=True),
    "an upgraded package": Edit(upgrade_package, strict=True),
    "an edited package": Edit(edit_package, strict=True),
    "an optional package": Edit(install_optional, strict=True),
    "an uninstalled package": Edit(uninstall_package, 2, strict=True),
    "what Python runs when it starts": Edit(customise_python, strict=True),
    "another Python": Edit(use_other_python, strict=True),
    "README.md": Edit(edit_readme, 0, fast=True),
    "another pinned version": Edit(pin_another_version, 0, fast=True, before=write_requirements),
    "a deleted README.md": Edit(delete_readme, 0, fast=True),
    "a module that nobody imports": Edit(add_unrelated_module, 0, fast=True),
}


# What a developer does with git; only together with other edits.


def stage(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.git("add", ".")


def stage_one(many_inputs: ManyInputs, number: int) -> None:
    files = many_inputs.git("ls-files", "-z", "--modified", "--others", "--exclude-standard").split(
        "\0"
    )
    many_inputs.git("add", "--", files[number % len(files)])


def unstage(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.git("reset", "--quiet")


def untrack(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.git("rm", "--quiet", "--cached", "farm/data/crops.txt")


def revert_models(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.git("checkout", "HEAD", "--", MODELS)


def reset(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.git("reset", "--quiet", "--hard")
    many_inputs.git("clean", "--quiet", "-fd")


def commit(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.git("commit", "--quiet", "--no-verify", "-m", "A change")


def commit_models(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.git("commit", "--quiet", "--no-verify", "-m", "Models", "--", MODELS)


def amend(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.git("commit", "--quiet", "--no-verify", "--amend", "--no-edit")


def uncommit(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.git("reset", "--quiet", "--soft", "HEAD~1")


def stash(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.git("stash", "--quiet", "--include-untracked")


def pop(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.git("stash", "pop", "--quiet", "--index")


def branch(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.git("switch", "--quiet", "-c", f"branch{number}")


def switch(many_inputs: ManyInputs, number: int) -> None:
    many_inputs.git("switch", "--quiet", f"branch{number}")


def switch_back(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.git("switch", "--quiet", "main")


def use_usual_python(many_inputs: ManyInputs, _number: int) -> None:
    many_inputs.project.environ.pop("ALEMBIC_LOCKSTEP_PYTHON", None)


def start_anew(many_inputs: ManyInputs) -> None:
    """Have all be as the last commit has it, and the environment as at first."""
    reset(many_inputs, 0)
    many_inputs.git("clean", "--quiet", "-fdx", "-e", ".venv")
    unset_variables(many_inputs, 0)
    use_usual_python(many_inputs, 0)
    reinstall_package(many_inputs, 0)
    for name in ("tractor", "started"):
        many_inputs.uninstall(name)
    (many_inputs.libraries / "started.pth").unlink(missing_ok=True)


STEPS: dict[str, Do] = {
    **{name: edit.do for name, edit in EDITS.items()},
    "drift": let_drift,
    "the missing migration": write_migration,
    "a reader of a docstring": read_docstring,
    "a harmless generated module": generate_harmless_module,
    "harmless ignored data": write_harmless_data,
    "the package as it was": reinstall_package,
    "the usual Python": use_usual_python,
    "git add .": stage,
    "git add FILE": stage_one,
    "git reset": unstage,
    "git rm --cached": untrack,
    "git checkout FILE": revert_models,
    "git reset --hard": reset,
    "git commit": commit,
    "git commit FILE": commit_models,
    "git commit --amend": amend,
    "git reset --soft": uncommit,
    "git stash": stash,
    "git stash pop": pop,
    "git switch -c": branch,
    "git switch": switch,
    "git switch main": switch_back,
}
