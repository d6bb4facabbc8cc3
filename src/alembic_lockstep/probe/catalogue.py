"""Locate the models: the class and the attribute behind each table and column.

Reads what SQLAlchemy knows after the models were imported and configures nothing: a project
whose relationships are broken still has tables.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from inspect import getattr_static
from typing import Any, Dict, Iterator, List, Sequence, Set, Tuple

from sqlalchemy import MetaData, Table
from sqlalchemy.orm import registry as orm_registry

from .database_facts import Catalogue
from .modules import globals_of

INSTALLED = {"site-packages", "dist-packages", ".venv", "venv"}


def catalogue(metadatas: Sequence[MetaData], root: str) -> Catalogue:
    """Describe the targeted models and their source files, as JSON-able data.

    `root` is the checkout's absolute real path. `tables` maps `Table.key` to the mapped
    class's file (POSIX, from the root) and qualified name, and to its columns by their name
    in the database: the file, the class and the attribute that makes each. A table without
    a mapped class has empty strings; so has the file of an installed package. `bases` lists
    `[module, name]` of everything that a targeted model can be built on; `modules` every
    loaded file of the repository.
    """
    files = {name: _file(module, root) for name, module in list(sys.modules.items())}
    tables: Dict[str, Any] = {}
    for metadata in metadatas:
        for table in list(metadata.tables.values()):
            # One database has one table of a name, whichever of its metadatas is first.
            tables.setdefault(table.key, {"file": "", "class": "", "columns": {}})
    mappers = _mappers(metadatas)
    for mapper in mappers:
        _describe(mapper, tables[mapper.local_table.key], files)
    return {
        "tables": tables,
        "bases": [list(base) for base in sorted(_bases(metadatas, mappers, files))],
        "modules": sorted({path for path in files.values() if path}),
    }


def _file(module: Any, root: str) -> str:
    """Return the module's path from the root; empty for modules outside of the repository."""
    path = globals_of(module).get("__file__")
    if not isinstance(path, str) or not path.endswith(".py"):
        return ""
    folder, name = os.path.split(path)
    path = os.path.realpath(path) if os.path.islink(path) else os.path.join(_real(folder), name)
    if not path.startswith(root + os.sep) or path.startswith(_real(sys.prefix) + os.sep):
        return ""
    parts = path[len(root) + 1 :].split(os.sep)
    return "" if INSTALLED.intersection(parts) else "/".join(parts)


@lru_cache(maxsize=None)  # thousands of modules lie in a few folders
def _real(folder: str) -> str:
    return os.path.realpath(folder)


def _mappers(metadatas: Sequence[MetaData]) -> List[Any]:
    """Return the mappers onto targeted tables, parents before their subclasses."""
    targeted = {id(table) for metadata in metadatas for table in metadata.tables.values()}
    mappers = {
        mapper
        for registry in _registries()
        for mapper in _mapped(registry)
        if isinstance(mapper.local_table, Table) and id(mapper.local_table) in targeted
    }
    return sorted(mappers, key=_rank)


def _rank(mapper: Any) -> Tuple[int, str, str]:
    # Mappers live in sets; the catalogue must not change from run to run.
    depth = len(list(mapper.iterate_to_root()))
    return depth, mapper.class_.__module__, mapper.class_.__qualname__


def _registries() -> Iterator[Any]:
    # `sqlalchemy.orm.mapper` is a function that hides the module of that name. The list of
    # all registries is private; without it, those that modules name are nearly all.
    mapperlib = sys.modules["sqlalchemy.orm.mapper"]
    try:
        yield from list(mapperlib._all_registries())
    except AttributeError:
        for module in list(sys.modules.values()):
            for thing in list(globals_of(module).values()):
                candidate = _static(thing, "registry") if isinstance(thing, type) else thing
                if isinstance(candidate, orm_registry):
                    yield candidate


def _mapped(registry: Any) -> List[Any]:
    try:
        return list(registry.mappers)
    except Exception:  # one class whose mapping failed hides the others of its registry
        managers = list(getattr(registry, "_managers", ()))
        return [manager.mapper for manager in managers if manager.is_mapped]


def _describe(mapper: Any, table: Dict[str, Any], files: Dict[str, str]) -> None:
    """Note the mapper's class for its table and for the columns that no parent class defined."""
    cls = mapper.class_
    # Without a `__tablename__` the table is made by a `Table(...)`, in `__table__` or mapped
    # imperatively. A single-table child finds its parent's entry.
    if not table["class"]:
        if not _static(cls, "__tablename__"):
            return
        table.update({**_defined_in(cls, files), "class": cls.__qualname__})
    for name, attribute in _attributes(mapper):
        if name not in table["columns"]:
            definer = _definer(cls, attribute)
            table["columns"][name] = {
                **_defined_in(definer, files),
                "class": definer.__qualname__,
                "attribute": attribute,
            }


def _defined_in(cls: type, files: Dict[str, str]) -> Dict[str, str]:
    """Return the repository's file that defines a class, or else the module of a package."""
    file = files.get(cls.__module__, "")
    return {"file": file} if file else {"file": "", "module": cls.__module__}


def _attributes(mapper: Any) -> Iterator[Tuple[str, str]]:
    """Yield column names and attributes of the mapper's own table."""
    # `mapper.column_attrs` would configure all mappers, and raise for a broken relationship.
    # `mapper.columns` is public, but knows one column of an attribute that joins two tables.
    try:
        pairs = [(column, prop.key) for column, prop in mapper._columntoproperty.items()]
    except AttributeError:
        pairs = [(column, key) for key, column in mapper.columns.items()]
    own = {id(column): str(column.name) for column in mapper.local_table.columns}
    for column, key in pairs:
        if id(column) in own:
            yield own[id(column)], str(key)


def _definer(cls: type, attribute: str) -> type:
    """Return the class whose body makes the attribute: the mapped class, a mixin, an abstract base.

    Mapping copies every mixin's columns onto the mapped class, so its own `vars()` do not
    help. A class that overrides a mixin's column without an annotation is not recognised
    here; the host sees that in the source.
    """
    if attribute in _annotations(cls):
        return cls
    for base in cls.__mro__[1:]:
        if "__mapper__" not in vars(base) and _defines(base, attribute):
            return base
    return cls


def _defines(cls: type, attribute: str) -> bool:
    if attribute in vars(cls):
        return True
    annotation = _annotations(cls).get(attribute)
    if annotation is None:
        return False
    # A bare `id: int` helps type checkers only, except in a pydantic (SQLModel) class.
    if "Mapped" in str(annotation):
        return True
    return any(base.__module__.partition(".")[0] == "pydantic" for base in cls.__mro__)


def _annotations(cls: type) -> Dict[str, Any]:
    if sys.version_info >= (3, 14):
        import annotationlib

        try:
            return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
        except Exception:  # the annotations are the project's code
            return {}
    return vars(cls).get("__annotations__") or {}


def _bases(
    metadatas: Sequence[MetaData], mappers: List[Any], files: Dict[str, str]
) -> Set[Tuple[str, str]]:
    """Return module and name of everything that a model of these metadatas can be built on."""
    targeted = {id(metadata) for metadata in metadatas}
    classes = {base for mapper in mappers for base in mapper.class_.__mro__}
    bases = set()
    for module in [name for name, path in files.items() if path]:
        for name, thing in list(globals_of(sys.modules.get(module)).items()):
            if targeted.intersection(map(id, _metadatas_of(thing))):
                bases.add((module, name))
                if isinstance(thing, type):
                    classes.add(thing)
    # A project without a model yet may name SQLModel in env.py only, which is no module.
    sqlmodel = globals_of(sys.modules.get("sqlmodel")).get("SQLModel")
    if isinstance(sqlmodel, type):
        classes.add(sqlmodel)
    for cls in classes:
        if targeted.intersection(map(id, _metadatas_of(cls))):
            bases.update(_homes(cls))
    return bases


def _homes(cls: type) -> Iterator[Tuple[str, str]]:
    """Yield where a class can be imported from: its module and the top package's re-export."""
    for module in {cls.__module__, cls.__module__.partition(".")[0]}:
        if globals_of(sys.modules.get(module)).get(cls.__name__) is cls:
            yield module, cls.__name__


def _metadatas_of(thing: Any) -> List[Any]:
    """Return the metadatas to which tables made through a module's global belong.

    Globals may be anything: a `flask.current_app` or a settings object runs code, or raises,
    for any attribute, `__class__` (thus `isinstance`) included. So `type()` decides, and
    attributes are read of known types only.
    """
    kinds = type(thing).__mro__
    if MetaData in kinds:
        return [thing]
    if type in kinds:
        registry = _static(thing, "registry") or _static(thing, "_sa_registry")
        return [_static(thing, "metadata") or _attribute(registry, "metadata")]
    if orm_registry in kinds:
        return [_attribute(thing, "metadata")]
    # Flask-SQLAlchemy, its forks and subclasses; the binds' metadatas since version 3.
    if any(kind.__name__ == "SQLAlchemy" for kind in kinds):
        binds = _attribute(thing, "metadatas")
        return [_attribute(thing, "metadata"), *(binds.values() if type(binds) is dict else ())]
    return []


def _attribute(thing: Any, name: str) -> Any:
    try:
        return getattr(thing, name, None)
    except Exception:  # a property may raise anything, outside an application context say
        return None


def _static(cls: type, name: str) -> Any:
    """Return the attribute as it stands in the class or a base, without running a descriptor."""
    try:
        return getattr_static(cls, name, None)
    except Exception:  # a metaclass may break even this
        return None
