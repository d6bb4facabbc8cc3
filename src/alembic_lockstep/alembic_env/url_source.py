"""Tell whether an env.py can get a database's URL from nothing but its .ini file."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator

from alembic_lockstep.git.tree import Tree
from alembic_lockstep.pysource.module_index import LIBRARIES, Module, Modules, chain_of
from alembic_lockstep.pysource.source import callee, calls, keyword

# Ways in which an env.py gets another URL, a connection, or code that its imports do not name.
_OTHER_URL = re.compile(
    r"set_(?:main|section)_option|create_(?:async_)?engine|environ|getenv|\.attributes|get_engine"
    r"|x_argument|[\"']url[\"']|[\"'](?:sqlalchemy\.)?url[\"']\]\s*=|(?i:settings|conf\.|secrets)"
    r"|import_module|__import__|\b(?:exec|eval)\(|runpy|spec_from|\.path\.(?:append|insert)"
)
_ENGINES = ("engine_from_config", "async_engine_from_config")
_IMPORT = re.compile(
    r"(?m)^[ \t]*(?:from[ \t]+(?P<dots>\.*)(?P<module>[\w.]*)[ \t]+import[ \t]+"
    r"(?P<names>\([^)]*\)|[^\n#]*)|import[ \t]+(?P<modules>[^\n#]+))"
)
# Modules of Alembic through which any code reaches the configuration of the run.
_CONTEXT = re.compile(r"alembic\.(?:context|runtime)\b")


def connects_by_ini_only(script: str, tree: Tree) -> bool:
    """Return whether the engine of an env.py is made from the .ini file's section and nothing else.

    Modules of the repository that it imports are followed: one could set the URL, or hand over
    another. What cannot be read counts as if it did.

    Args:
        script: The path of env.py.
    """
    text = tree.read(script) or ""
    module = Module.parse(script, text)
    if module is None or _OTHER_URL.search(text) or not _makes_engine(module):
        return False
    modules = Modules(tree.read, tree.files)
    return not _uses_own_code(module, modules) and not any(
        _reaches_context(path, tree) for path in _imported_files(script, tree, modules)
    )


def _makes_engine(module: Module) -> bool:
    """Return whether SQLAlchemy makes each engine from a section of Alembic's configuration."""
    engines = [call for call in calls(module.tree) if callee(call) in _ENGINES]
    sections = {
        target.id
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Assign) and _is_section(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    arguments = [next(iter(call.args), keyword(call, "configuration")) for call in engines]
    are_sections = all(
        _is_section(argument) or (isinstance(argument, ast.Name) and argument.id in sections)
        for argument in arguments
    )
    loads = [node for node in _loads(module.tree) if node.id in sections]
    return (
        bool(engines)
        and are_sections
        and all(any(load is argument for argument in arguments) for load in loads)
        and all(_is_plain(call, module) for call in engines)
    )


def _is_section(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Call) and callee(node) == "get_section"


def _is_plain(call: ast.Call, module: Module) -> bool:
    """Return whether a call is of SQLAlchemy's function, with options that name no URL."""
    imported, _ = module.imports.get(next(iter(chain_of(call.func)), ""), ("", ""))
    options = {word.arg for word in call.keywords}
    return imported.partition(".")[0] == "sqlalchemy" and options.isdisjoint({None, "url"})


def _uses_own_code(module: Module, modules: Modules) -> bool:
    """Return whether an env.py uses other code than Alembic, SQLAlchemy and Python's own.

    The models' metadata may be assigned, and a module imported that declares them.
    """
    own = {name for name, (imported, _) in module.imports.items() if _is_own(imported)}
    metadata = {id(node) for value in _metadata(module.tree) for node in ast.walk(value)}
    if any(node.id in own and id(node) not in metadata for node in _loads(module.tree)):
        return True
    bare = [imported for imported, name in module.imports.values() if not name]
    unread = (each for each in bare if modules.path_of(each, module.path) is None)
    return any(map(_is_own, (*unread, *module.stars)))


def _is_own(dotted: str) -> bool:
    return dotted.partition(".")[0] not in LIBRARIES


def _metadata(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the values that are assigned or handed over as metadata, without a call."""
    for node in ast.walk(tree):
        value: ast.expr | None = None
        if isinstance(node, ast.Assign):
            names = [chain_of(target)[-1:] for target in node.targets]
            value = node.value if all("metadata" in "".join(name) for name in names) else None
        elif isinstance(node, ast.keyword) and node.arg == "target_metadata":
            value = node.value
        if value is not None and not any(calls(value)):
            yield value


def _loads(tree: ast.Module) -> Iterator[ast.Name]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node


def _reaches_context(path: str, tree: Tree) -> bool:
    """Return whether a module could change the configuration of Alembic's run."""
    text = tree.read(path) or ""
    if "alembic" not in text:
        return False
    module = Module.parse(path, text)
    if module is None:
        return True
    names = [".".join(filter(None, name)) for name in module.imports.values()]
    names += [f"{star}.context" if star == "alembic" else star for star in module.stars]
    return any(map(_CONTEXT.match, names)) or (
        "alembic" in names and _CONTEXT.search(text) is not None
    )


def _imported_files(script: str, tree: Tree, modules: Modules) -> Iterator[str]:
    """Yield the repository's files that an env.py imports, and those that they import."""
    waiting, listed = [script], {script}
    while waiting:
        importing = waiting.pop()
        for dotted in _imported_names(importing, tree.read(importing) or ""):
            parts = dotted.split(".")
            packages = (".".join(parts[:size]) for size in range(1, len(parts) + 1))
            files = (modules.path_of(package, importing) for package in packages)
            new = {path for path in files if path} - listed
            listed |= new
            waiting += sorted(new)
            yield from sorted(new)


def _imported_names(path: str, text: str) -> Iterator[str]:
    """Yield the modules that the import statements of a text may mean, by dotted name."""
    folders = posixpath.dirname(path).split("/")
    for match in _IMPORT.finditer(text):
        if match["modules"]:
            yield from (part.split()[0] for part in match["modules"].split(",") if part.split())
            continue
        parents = folders[: len(folders) - len(match["dots"]) + 1] if match["dots"] else []
        parent = ".".join(filter(None, [*parents, match["module"]]))
        names = re.findall(r"(?:^|[(,])\s*(\w+)", match["names"])
        yield from (parent, *(f"{parent}.{name}" for name in names))
