"""Write outside of the writable folders, on every Python that the probe supports."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from test_reads import pythons

from alembic_lockstep.dryrun.probe_process import PROBE

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX calls")

# Each case in a process of its own, which is forked for the sake of speed. `H` is a folder of the
# user's, `C` the checkout; the other names are what cases use.
PROGRAM = """\
import sys; sys.path.pop(0)
import importlib.util, json, os, traceback
name, folder = "alembic_lockstep_probe", sys.argv[1]
spec = importlib.util.spec_from_file_location(
    name, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
)
sys.modules[name] = importlib.util.module_from_spec(spec)
from alembic_lockstep_probe.overlay import Overlay
from alembic_lockstep_probe.shadow import Shadow
import codecs, glob, io, logging.handlers, pathlib, shutil, tempfile, zipfile
from pathlib import Path
for home, checkout, shadow, code, watched in json.load(sys.stdin):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    os.chdir(checkout)
    writes = []
    def watch(event, arguments):
        if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            writes.append(arguments[0])
        elif event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.utime"):
            writes.append(arguments[0])
    Shadow(Overlay(shadow, [checkout])).install()
    sys.addaudithook(watch)
    error = ""
    try:
        exec(code, {**globals(), "H": home, "C": checkout})
    except BaseException:
        error = traceback.format_exc()
    names = [os.fsdecode(one) for one in writes if not isinstance(one, int)]
    names = [one for one in names if os.path.abspath(one).startswith(home)]
    print(json.dumps([error, names if watched else []]), flush=True)
    os._exit(0)
"""

READ = "open(H + '/a.txt').read()"
# What is done, and what holds afterwards for the project; for the user everything stays.
CASES: Mapping[str, tuple[str, str]] = {
    "open w": ("open(H + '/a.txt', 'w').write('new')", f"{READ} == 'new'"),
    "open a": ("open(H + '/a.txt', 'a').write('+')", f"{READ} == 'one+'"),
    "open r+": ("open(H + '/a.txt', 'r+').write('X')", f"{READ} == 'Xne'"),
    "open x": ("open(H + '/n.txt', 'x').write('n')", "open(H + '/n.txt').read() == 'n'"),
    "open x of what is there": (
        "try: open(H + '/a.txt', 'x')\nexcept FileExistsError as e: name = e.filename",
        "name == H + '/a.txt'",
    ),
    "open x of what was removed": (
        "os.remove(H + '/a.txt'); open(H + '/a.txt', 'x').write('n')",
        f"{READ} == 'n'",
    ),
    "open wb unbuffered": ("open(H + '/a.txt', 'wb', 0).write(b'new')", f"{READ} == 'new'"),
    "open by bytes": ("open(os.fsencode(H) + b'/a.txt', 'w').write('new')", f"{READ} == 'new'"),
    "open by a relative name": (
        "os.chdir(H); open('a.txt', 'w').write('new')",
        f"open('a.txt').read() == {READ} == 'new'",
    ),
    "open in a folder of the user's": (
        "open(H + '/d/n.txt', 'w').write('n')",
        "sorted(os.listdir(H + '/d')) == ['b.txt', 'e', 'n.txt']",
    ),
    "open where no folder is": (
        "try: open(H + '/no/n.txt', 'w')\nexcept FileNotFoundError as e: name = e.filename",
        "name == H + '/no/n.txt'",
    ),
    "open a folder": (
        "try: open(H + '/d', 'w')\nexcept IsADirectoryError as e: name = e.filename",
        "name == H + '/d'",
    ),
    "open through a link to a file": (
        "open(H + '/link', 'w').write('new')",
        f"{READ} == 'new' and os.readlink(H + '/link') == 'a.txt'",
    ),
    "open through a link of the checkout": (
        "os.symlink(H + '/d', 'there'); open('there/b.txt', 'w').write('new')",
        "open(H + '/d/b.txt').read() == open('there/b.txt').read() == 'new'",
    ),
    "open through a link to a folder": (
        "open(H + '/dlink/b.txt', 'w').write('new')",
        "open(H + '/d/b.txt').read() == 'new'",
    ),
    "open with an opener": (
        "open(H + '/a.txt', 'w', opener=lambda p, f: os.open(p, f)).write('new')",
        f"{READ} == 'new'",
    ),
    "a file's name": ("f = open(H + '/a.txt', 'w'); g = open(H + '/a.txt')", "f.name == g.name"),
    "io.open": ("io.open(H + '/a.txt', 'w').write('new')", f"{READ} == 'new'"),
    "codecs.open": (
        "with codecs.open(H + '/a.txt', 'w', 'utf-8') as f: f.write('new')",
        f"{READ} == 'new'",
    ),
    "os.open": (
        "f = os.open(H + '/a.txt', os.O_RDWR); os.write(f, b'X')",
        f"{READ} == 'Xne'",
    ),
    "os.open O_TRUNC": ("os.open(H + '/a.txt', os.O_TRUNC | os.O_WRONLY)", f"{READ} == ''"),
    "os.open dir_fd": (
        "d = os.open(H, 0); os.write(os.open('n', os.O_CREAT | os.O_WRONLY, dir_fd=d), b'n')",
        "open(H + '/n').read() == 'n' and os.stat('n', dir_fd=d).st_size == 1",
    ),
    "write_text": ("Path(H, 'a.txt').write_text('new')", "Path(H, 'a.txt').read_text() == 'new'"),
    "touch": (
        "Path(H, 'n').touch(); Path(H, 'a.txt').touch()",
        f"Path(H, 'n').exists() and {READ} == 'one'",
    ),
    "Path.mkdir": (
        "Path(H, 'x/y').mkdir(parents=True)",
        "Path(H, 'x/y').is_dir() and list(Path(H, 'x').iterdir()) == [Path(H, 'x/y')]",
    ),
    "makedirs": (
        "os.makedirs(H + '/x/y'); open(H + '/x/y/z', 'w').write('z')",
        "[n for _, _, n in os.walk(H + '/x')] == [[], ['z']]",
    ),
    "makedirs of what is there": (
        "os.makedirs(H + '/d/e', exist_ok=True)",
        "os.listdir(H + '/d/e') == []",
    ),
    "mkdir of what is there": (
        "try: os.mkdir(H + '/d')\nexcept FileExistsError as e: name = e.filename",
        "name == H + '/d'",
    ),
    "rmdir": ("os.rmdir(H + '/d/e')", "not os.path.exists(H + '/d/e')"),
    "rmdir of what is not empty": (
        "try: os.rmdir(H + '/d')\nexcept OSError as e: name = e.filename",
        "name == H + '/d' and os.path.isdir(name)",
    ),
    "remove": (
        "os.remove(H + '/a.txt')",
        "not os.path.exists(H + '/a.txt') and 'a.txt' not in os.listdir(H)",
    ),
    "remove and make anew": (
        "os.remove(H + '/a.txt'); open(H + '/a.txt', 'a').write('new')",
        f"{READ} == 'new'",
    ),
    "remove twice": (
        "os.remove(H + '/a.txt')\n"
        "try: os.remove(H + '/a.txt')\nexcept FileNotFoundError as e: name = e.filename",
        "name == H + '/a.txt'",
    ),
    "remove a link": (
        "os.remove(H + '/link')",
        f"not os.path.lexists(H + '/link') and {READ} == 'one'",
    ),
    "Path.unlink": ("Path(H, 'a.txt').unlink()", "not Path(H, 'a.txt').exists()"),
    "rmtree": (
        "shutil.rmtree(H + '/d')",
        "not os.path.exists(H + '/d') and not os.path.exists(H + '/d/b.txt')"
        " and 'd' not in os.listdir(H)",
    ),
    "rmtree and make anew": (
        "shutil.rmtree(H + '/d'); os.mkdir(H + '/d'); open(H + '/d/n', 'w')",
        "os.listdir(H + '/d') == ['n'] and not os.path.exists(H + '/d/b.txt')",
    ),
    "rename": (
        "os.rename(H + '/a.txt', H + '/a.bak')",
        "open(H + '/a.bak').read() == 'one' and not os.path.exists(H + '/a.txt')",
    ),
    "rename over another": (
        "os.replace(H + '/a.txt', H + '/d/b.txt')",
        "open(H + '/d/b.txt').read() == 'one'",
    ),
    "rename into the checkout": (
        "os.rename(H + '/a.txt', 'here')",
        "open('here').read() == 'one' and not os.path.exists(H + '/a.txt')",
    ),
    "rename out of the checkout": (
        "open('n', 'w').write('n'); os.replace('n', H + '/a.txt')",
        f"{READ} == 'n' and not os.path.exists('n')",
    ),
    "rename a folder": (
        "os.rename(H + '/d', H + '/D')",
        "sorted(os.listdir(H + '/D')) == ['b.txt', 'e'] and not os.path.exists(H + '/d')"
        " and open(H + '/D/b.txt').read() == 'two'",
    ),
    "rename a folder and make it anew": (
        "os.rename(H + '/d', H + '/D'); os.mkdir(H + '/d')",
        "os.listdir(H + '/d') == []",
    ),
    "rename what is not there": (
        "try: os.rename(H + '/no', H + '/n')\nexcept FileNotFoundError as e: name = e.filename",
        "name == H + '/no'",
    ),
    "Path.rename": ("Path(H, 'a.txt').rename(H + '/n')", "Path(H, 'n').read_text() == 'one'"),
    "shutil.move": ("shutil.move(H + '/a.txt', C)", "open('a.txt').read() == 'one'"),
    "shutil.copy": (
        "shutil.copy(H + '/a.txt', H + '/n'); shutil.copy2(C + '/own.txt', H + '/a.txt')",
        f"open(H + '/n').read() == 'one' and {READ} == 'own'",
    ),
    "copytree": (
        "shutil.copytree(H + '/d', H + '/D')",
        "open(H + '/D/b.txt').read() == 'two'",
    ),
    "truncate": ("os.truncate(H + '/a.txt', 1)", f"{READ} == 'o'"),
    "link": (
        "os.link(H + '/a.txt', 'own'); open('own', 'w').write('new')",
        f"open('own').read() == 'new' == {READ}",
    ),
    "symlink": (
        "os.symlink('d', H + '/s'); open(H + '/s/b.txt', 'a').write('+')",
        "open(H + '/d/b.txt').read() == 'two+' and os.path.islink(H + '/s')"
        " and os.path.realpath(H + '/s/b.txt') == H + '/d/b.txt'",
    ),
    "a link into the checkout": (
        "os.symlink(C, H + '/s'); open(H + '/s/n', 'w').write('n')",
        "open('n').read() == 'n' and open(H + '/s/own.txt').read() == 'own'",
    ),
    "changes behind a link into the checkout": (
        "os.symlink(C, H + '/s'); os.mkdir(H + '/s/f'); os.rename(H + '/s/own.txt', H + '/s/f/n')\n"
        "os.chmod(H + '/s/f', 0o700); os.truncate(H + '/s/f/n', 1); os.symlink('n', H + '/s/f/l')\n"
        "os.link(H + '/s/f/n', H + '/s/f/m'); os.remove(H + '/s/f/n')",
        "sorted(os.listdir('f')) == ['l', 'm'] and open('f/m').read() == 'o'",
    ),
    "chmod": (
        "os.chmod(H + '/a.txt', 0o600)",
        f"os.stat(H + '/a.txt').st_mode & 0o777 == 0o600 and {READ} == 'one'",
    ),
    "chmod of a folder": (
        "os.chmod(H + '/d', 0o700)",
        "os.stat(H + '/d').st_mode & 0o777 == 0o700 and sorted(os.listdir(H + '/d'))[0] == 'b.txt'",
    ),
    "utime": ("os.utime(H + '/a.txt', (1, 1))", "os.path.getmtime(H + '/a.txt') == 1"),
    "utime of a link": (
        "os.utime(H + '/link', (1, 1), follow_symlinks=False)",
        "os.lstat(H + '/link').st_mtime == 1 and os.path.getmtime(H + '/a.txt') != 1",
    ),
    "chown": ("os.chown(H + '/a.txt', os.getuid(), os.getgid())", f"{READ} == 'one'"),
    "mkfifo": ("os.mkfifo(H + '/p')", "Path(H, 'p').is_fifo()"),
    "chdir": (
        "os.mkdir(H + '/x'); os.chdir(H + '/x'); open('n', 'w').write('n'); os.chdir('..')",
        "os.getcwd() == H and os.listdir('x') == ['n'] and open('a.txt').read() == 'one'"
        " and os.path.abspath('x/n') == H + '/x/n'",
    ),
    "a folder's descriptor": (
        "os.mkdir(H + '/x'); d = os.open(H + '/x', 0); os.mkdir('y', dir_fd=d)",
        "os.listdir(d) == ['y'] and os.path.isdir(H + '/x/y')",
    ),
    "unlink by a descriptor": (
        "d = os.open(H, 0); os.unlink('a.txt', dir_fd=d)",
        "'a.txt' not in os.listdir(d) and not os.path.exists(H + '/a.txt')",
    ),
    "scandir": (
        "open(H + '/n', 'w').write('n'); os.remove(H + '/a.txt')\n"
        "with os.scandir(H) as found: e = {one.name: one for one in found}",
        "sorted(e) == ['d', 'dlink', 'link', 'n'] and e['d'].is_dir() and e['n'].is_file()"
        " and e['dlink'].is_symlink() and e['n'].path == H + '/n' and e['n'].stat().st_size == 1"
        " and not e['link'].is_file() and os.fspath(e['n']) == H + '/n'",
    ),
    "listdir by bytes": (
        "open(H + '/d/n', 'w')",
        "sorted(os.listdir(os.fsencode(H) + b'/d')) == [b'b.txt', b'e', b'n']",
    ),
    "glob": (
        "open(H + '/d/n.txt', 'w'); os.remove(H + '/a.txt')",
        "sorted(glob.glob(H + '/**/*.txt', recursive=True))"
        " == [H + '/d/b.txt', H + '/d/n.txt', H + '/dlink/b.txt', H + '/dlink/n.txt']"
        " and sorted(Path(H, 'd').glob('*.txt')) == [Path(H, 'd/b.txt'), Path(H, 'd/n.txt')]",
    ),
    "access": (
        "open(H + '/n', 'w'); os.remove(H + '/a.txt')",
        "os.access(H + '/n', os.R_OK) and not os.access(H + '/a.txt', os.F_OK)",
    ),
    "a rotating log": (
        "log = logging.getLogger('x')\n"
        "log.addHandler(logging.handlers.RotatingFileHandler(H + '/a.txt', 'a', 10, 2))\n"
        "for n in range(3): log.warning('line %d', n)\n",
        f"{READ} == 'line 2\\n' and open(H + '/a.txt.1').read() == 'line 1\\n'",
    ),
    "a temporary file": (
        "f = tempfile.NamedTemporaryFile(dir=H); f.write(b'x'); f.flush()\n"
        "size = os.path.getsize(f.name); name = f.name; f.close()",
        "size == 1 and name.startswith(H) and not os.path.exists(name)",
    ),
    "a nameless temporary file": (
        "f = tempfile.TemporaryFile(dir=H); f.write(b'x'); f.seek(0)",
        "f.read() == b'x'",
    ),
    "a temporary folder": (
        "with tempfile.TemporaryDirectory(dir=H) as name: open(name + '/n', 'w').write('n')",
        "not os.path.exists(name)",
    ),
    "an archive": (
        "with zipfile.ZipFile(H + '/z.zip', 'w') as z: z.writestr('n', 'n')\n"
        "with zipfile.ZipFile(H + '/z.zip') as z: z.extractall(H + '/z')",
        "open(H + '/z/n').read() == 'n'",
    ),
    "a class's own open": (
        "class Files: open = open; remove = os.remove\nFiles().open(H + '/a.txt', 'w').write('n')",
        f"{READ} == 'n'",
    ),
    "the checkout": (
        "open('own.txt', 'w').write('n'); os.rename('own.txt', 'n'); os.mkdir('f')",
        "open('n').read() == 'n' and os.path.isdir(C + '/f')",
    ),
    "the null device": ("open(os.devnull, 'w').write('x')", "os.path.exists(os.devnull)"),
}


def make_home(folder: Path) -> None:
    """Make the user's files; `e` is an empty folder."""
    (folder / "home/d/e").mkdir(parents=True)
    (folder / "home/a.txt").write_text("one")
    (folder / "home/d/b.txt").write_text("two")
    (folder / "home/link").symlink_to("a.txt")
    (folder / "home/dlink").symlink_to("d")
    for name in ("checkout", "shadow"):
        (folder / name).mkdir()
    (folder / "checkout/own.txt").write_text("own")


def state(folder: Path) -> dict[str, Any]:
    """Describe all files: kind, inode, modification time in ns, content."""
    files = {}
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        content = path.read_text() if path.is_file() else ""
        files[str(path)] = (status.st_mode, status.st_ino, status.st_mtime_ns, content)
    return files


def run_all(python: str, folders: list[Path], codes: list[str]) -> list[list[Any]]:
    requests = [
        [*(str(folder / name) for name in ("home", "checkout", "shadow")), code, True]
        for folder, code in zip(folders, codes, strict=True)
    ]
    done = subprocess.run(
        [python, "-c", PROGRAM, str(PROBE)],
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        check=False,
        cwd=folders[0],
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module", params=pythons())
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Each case's error, the user's names that reached the machine, and whether all stayed."""
    folder_of_cases = tmp_path_factory.mktemp("cases").resolve()
    folders = [folder_of_cases / str(number) for number in range(len(CASES))]
    for folder in folders:
        make_home(folder)
    before = [state(folder / "home") for folder in folders]
    codes = [f"{code}\nassert {check}" for code, check in CASES.values()]
    results = run_all(request.param, folders, codes)
    stayed = [
        state(folder / "home") == state_before
        for folder, state_before in zip(folders, before, strict=True)
    ]
    return dict(zip(CASES, zip(results, stayed, strict=True), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_the_project_sees_what_it_wrote_and_the_users_files_stay(outcomes: Any, case: str) -> None:
    (error, reached), stayed = outcomes[case]
    assert not error, error
    assert stayed
    assert not reached, "calls that would have changed the user's files"


TRACE = """\
import sys; sys.path.pop(0)
import importlib.util, json, os
name, folder, home, checkout, shadow = "alembic_lockstep_probe", *sys.argv[1:]
spec = importlib.util.spec_from_file_location(
    name, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
)
sys.modules[name] = importlib.util.module_from_spec(spec)
from alembic_lockstep_probe.isolation import Isolation
from alembic_lockstep_probe.places import Places
from alembic_lockstep_probe.reads import Reads
from alembic_lockstep_probe.trace import trace
plan = {"files": "python", "network": "python", "writable": [checkout], "shadow": shadow}
plan["temporary"] = ""
request = {"checkout": checkout, "worktrees": [], "config": "alembic.ini", "isolation": plan}
request.update(allow_connect=[], allow_write=[], allow_run=[])
os.chdir(checkout)
reads = Reads()
reads.start()
isolation = Isolation(request, reads, "")
isolation.install()
H = home
exec(sys.stdin.read())
reads.stop()
with isolation.bypass():
    outside = trace(reads, Places(request), [])["outside"]
print(json.dumps([one[len(home) + 1 :] for one in outside if one.startswith(home + "/")]))
assert not any(one.startswith(shadow) for one in outside)
"""


@pytest.mark.parametrize("python", pythons())
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("open(H + '/n', 'w').write('n'); open(H + '/n').read(); os.stat(H + '/n')", []),
        ("os.makedirs(H + '/x/y'); os.listdir(H + '/x'); os.listdir(H + '/x/y')", ["x"]),
        ("open(H + '/a.txt', 'a').write('x')", []),
        ("open(H + '/a.txt', 'a').write('x'); open(H + '/a.txt').read()", ["a.txt"]),
        ("open(H + '/a.txt', 'r+').write('x')", ["a.txt"]),
        ("open(H + '/a.txt').read(); os.remove(H + '/a.txt')", ["a.txt"]),
        ("os.rename(H + '/a.txt', H + '/n')", []),
        ("os.rename(H + '/a.txt', H + '/n'); open(H + '/n').read()", ["a.txt"]),
        ("open(H + '/a.txt', 'w').write('x'); open(H + '/a.txt').read()", []),
    ],
)
def test_what_the_project_wrote_is_no_input_and_the_users_content_is(
    tmp_path: Path, python: str, code: str, expected: list[str]
) -> None:
    make_home(tmp_path.resolve())
    names = [str(tmp_path.resolve() / name) for name in ("home", "checkout", "shadow")]
    done = subprocess.run(
        [python, "-c", TRACE, str(PROBE), *names],
        input=code,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected
