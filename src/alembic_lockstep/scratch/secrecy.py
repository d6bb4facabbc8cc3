"""Messages of database drivers, which may hold a password."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote


def safe_message(error: Exception, secrets: Iterable[str], shown: str) -> str:
    """Return a driver's message as one line, or only its type if it holds a secret.

    Args:
        error: The driver's exception.
        secrets: Passwords, as in the URL or unescaped.
        shown: The part of the URL that is shown anyway: a password that is also the user's name
            is no secret.
    """
    message = " ".join(str(error).split())
    spellings = {spelling for secret in secrets for spelling in (secret, unquote(secret))}
    searched = message.replace("password authentication failed", "")
    if any(spelling in searched for spelling in spellings if spelling not in shown):
        return f"{type(error).__name__} (its message holds the password)"
    return message
