"""Messages of database drivers, which may hold a password."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote


def safe_message(error: Exception, secrets: Iterable[str], shown: str) -> str:
    """Give a driver's message as one line, or nothing of it if it holds a secret.

    Args:
        error: What the driver raised.
        secrets: Passwords, as they stand in a URL or unescaped.
        shown: What is shown of the URL anyway: a password that is the user's name as well is
            no secret.
    """
    message = " ".join(str(error).split())
    hidden = {one for secret in secrets for one in (secret, unquote(secret)) if one not in shown}
    if any(one in message.replace("password authentication failed", "") for one in hidden):
        return f"{type(error).__name__} (its message holds the password)"
    return message
