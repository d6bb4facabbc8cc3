"""Collects the names of columns from everywhere."""

import importlib
import json
import os
from pathlib import Path

from farm import settings

try:
    from tractor import COLUMNS as OF_TRACTORS
except ImportError:
    OF_TRACTORS = []

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "farm" / "data"
PLUGINS = ROOT / "farm" / "plugins"


def wanted_columns():
    names = [
        *json.loads((DATA / "crops.json").read_text()),
        *(line.removeprefix("- ") for line in (DATA / "crops.yaml").read_text().splitlines()),
        *(DATA / "crops.txt").read_text().split(),
        *(DATA / "meal.txt").read_text().split(),
        *os.listdir(DATA / "fields"),
        *of_plugins(),
        *settings.COLUMNS,
        *OF_TRACTORS,
    ]
    breeds = ROOT / "local" / "breeds.txt"
    if os.path.isfile(breeds):
        names += breeds.read_text().split()
    return sorted(set(names))


def of_plugins():
    for file in sorted(PLUGINS.glob("[a-z]*.py")):
        plugin = importlib.import_module(f"farm.plugins.{file.stem}")
        yield from getattr(plugin, "COLUMNS", ())
