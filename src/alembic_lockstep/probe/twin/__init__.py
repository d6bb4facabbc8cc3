"""The second opinion: the database that the models make, beside the one that the migrations make.

Autogenerate compares Python objects with what SQLAlchemy reflects, and is silent on what it cannot
bring to one form: CHECK constraints, enum labels, expressions, predicates, sequences, defaults.
The server can: it has written down both databases in its own words.
"""
