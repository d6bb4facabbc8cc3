"""What the one who runs the farm sets: in a variable, in `.env`, in a generated module."""

import os
from pathlib import Path

try:
    from farm.settings_local import COLUMNS as GENERATED
except ImportError:
    GENERATED = []

ENV_FILE = Path(__file__).resolve().parent.parent / ".env"


def read_env(file):
    if not file.exists():
        return {}
    lines = file.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


VALUES = {**read_env(ENV_FILE), **os.environ}
COLUMNS = [*GENERATED, *VALUES.get("FARM_COLUMNS", "").split()]
