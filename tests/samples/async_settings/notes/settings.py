"""Settings, from the environment or from a .env file that git does not keep."""

import os
from pathlib import Path

ENV_FILE = Path(__file__).resolve().parent.parent / ".env"


def read_env_file(path):
    """The NAME=value lines of a file; an absent file has none."""
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


class Settings:
    """What the application cannot start without."""

    def __init__(self):
        values = {**read_env_file(ENV_FILE), **os.environ}
        self.app_secret = values["APP_SECRET"]
        self.database_url = values["DATABASE_URL"]


settings = Settings()
