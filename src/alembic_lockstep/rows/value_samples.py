"""Values of types that have neither a length nor an edge."""

from __future__ import annotations

#: A value as text in the server's notation, a number, bytes, or SQL (`Expression`).
Value = str | int | bytes

#: How many usual values a column has at most.
COUNT = 12


class Expression(str):
    """SQL that makes a value."""

    __slots__ = ()


def _numbered(template: str) -> tuple[Value, ...]:
    return tuple(template.format(number) for number in range(1, COUNT))


def _shapes(*texts: str) -> tuple[Value, ...]:
    return tuple(Expression(f"ST_GeomFromText('{text}')") for text in texts)


_POINTS = tuple(f"POINT({number} {number})" for number in range(1, COUNT))
SAMPLES: dict[str, tuple[Value, ...]] = {
    "inet": (*_numbered("192.0.2.{}"), "2001:db8::1/64"),
    "inet4": _numbered("192.0.2.{}"),
    "inet6": _numbered("2001:db8::{}"),
    "cidr": _numbered("192.0.{}.0/24"),
    "macaddr": _numbered("08:00:2b:01:02:{:02x}"),
    "macaddr8": _numbered("08:00:2b:01:02:03:04:{:02x}"),
    "interval": (*_numbered("{} days 01:02:03"), "-1 mons", "00:00:00"),
    "money": (*_numbered("{}.50"), "-5.25"),
    "year": (*range(2001, 2001 + COUNT), 1901, 2155),
    "hstore": (*_numbered('"key"=>"{}"'), ""),
    "ltree": _numbered("top.part{}"),
    "lquery": _numbered("top.*{{{}}}"),
    "tsvector": _numbered("'word{}':1"),
    "tsquery": _numbered("'word{}'"),
    "xml": _numbered("<a>{}</a>"),
    "jsonpath": _numbered('$."a{}"'),
    "pg_lsn": _numbered("0/{}"),
    "xid": _numbered("{}"),
    "xid8": _numbered("{}"),
    "point": _numbered("({},1)"),
    "line": _numbered("{{{},1,1}}"),
    "lseg": _numbered("[({},1),(2,2)]"),
    "box": _numbered("({},1),(0,0)"),
    "path": _numbered("[({},1),(2,2)]"),
    "polygon": _numbered("(({},1),(2,2),(3,0))"),
    "circle": _numbered("<({},1),2>"),
    "cube": _numbered("({},1)"),
    "seg": _numbered("{} .. 20"),
    "geometry": _numbered("POINT({} 1)"),
    "geography": _numbered("POINT({} 1)"),
    "regclass": ("pg_class", "pg_type"),
    "regtype": ("int4", "text"),
}
MYSQL_SHAPES: dict[str, tuple[Value, ...]] = {
    "geometry": _shapes(*_POINTS),
    "point": _shapes(*_POINTS),
    "linestring": _shapes("LINESTRING(0 0,1 1)", "LINESTRING(0 0,2 2)"),
    "polygon": _shapes("POLYGON((0 0,1 0,1 1,0 0))", "POLYGON((0 0,2 0,2 2,0 0))"),
    "multipoint": _shapes("MULTIPOINT(0 0,1 1)"),
    "multilinestring": _shapes("MULTILINESTRING((0 0,1 1))"),
    "multipolygon": _shapes("MULTIPOLYGON(((0 0,1 0,1 1,0 0)))"),
    "geometrycollection": _shapes("GEOMETRYCOLLECTION(POINT(1 1))"),
}
