"""Exceptions are described for the host: failed imports, refusals, the probe's own."""

from __future__ import annotations

import importlib
import os
import traceback
from collections.abc import Callable

import pytest

from alembic_lockstep.probe import protocol
from alembic_lockstep.probe.exceptions import describe_error
from alembic_lockstep.probe.project import (
    MissingAttributeError,
    NoAlchemyConfigError,
    NoMigrateError,
)
from alembic_lockstep.probe.questions import NoMetadataError, NotMigratedError
from alembic_lockstep.probe.refusals import Refusals


def fail_to_import() -> None:
    importlib.import_module("no_such_module")


def flask() -> None:
    """Raise as `flask.cli.locate_app()` does."""
    try:
        fail_to_import()
    except ImportError:
        text = traceback.format_exc()
        raise RuntimeError(f"While importing 'app', an ImportError was raised:\n\n{text}") from None


def flask_module() -> None:
    """Raise as `flask.cli.locate_app()` does for the module of the application itself."""
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


def refuse(*, is_permissible: bool = True) -> None:
    raise Refusals("/nowhere").program("os.system", "curl", is_permissible=is_permissible)


def quoted() -> None:
    try:
        refuse()
    except OSError as error:
        raise RuntimeError(f"no exchange rates: {error}") from None


def after_a_refusal() -> None:
    try:
        refuse()
    except OSError:
        os.environ["NO_SUCH_VARIABLE"]


@pytest.mark.parametrize(
    ("failing", "program"),
    [
        (refuse, "curl"),
        (quoted, "curl"),
        (after_a_refusal, ""),
        (lambda: refuse(is_permissible=False), ""),
    ],
)
def test_a_program_that_a_setting_would_permit_is_named(
    failing: Callable[[], None], program: str
) -> None:
    with pytest.raises((OSError, RuntimeError, KeyError)) as caught:
        failing()
    assert describe_error(caught.value, "/nowhere")["program"] == program


def test_an_attribute_that_the_configuration_lacks_is_named() -> None:
    error = MissingAttributeError("connection")
    assert describe_error(error, "/nowhere")["attribute"] == "connection"


def test_the_protocol_has_the_names_of_the_probes_own_exceptions() -> None:
    assert [kind.__name__ for kind in (NoAlchemyConfigError, NoMetadataError, NoMigrateError)] == [
        protocol.NO_ALCHEMY_CONFIG,
        protocol.NO_METADATA,
        protocol.NO_MIGRATE,
    ]
    assert NotMigratedError.__name__ == protocol.NOT_MIGRATED
    assert MissingAttributeError.__name__ == protocol.MISSING_ATTRIBUTE
