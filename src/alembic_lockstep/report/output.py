"""Output of reports: to the terminal in one format, to files in others."""

from __future__ import annotations

import os
import re
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import click

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.report.report import Report
from alembic_lockstep.system.streams import discard

FORMATS = ("full", "concise", "github", "gitlab", "sarif", "json", "junit", "markdown")
# The formats for people report a failure on standard error only.
_FOR_PEOPLE = ("full", "concise")
_JSON = ("json", "sarif", "gitlab")
# `.json` is this tool's own format; GitLab's has to be named.
ENDINGS = {".sarif": "sarif", ".xml": "junit", ".md": "markdown", ".json": "json"}


def render(name: str, report: Report) -> str:
    """Return a report in a format, whose module is imported when it is needed.

    Names in it that a CI would take for commands in its log are escaped.
    """
    from alembic_lockstep.report.text import without_commands

    if report.failure and name in _FOR_PEOPLE:
        from alembic_lockstep.report import failure

        return without_commands(failure.render(report.failure))
    text: str = import_module(f"alembic_lockstep.report.{name}").render(report)
    return text if name == "github" else without_commands(text, is_json=name in _JSON)


@dataclass(frozen=True)
class OutputFile:
    """A file for a report, and the report's format."""

    format: str
    path: Path


def output_file(value: str) -> OutputFile:
    """Parse `[FORMAT=]FILE`; without a format, the file's ending decides.

    Raises:
        click.BadParameter: The format or the ending is unknown.
    """
    match = re.fullmatch(r"([A-Za-z]+)=(.+)", value, re.DOTALL)
    path = Path(match[2] if match else value)
    name = match[1] if match else ENDINGS.get(path.suffix, "")
    if name in FORMATS:
        return OutputFile(name, path)
    problem = f"unknown format '{name}'" if name else f"the ending of '{path}' belongs to no format"
    raise click.BadParameter(f"{problem}; write FORMAT={path}, FORMAT being {', '.join(FORMATS)}")


@dataclass
class Output:
    """Outputs of a run: standard output and files.

    Attributes:
        format: The format of standard output.
        files: Files, and their formats.
        begun: Writing the reports has begun, and may have failed.
    """

    format: str = "full"
    files: tuple[OutputFile, ...] = ()
    begun: bool = False

    def needs(self, name: str) -> bool:
        """Return whether an output has a format."""
        return name in (self.format, *(file.format for file in self.files))

    def write(self, report: Report) -> None:
        """Write all reports, and the closing lines to standard error.

        Raises:
            CouldNotJudge: A file cannot be written; the others are.
        """
        self.begun = True
        unwritten: list[str] = []
        fix = ""
        if not (report.failure and self.format in _FOR_PEOPLE):
            unwritten += _print(render(self.format, report), err=False)
        unwritten += _print(_closing(report), err=True)
        for file in self.files:
            problems = write_file(file.path, click.unstyle(render(file.format, report)))
            if problems:
                unwritten += problems
                fix = _elsewhere(file)
        if unwritten:
            raise CouldNotJudge(f"no report can be written to {'; '.join(unwritten)}", fix=fix)

    def fail(self, error: CouldNotJudge) -> None:
        """Report that there is no verdict; after a written verdict, on standard error only."""
        report = Report(failure=error)
        if self.begun:
            _print(_closing(report), err=True)
            return
        try:
            self.write(report)
        except CouldNotJudge as unwritten:
            _print(_closing(Report(failure=unwritten)), err=True)


def _elsewhere(file: OutputFile) -> str:
    """Return how to write a report where every user may write."""
    name = shlex.quote(file.path.name)
    return (
        "Write it to a folder that is yours, for example:\n"
        f'alembic-lockstep check --output {file.format}="${{TMPDIR:-/tmp}}"/{name}'
    )


def _closing(report: Report) -> str:
    from alembic_lockstep.report.text import printable, without_commands

    if report.failure:
        return render("full", report)
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
        if isinstance(error, BrokenPipeError):  # its reader has gone away
            return []
        return [f"standard {'error' if err else 'output'}: {error.strerror}"]
    return []


def _coloured() -> bool | None:
    """Return whether to colour; None: on terminals only. NO_COLOR wins (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    forced = os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE") == "1"
    return True if forced else None


def write_file(path: Path, text: str) -> list[str]:
    """Write a file; return why that failed, with its name, or nothing."""
    try:
        _write(path, text)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        return [f"{path}: {getattr(error, 'strerror', None) or error}"]
    return []


def _write(path: Path, text: str) -> None:
    """Write a file completely or not at all, and make its folders."""
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
