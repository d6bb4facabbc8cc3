"""Compare the migrated database with a twin: a database that the models' `create_all()` makes.

Autogenerate compares Python objects with what SQLAlchemy reflects, and skips what it cannot bring
to one form: CHECK constraints, enum labels, expressions, predicates, sequences, defaults. The
server can: it has spelt both databases itself.
"""
