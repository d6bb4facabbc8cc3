"""Name the PostgreSQL extension that a server lacks, by the server's message.

The host imports this, too, so it imports no SQLAlchemy.
"""

from __future__ import annotations

import re

_OF = (
    (re.compile(r"function (?:\w+\.)?uuid_(?:generate_v\d\w*|nil|ns_\w+)\("), "uuid-ossp"),
    (re.compile(r"function (?:\w+\.)?(?:crypt|gen_salt|digest|gen_random_uuid)\("), "pgcrypto"),
    (re.compile(r'type "(?:\w+\.)?(?P<own>citext|hstore|ltree|vector|cube|isn|seg)" does'), ""),
    (re.compile(r'type "(?:\w+\.)?(?:geo\w+|raster|box[23]d)" does not'), "postgis"),
    (re.compile(r"function (?:\w+\.)?(?:similarity|show_trgm)\("), "pg_trgm"),
    (re.compile(r"function (?:\w+\.)?(?P<own>unaccent)\("), ""),
    (re.compile(r'operator class "(?:\w+\.)?(?:gin|gist)_trgm_ops" does not'), "pg_trgm"),
    (re.compile(r'no default operator class for access method "gist"'), "btree_gist"),
    (re.compile(r'no default operator class for access method "gin"'), "btree_gin"),
)


def extension_for(message: str) -> str:
    """Return the missing extension that a server's message points to; "" if none does."""
    for pattern, name in _OF:
        lack = pattern.search(message)
        if lack:
            return name or lack["own"]
    return ""
