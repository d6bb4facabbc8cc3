"""Measure the structure of the source: `python3 dev.py measure`.

Prints circles of imports, module and class names that occur twice, the share of vague names among
local bindings, lines, long modules and long functions. `--check`, a part of `dev.py lint`, prints
what must not come back: circles, names that occur twice, vague names, and docstrings of functions
that begin with neither a verb nor the noun.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

PACKAGE = "alembic_lockstep"
SOURCE = Path(__file__).resolve().parent.parent / "src" / PACKAGE
LONG_MODULE, LONG_FUNCTION = 300, 40

# Names that say nothing about what they hold (pre-commit has 0.9 % of them, Alembic 2.7 %).
VAGUE = {"found", "given", "kept", "known", "made", "one", "place", "seen", "told", "what"}
# First words of a docstring that say neither what a function does nor what it returns.
VAGUE_OPENERS = {"How", "It", "Of", "The", "Those", "What", "Where", "Whether", "Which", "Why"}

Functions = (ast.FunctionDef, ast.AsyncFunctionDef)


def main(arguments: list[str]) -> int:
    """Print the figures, or with `--check` the faults; return 1 if there are any."""
    sources = {path: ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}
    if arguments == ["--check"]:
        messages = list(faults(sources))
        print(*messages, sep="\n", end="\n" if messages else "")
        return bool(messages)
    lines = {path: len(path.read_text().splitlines()) for path in sources}
    names = [name for tree in sources.values() for _, name in bindings(tree)]
    vague = sum(name in VAGUE for name in names)
    print(f"modules                  {len(sources)}")
    print(f"lines of source          {sum(lines.values())}")
    long_modules = [path for path, count in lines.items() if count > LONG_MODULE]
    print(f"modules over {LONG_MODULE} lines   {len(long_modules)}", *map(_name, long_modules))
    long = [
        f"{_name(path)}.{function.name}"
        for path, tree in sources.items()
        for function in ast.walk(tree)
        if isinstance(function, Functions)
        and (function.end_lineno or 0) - function.lineno >= LONG_FUNCTION
    ]
    print(f"functions over {LONG_FUNCTION} lines  {len(long)}", *long)
    circles = list(circular(imports(sources)))
    print(f"circles of imports       {len(circles)}", *(" + ".join(circle) for circle in circles))
    print("module names twice      ", *_twice(path.stem for path in sources) or ["none"])
    classes = (
        node.name
        for tree in sources.values()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    )
    print("class names twice       ", *_twice(classes) or ["none"])
    print(f"bindings with a vague name {vague} of {len(names)}: {100 * vague / len(names):.1f} %")
    return 0


def faults(sources: Mapping[Path, ast.Module]) -> Iterator[str]:
    """Yield a line for each fault that `--check` refuses."""
    for circle in circular(imports(sources)):
        yield f"circle of imports: {' + '.join(circle)}"
    for name in _twice(path.stem for path in sources):
        yield f"module name twice: {name}"
    for name in _twice(_classes(sources)):
        yield f"class name twice: {name}"
    for path, tree in sources.items():
        where = path.relative_to(SOURCE.parent.parent).as_posix()
        for line, name in bindings(tree):
            if name in VAGUE:
                yield f"{where}:{line}: name the thing: {name}"
        for function in ast.walk(tree):
            if isinstance(function, Functions):
                opener = (ast.get_docstring(function) or " ").split(" ")[0]
                if opener in VAGUE_OPENERS:
                    yield f"{where}:{function.lineno}: begin with a verb or the noun: {opener} …"


def bindings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and name of each variable and parameter that is bound below a node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def imports(sources: Mapping[Path, ast.Module]) -> dict[str, set[str]]:
    """Return which modules of the package each one imports when it is imported itself."""
    modules = {_module(path): tree for path, tree in sources.items()}
    graph: dict[str, set[str]] = {name: set() for name in modules}
    for name, tree in modules.items():
        for node in _imported(tree.body):
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            else:
                targets = [f"{node.module}.{alias.name}" for alias in node.names]
                targets = [target if target in modules else str(node.module) for target in targets]
            graph[name].update(target for target in targets if target in modules and target != name)
    return graph


def _imported(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports of a module's own level, those for type checkers only included."""
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif isinstance(node, (ast.If, ast.Try)):
            yield from _imported(node.body)


def circular(graph: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Yield the strongly connected components of more than one module."""
    reachable = {name: _reach(graph, name) for name in graph}
    done: set[str] = set()
    for name in graph:
        circle = [peer for peer in reachable[name] if name in reachable[peer]]
        if name not in done and circle:
            done.update(circle)
            yield sorted({name, *circle})


def _reach(graph: Mapping[str, set[str]], start: str) -> set[str]:
    reached: set[str] = set()
    queue = [*graph[start]]
    while queue:
        name = queue.pop()
        if name not in reached:
            reached.add(name)
            queue += graph[name]
    return reached


def _module(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _name(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").as_posix()


def _classes(sources: Mapping[Path, ast.Module]) -> Iterator[str]:
    statements = (node for tree in sources.values() for node in tree.body)
    return (node.name for node in statements if isinstance(node, ast.ClassDef))


def _twice(names: Iterator[str]) -> list[str]:
    return sorted(
        name for name, count in Counter(names).items() if count > 1 and name != "__init__"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
