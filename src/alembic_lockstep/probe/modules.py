"""Look at loaded modules without running any code of them.

A lazy module has a `__getattr__`. Reading a `__file__` that it lacks would import modules that the
project itself did not: langflow's would load the whole of `openai`.
"""

from __future__ import annotations

import sys
from typing import Any, Dict


def globals_of(module: Any) -> Dict[str, Any]:
    """Return a module's globals; sys.modules also holds None and objects that pose as modules."""
    try:
        attributes: Dict[str, Any] = vars(module)
    except Exception:
        return {}
    return attributes


def loaded_files() -> Dict[str, str]:
    """Return the files of the modules that have one, by the modules' names."""
    files = {name: globals_of(module).get("__file__") for name, module in list(sys.modules.items())}
    return {name: file for name, file in files.items() if isinstance(file, str)}
