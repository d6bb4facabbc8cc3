"""An exception that was raised for a failed import is told as that import."""

from __future__ import annotations

import importlib
import os
import traceback
from collections.abc import Callable

import pytest

from alembic_lockstep.probe.exceptions import describe_error


def fail_to_import() -> None:
    importlib.import_module("no_such_module")


def flask() -> None:
    """As `flask.cli.locate_app()` does."""
    try:
        fail_to_import()
    except ImportError:
        text = traceback.format_exc()
        raise RuntimeError(f"While importing 'app', an ImportError was raised:\n\n{text}") from None


def flask_module() -> None:
    """As `flask.cli.locate_app()` does for the module of the application itself."""
    try:
        fail_to_import()
    except ImportError:
        raise RuntimeError("Could not import 'no_such_module.app'.") from None


def chained() -> None:
    try:
        flask()
    except RuntimeError as error:
        raise SystemExit(1) from error


def explained() -> None:
    try:
        fail_to_import()
    except ImportError as error:
        raise LookupError("no plugin") from error


def recovered() -> None:
    try:
        fail_to_import()
    except ImportError:
        os.environ["NO_SUCH_VARIABLE"]


def unlike() -> None:
    try:
        fail_to_import()
    except ImportError:
        raise RuntimeError("the plugin is not configured") from None


def described(failing: Callable[[], None]) -> tuple[str, str]:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - of any kind
        failing()
    facts = describe_error(caught.value, "/nowhere")
    assert facts["raised"] == caught.type.__name__
    return facts["type"], facts["module"]


@pytest.mark.parametrize("failing", [fail_to_import, flask, flask_module, chained, explained])
def test_the_import_that_failed_is_told(failing: Callable[[], None]) -> None:
    assert described(failing) == ("ModuleNotFoundError", "no_such_module")


@pytest.mark.parametrize(("failing", "kind"), [(recovered, "KeyError"), (unlike, "RuntimeError")])
def test_a_failure_of_its_own_is_told_as_itself(failing: Callable[[], None], kind: str) -> None:
    assert described(failing) == (kind, "")


def test_the_modules_of_all_causes_are_named() -> None:
    with pytest.raises(KeyError) as caught:
        recovered()
    modules = describe_error(caught.value, "/nowhere")["modules"]
    assert {__name__, "os", "importlib"} <= {*modules}
