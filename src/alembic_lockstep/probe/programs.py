"""List the programs that a dry run may start without a kernel that guards it.

A child process has none of this process's guards. Programs that are not listed are refused.
"""

from __future__ import annotations

import os
import shlex
from typing import Callable, Dict, List, Optional, Sequence

Arguments = Sequence[str]


def anything(_: Arguments) -> bool:
    """Accept all arguments."""
    return True


def options_only(arguments: Arguments) -> bool:
    """Accept options: a name would set something."""
    return all(
        argument.startswith("-") and argument not in ("-F", "-b", "--file")
        for argument in arguments
    )


def one_of(*words: str) -> Callable[[Arguments], bool]:
    """Accept these words, in any order."""
    return lambda arguments: set(arguments) <= set(words)


def a_format(arguments: Arguments) -> bool:
    """Accept what `date` prints by; it would set the clock otherwise."""
    return all(
        argument.startswith("+") or argument in ("-u", "-I", "-R", "--utc")
        for argument in arguments
    )


def a_version(arguments: Arguments) -> bool:
    """Accept the question for the version, alone."""
    return len(arguments) == 1 and arguments[0] in ("--version", "-version", "-V", "-v", "version")


def git(arguments: Arguments) -> bool:
    """Accept commands of git that only read, and run no other program."""
    words = list(arguments)
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in ("-C", "--git-dir", "--work-tree"):
            words = words[1:]
        elif option in ("--version", "--help"):
            return True
        elif not option.startswith(("--git-dir=", "--work-tree=")) and option not in GIT_OPTIONS:
            return False
    if not words or any(word.startswith(GIT_ACTS) for word in words):
        return False
    return words[0] in GIT_COMMANDS and GIT_COMMANDS[words[0]](words[1:])


def listing(*options: str) -> Callable[[Arguments], bool]:
    """Accept none, or first an option that makes the command list or print something."""
    return lambda arguments: not arguments or arguments[0].partition("=")[0] in options


# fmt: off
GIT_OPTIONS = {"--no-pager", "-P", "--no-optional-locks", "--bare", "--literal-pathspecs"}
# Writes a file, or runs a program of the configuration.
GIT_ACTS = ("--output", "-o", "--ext-diff", "--textconv", "--upload-pack", "--exec", "-O", "--open")
GIT_COMMANDS: Dict[str, Callable[[Arguments], bool]] = {
    **dict.fromkeys((
        "blame", "cat-file", "check-ignore", "describe", "diff", "diff-index", "diff-tree",
        "for-each-ref", "log", "ls-files", "ls-tree", "merge-base", "name-rev", "rev-list",
        "rev-parse", "shortlog", "show", "show-ref", "status", "version",
    ), anything),
    "branch": listing("--show-current", "--list", "-l", "-a", "--all", "-r", "--remotes", "-v",
                      "-vv", "--contains", "--points-at", "--format"),
    "config": listing("--get", "--get-all", "--get-regexp", "--list", "-l", "get", "list"),
    "remote": listing("get-url", "-v", "--verbose"),
    "symbolic-ref": lambda words: sum(not word.startswith("-") for word in words) < 2,
    "tag": listing("-l", "--list", "--points-at", "--contains", "--sort"),
}
# Read and print; write nothing but their output, connect nowhere.
HARMLESS: Dict[str, Callable[[Arguments], bool]] = {
    **dict.fromkeys((
        "arch", "basename", "cat", "cut", "df", "dirname", "du", "echo", "expr", "false", "free",
        "getconf", "grep", "groups", "head", "id", "locale", "ls", "lscpu", "lsb_release", "nproc",
        "objdump", "pgrep", "printf", "ps", "pwd", "readlink", "realpath", "sleep", "stat",
        "sw_vers", "tail", "test", "tr", "true", "tty", "uname", "uptime", "wc", "which", "whoami",
        "[", ":", "type", "exit", "cd",
    ), anything),
    "file": lambda arguments: not {"-C", "--compile"} & set(arguments),
    "hostname": options_only,
    "domainname": options_only,
    "date": a_format,
    "command": lambda arguments: arguments[:1] in (["-v"], ["-V"]),
    "ldconfig": lambda arguments: "-p" in arguments,
    "stty": one_of("size", "-a"),
    "tput": one_of("cols", "lines", "colors"),
    "sysctl": lambda arguments: arguments[:1] == ["-n"] and "=" not in "".join(arguments),
    "git": git,
}
# Print their version; other arguments do more.
VERSIONED = {
    "bun", "chromium", "convert", "deno", "docker", "ffmpeg", "gcc", "cc", "ld", "clang", "java",
    "latex", "libreoffice", "magick", "node", "npm", "npx", "pandoc", "pdflatex", "perl", "php",
    "pip", "pip3", "pnpm", "poetry", "python", "python3", "redis-server", "ruby", "soffice",
    "tesseract", "uv", "wkhtmltopdf", "yarn",
}
PUNCTUATION = set(";&|<>()")
SHELLS = {"sh", "bash", "dash", "zsh", "ash", "ksh"}
# Assignments in front of a command that choose nothing but words.
LOCALE = ("LC_", "LANG=", "LANGUAGE=")
CLIENTS = {
    "psql", "pg_dump", "pg_dumpall", "pg_restore", "createdb", "dropdb", "createuser", "dropuser",
    "pgcli", "mysql", "mariadb", "mysqldump", "mariadb-dump", "mysqladmin", "mariadb-admin",
    "mysqlimport", "mycli", "sqlite3", "litecli", "sqlcmd", "bcp", "sqlplus", "usql", "cockroach",
}
# fmt: on
ADVICE = (
    "a dry run redirects only what goes through SQLAlchemy, and this program would reach the "
    "configured database. In a migration, write op.execute(Path(…).read_text()) with the SQL "
    "file's text, or op.execute() with the statement"
)


def commands(program: str, argv: Sequence[str]) -> Optional[List[List[str]]]:
    """Return the commands that a call would run, a shell's line split; None if unclear.

    Args:
        program: What is executed, which `argv[0]` may not be.
    """
    arguments = list(argv[1:])
    if os.path.basename(program) not in SHELLS:
        return [[program, *arguments]]
    if len(arguments) < 2 or arguments[0] not in ("-c", "-lc", "-ec"):
        return None
    return shell_commands(arguments[1])


def shell_commands(line: str) -> Optional[List[List[str]]]:
    """Split a shell's line into commands; None if it is more than a few plain commands."""
    if any(sign in line for sign in ("`", "$(", "<(", ">(", "\\\n")):
        return None
    lexer = shlex.shlex(line.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:
        return None
    commands_of_line: List[List[str]] = [[]]
    while words:
        word = words.pop(0)
        if word in (";", "&&", "||", "|", "&", "(", ")"):
            commands_of_line.append([])
        elif word in (">", ">>", ">&", "<", "&>"):
            if not _is_harmless_target(word, words):
                return None
            if commands_of_line[-1][-1:] in (["1"], ["2"]):
                commands_of_line[-1].pop()
        elif set(word) & PUNCTUATION:
            return None
        elif commands_of_line[-1] or not word.startswith(LOCALE):
            commands_of_line[-1].append(word)
    return [command for command in commands_of_line if command]


def _is_harmless_target(operator: str, words: List[str]) -> bool:
    target = words.pop(0) if words else ""
    if not target or set(target) & PUNCTUATION:
        return False
    return operator == "<" or target == os.devnull or (operator == ">&" and target in ("1", "2"))


def client(command: Sequence[str]) -> str:
    """Return the name of the database client that a command runs; empty if it is none."""
    name = os.path.basename(command[0])
    return name if name in CLIENTS and not a_version(command[1:]) else ""


def is_harmless(command: Sequence[str]) -> bool:
    """Return whether the table permits a command."""
    name, arguments = os.path.basename(command[0]), command[1:]
    if name in HARMLESS and HARMLESS[name](arguments):
        return True
    return name in VERSIONED | CLIENTS and a_version(arguments)
