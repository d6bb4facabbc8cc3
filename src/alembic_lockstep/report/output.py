"""Where reports go: to the terminal in one format, to files in others."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import click

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.report.report import Report
from alembic_lockstep.streams import discard

FORMATS = ("full", "concise", "github", "gitlab", "sarif", "json", "junit", "markdown")
# What is for people says on standard error why there is no verdict, and nothing in its place.
_FOR_PEOPLE = ("full", "concise")
_JSON = ("json", "sarif", "gitlab")
# A report that ends in `.json` is in our own format: GitLab's needs to be named.
ENDINGS = {".sarif": "sarif", ".xml": "junit", ".md": "markdown", ".json": "json"}


def render(name: str, report: Report) -> str:
    """A report in a format, of which the module is imported when it is needed.

    No name in it is a command to a CI in whose log it is shown, but for those meant.
    """
    from alembic_lockstep.report.text import without_commands

    text: str = import_module(f"alembic_lockstep.report.{name}").render(report)
    return text if name == "github" else without_commands(text, is_json=name in _JSON)


@dataclass(frozen=True)
class OutputFile:
    """A file that a report is written to, in a format."""

    format: str
    path: Path


def output_file(value: str) -> OutputFile:
    """Read `[FORMAT=]FILE`; without a format the ending tells.

    Raises:
        click.BadParameter: there is no such format or ending.
    """
    match = re.fullmatch(r"([A-Za-z]+)=(.+)", value, re.DOTALL)
    path = Path(match[2] if match else value)
    name = match[1] if match else ENDINGS.get(path.suffix, "")
    if name in FORMATS:
        return OutputFile(name, path)
    wrong = f"no format is called '{name}'" if name else f"the name '{path}' tells no format"
    raise click.BadParameter(f"{wrong}; write FORMAT={path}, FORMAT being {', '.join(FORMATS)}")


@dataclass
class Output:
    """The reports that were asked for.

    Attributes:
        format: That of standard output.
        begun: Reports were written, whatever came of it.
    """

    format: str = "full"
    files: tuple[OutputFile, ...] = ()
    begun: bool = False

    def needs(self, name: str) -> bool:
        """Whether a format was asked for."""
        return name in (self.format, *(file.format for file in self.files))

    def write(self, report: Report) -> None:
        """Write all reports, and the closing lines to standard error.

        Raises:
            CouldNotJudge: a file cannot be written; the others are.
        """
        self.begun = True
        unwritten = []
        if not (report.failure and self.format in _FOR_PEOPLE):
            unwritten += _print(render(self.format, report), err=False)
        unwritten += _print(_closing(report), err=True)
        for file in self.files:
            text = render(file.format, report)
            try:
                _write(file.path, click.unstyle(text))
            except (OSError, ValueError) as error:  # a path with a null character
                why = getattr(error, "strerror", None) or error
                unwritten.append(f"{file.path}: {why}")
        if unwritten:
            raise CouldNotJudge(f"no report can be written to {'; '.join(unwritten)}")

    def fail(self, error: CouldNotJudge) -> None:
        """Write that there is no verdict; where a verdict was written, to standard error only."""
        report = Report(failure=error)
        if self.begun:
            _print(_closing(report), err=True)
            return
        try:
            self.write(report)
        except CouldNotJudge as unwritten:
            _print(_closing(Report(failure=unwritten)), err=True)


def _closing(report: Report) -> str:
    from alembic_lockstep.report import failure
    from alembic_lockstep.report.text import printable, without_commands

    if report.failure:
        return without_commands(failure.render(report.failure))
    return without_commands("".join(f"{printable(line)}\n" for line in report.summary))


def _print(text: str, *, err: bool) -> list[str]:
    """Print a text; return why that failed, with the stream's name, or nothing."""
    stream = sys.stderr if err else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    shown = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        click.echo(shown, nl=False, err=err, color=_coloured())
    except OSError as error:
        discard(stream)
        if isinstance(error, BrokenPipeError):  # its reader wants no more of it
            return []
        return [f"standard {'error' if err else 'output'}: {error.strerror}"]
    return []


def _coloured() -> bool | None:
    """Whether to colour, or None: on terminals. By https://no-color.org NO_COLOR beats the rest."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    forced = os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE") == "1"
    return True if forced else None


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all, and the folders above it."""
    content = text.encode("utf-8", "backslashreplace")
    if path.exists() and not path.is_file():  # a pipe, /dev/stderr
        path.write_bytes(content)
        return
    path = path.resolve()  # through a link
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".alembic-lockstep-{os.getpid()}")
    try:
        new.write_bytes(content)
        new.replace(path)
    finally:
        with suppress(OSError):
            new.unlink()
