"""Ways in which a project could change what is the user's, or reach somebody: one table.

Each way is code that an application runs when it is imported. `D` is a folder of the user's with
`P`, a file, `DB`, a SQLite database, and `F`, a folder with a file; `TCP`, `UDP` and `UNIX` are
where somebody listens; `VICTIM` is a process of the user's.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Way:
    """A way out.

    Attributes:
        through_python: It gets through where there is only the guard of the probe.
        needs: A module without which it cannot be tried.
    """

    name: str
    code: str
    through_python: bool = False
    needs: str = ""


_LIBC = "import ctypes; libc = ctypes.CDLL(None, use_errno=True); "
_SOCKADDR = (
    _LIBC + "import socket, struct; address = struct.pack('=HH4s8x', 2, socket.htons({port}), "
    "socket.inet_aton('127.0.0.1')); "
)
_UV = "import asyncio, uvloop\nasync def main():\n    loop = asyncio.get_running_loop()\n    "

FILES = (
    Way("open w", "open(P, 'w').write('spoilt')"),
    Way("open a", "open(P, 'a').write('spoilt')"),
    Way("open r+", "open(P, 'r+').write('spoilt')"),
    Way("open x", "open(D + '/new', 'x').write('spoilt')"),
    Way("os.open", "os.write(os.open(P, os.O_WRONLY | os.O_TRUNC), b'spoilt')"),
    Way(
        "os.open of a folder",
        "f = os.open(D, 0); os.open('precious', os.O_WRONLY | os.O_TRUNC, dir_fd=f)",
    ),
    Way("bytes path", "open(os.fsencode(P), 'wb').write(b'spoilt')"),
    Way("relative path", "os.chdir(D); open('precious', 'w').write('spoilt')"),
    Way("path through /proc", "open('/proc/self/root' + P, 'w').write('spoilt')"),
    Way("symbolic link", "os.symlink(P, 'l1'); open('l1', 'w').write('spoilt')"),
    Way("hard link", "os.link(P, 'l2'); open('l2', 'w').write('spoilt')"),
    Way("folder behind a link", "os.symlink(D, 'l3'); open('l3/precious', 'w').write('spoilt')"),
    Way("pathlib", "pathlib.Path(P).write_text('spoilt')"),
    Way("pathlib unlink", "pathlib.Path(P).unlink()"),
    Way("os.truncate", "os.truncate(P, 0)"),
    Way("os.remove", "os.remove(P)"),
    Way("os.unlink by a folder", "os.unlink('precious', dir_fd=os.open(D, 0))"),
    Way("os.rename", "os.rename(DB, DB + '.backup')"),
    Way("os.rename into the checkout", "os.rename(P, 'taken')"),
    Way("os.replace", "open('mine', 'w'); os.replace('mine', P)"),
    Way("os.rename of a folder", "os.rename(F, F + '2')"),
    Way("shutil.move", "shutil.move(P, D + '/moved')"),
    Way("shutil.rmtree", "shutil.rmtree(F)"),
    Way("shutil.copy", "shutil.copy(__file__, P)"),
    Way("os.mkdir", "os.makedirs(D + '/a/b')"),
    Way("os.rmdir", "os.remove(F + '/inside'); os.rmdir(F)"),
    Way("os.chmod", "os.chmod(P, 0)"),
    Way("os.fchmod", "os.fchmod(os.open(P, 0), 0)"),
    Way("os.chown", "os.chown(P, os.getuid(), os.getgid())"),
    Way("os.utime", "os.utime(P, (1, 1))"),
    Way("os.utime of a descriptor", "os.utime(os.open(P, 0), (1, 1))"),
    Way("os.setxattr", "os.setxattr(P, 'user.spoilt', b'1')"),
    Way("os.mkfifo", "os.mkfifo(D + '/pipe')"),
    Way("os.mknod", "os.mknod(D + '/node')"),
    Way("mmap", "f = open(P, 'r+b'); mmap.mmap(f.fileno(), 0)[:3] = b'bad'"),
    Way("gzip", "import gzip; gzip.open(P, 'w').write(b'spoilt')"),
    Way("zipfile", "import zipfile; zipfile.ZipFile(P, 'w').writestr('a', 'b')"),
    Way("tempfile", "import tempfile; tempfile.mkstemp(dir=D)"),
    Way(
        "rotating log",
        "import logging.handlers as h; h.RotatingFileHandler(P, backupCount=1).doRollover()",
    ),
    Way("libc open", _LIBC + "libc.write(libc.open(P.encode(), 513), b'bad', 3)", True),
    Way("libc unlink", _LIBC + "libc.unlink(P.encode())", True),
    Way("libc rename", _LIBC + "libc.rename(DB.encode(), P.encode())", True),
    Way("libc truncate", _LIBC + "libc.truncate(P.encode(), 0)", True),
    Way("libc chmod", _LIBC + "libc.chmod(P.encode(), 0)", True),
    Way("libc setxattr", _LIBC + "libc.setxattr(P.encode(), b'user.a', b'1', 1, 0)", True),
    Way("libc utimes", _LIBC + "libc.utimes(P.encode(), None)", True),
)
DATABASES = (
    Way("sqlite3", "sqlite3.connect(DB).execute('DROP TABLE precious')"),
    Way("sqlite3 uri", "sqlite3.connect('file:' + DB, uri=True).execute('DROP TABLE precious')"),
    Way(
        "sqlite3 uri that says memory",
        "sqlite3.connect('file:' + DB + '?x=mode=memory', uri=True).execute('DROP TABLE precious')",
    ),
    Way("sqlite3 by a link", "os.symlink(DB, 'l4'); sqlite3.connect('l4').execute(DROP)"),
    Way("sqlite3 attach", "m = sqlite3.connect(':memory:'); m.execute(ATTACH); m.execute(DROP_OF)"),
    Way("sqlite3 vacuum into", "sqlite3.connect(':memory:').execute(f\"VACUUM INTO '{D}/v.db'\")"),
    Way(
        "engine attach",
        "e = sqlalchemy.create_engine('sqlite://')\nwith e.connect() as c:\n"
        "    c.exec_driver_sql(ATTACH); c.exec_driver_sql(DROP_OF)",
    ),
    Way(
        "attach when connecting",
        "e = sqlalchemy.create_engine('sqlite://')\n"
        "sqlalchemy.event.listen(e, 'connect', lambda c, r: c.execute(ATTACH))\n"
        "with e.connect() as c: c.exec_driver_sql(DROP_OF)",
    ),
    Way("engine", "sqlalchemy.create_engine('sqlite:///' + DB).connect().exec_driver_sql(DROP)"),
    Way("apsw", "import apsw; apsw.Connection(DB).execute(DROP)", needs="apsw"),
    Way("libsqlite3", "import ctypes, ctypes.util\nLIBRARY(DB, DROP)", True),
)
CHILDREN = (
    Way("subprocess", "subprocess.run(['rm', P])"),
    Way("subprocess shell", "subprocess.run(f\"echo spoilt > '{P}'\", shell=True)"),
    Way("os.system", "os.system(f\"rm '{P}'\")"),
    Way("os.popen", "os.popen(f\"rm '{P}'\").read()"),
    Way("posix_spawn", "os.waitpid(os.posix_spawn('/bin/rm', ['rm', P], os.environ), 0)"),
    Way("os.spawn", "os.spawnv(os.P_WAIT, '/bin/rm', ['rm', P])"),
    Way("fork", "c = os.fork()\nif not c: os.remove(P); os._exit(0)\nos.waitpid(c, 0)"),
    Way("fork and exec", "c = os.fork()\nif not c: os.execv('/bin/rm', ['rm', P])\nos.wait()"),
    Way("pty.spawn", "import pty; pty.spawn(['rm', P])"),
    Way("python child", "subprocess.run([sys.executable, '-c', f'open({P!r}, \"w\")'])"),
    Way("asyncio child", "asyncio.run(asyncio.create_subprocess_exec('rm', P))"),
    Way(
        "multiprocessing fork",
        "m = multiprocessing.get_context('fork'); p = m.Process(target=os.remove, args=(P,))\n"
        "p.start(); p.join()",
    ),
    Way(
        "multiprocessing spawn",
        "m = multiprocessing.get_context('spawn'); p = m.Process(target=os.remove, args=(P,))\n"
        "p.start(); p.join(5)",
    ),
    Way(
        "multiprocessing forkserver",
        "m = multiprocessing.get_context('forkserver'); p = m.Process(target=os.remove, args=(P,))\n"
        "p.start(); p.join(5)",
    ),
    Way(
        "process pool",
        "from concurrent.futures import ProcessPoolExecutor as Pool\n"
        "with Pool(1) as pool: pool.submit(os.remove, P).result(5)",
    ),
    Way("git", "subprocess.run(['git', 'init', F])"),
    Way("git configuration", "subprocess.run(['git', 'config', '--file', P, 'a.b', 'c'])"),
    Way("daemon", 'subprocess.Popen(f"setsid sh -c \'sleep 1; rm \\"{P}\\"\' &", shell=True)'),
    Way(
        "double fork",
        "if not os.fork():\n    os.setsid()\n    if not os.fork():\n"
        "        time.sleep(1); subprocess.run(['rm', P])\n    os._exit(0)",
    ),
    Way("touch", "subprocess.run(['touch', P])"),
    Way("chmod", "subprocess.run(['chmod', '0', P])"),
    Way("cp", "subprocess.run(['cp', '-p', __file__, P])"),
    Way("signal", "os.kill(VICTIM, 9)"),
    Way("kill", "subprocess.run(['kill', '-9', str(VICTIM)])"),
    Way("libc system", _LIBC + "libc.system(f\"rm '{P}'\".encode())", True),
    Way("libc kill", _LIBC + "libc.kill(VICTIM, 9)", True),
)
NETWORK = (
    Way("socket", "socket.create_connection(('127.0.0.1', TCP), 2)"),
    Way("socket by name", "socket.create_connection(('localhost', TCP), 2)"),
    Way("connect_ex", "socket.socket().connect_ex(('127.0.0.1', TCP))"),
    Way("socket in a thread", "t = threading.Thread(target=DIAL); t.start(); t.join()"),
    Way("datagram", "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', UDP))"),
    Way(
        "datagram connected",
        "s = socket.socket(type=2); s.connect(('127.0.0.1', UDP)); s.send(b'x')",
    ),
    Way("sendmsg", "socket.socket(type=2).sendmsg([b'x'], [], 0, ('127.0.0.1', UDP))"),
    Way("unix socket", "socket.socket(socket.AF_UNIX).connect(UNIX)"),
    Way("unix socket, relative", "os.chdir(D); socket.socket(socket.AF_UNIX).connect('socket')"),
    Way("urllib", "urllib.request.urlopen(f'http://127.0.0.1:{TCP}/', timeout=2)"),
    Way("http.client", "import http.client as h; h.HTTPConnection('127.0.0.1', TCP).connect()"),
    Way("smtplib", "import smtplib; smtplib.SMTP('127.0.0.1', TCP, timeout=2)"),
    Way("asyncio", "asyncio.run(asyncio.open_connection('127.0.0.1', TCP))"),
    Way("asyncio unix", "asyncio.run(asyncio.open_unix_connection(UNIX))"),
    Way(
        "syslog", "import logging.handlers as h; h.SysLogHandler(('127.0.0.1', UDP)).handle(RECORD)"
    ),
    Way("psycopg2", "import psycopg2; psycopg2.connect(f'host=127.0.0.1 port={TCP}')"),
    Way("psycopg2 hostaddr", "import psycopg2; psycopg2.connect(f'hostaddr=127.0.0.1 port={TCP}')"),
    Way(
        "psycopg2 by variables",
        "os.environ.update(PGHOST='127.0.0.1', PGPORT=str(TCP))\n"
        "import psycopg2; psycopg2.connect('')",
    ),
    Way(
        "psycopg2 options",
        "import psycopg2; psycopg2.connect(f'postgresql:///x?host=127.0.0.1&port={TCP}')",
    ),
    Way(
        "psycopg2._connect",
        "import psycopg2._psycopg as p; p._connect(f'host=127.0.0.1 port={TCP}')",
    ),
    Way("psycopg2 unix", "import psycopg2; psycopg2.connect(host=D)"),
    Way(
        "psycopg",
        "import psycopg; psycopg.connect(f'host=127.0.0.1 port={TCP}', connect_timeout=2)",
    ),
    Way(
        "psycopg.pq",
        "import psycopg.pq as q; q.PGconn.connect(f'host=127.0.0.1 port={TCP}'.encode())",
    ),
    Way(
        "psycopg.pq start",
        "import psycopg.pq as q\n"
        "c = q.PGconn.connect_start(f'host=127.0.0.1 port={TCP}'.encode()); c.connect_poll()",
    ),
    Way(
        "asyncpg",
        "import asyncpg; asyncio.run(asyncpg.connect(host='127.0.0.1', port=TCP, user='a', timeout=2))",
    ),
    Way("pymysql", "import pymysql; pymysql.connect(host='127.0.0.1', port=TCP)"),
    Way(
        "uvloop",
        _UV + "await loop.create_connection(asyncio.Protocol, '127.0.0.1', TCP)\n"
        "uvloop.new_event_loop().run_until_complete(main())",
        True,
        "uvloop",
    ),
    Way(
        "uvloop unix",
        _UV + "await loop.create_unix_connection(asyncio.Protocol, UNIX)\n"
        "uvloop.new_event_loop().run_until_complete(main())",
        True,
        "uvloop",
    ),
    Way(
        "uvloop datagram",
        _UV + "t, _ = await loop.create_datagram_endpoint("
        "asyncio.DatagramProtocol, remote_addr=('127.0.0.1', UDP)); t.sendto(b'x'); await asyncio.sleep(0.1)\n"
        "uvloop.new_event_loop().run_until_complete(main())",
        True,
        "uvloop",
    ),
    Way(
        "pycurl",
        "import pycurl; c = pycurl.Curl(); c.setopt(pycurl.URL, f'http://127.0.0.1:{TCP}/')\n"
        "c.setopt(pycurl.TIMEOUT, 2); c.perform()",
        True,
        "pycurl",
    ),
    Way(
        "zmq",
        "import zmq; s = zmq.Context().socket(zmq.PUSH); s.setsockopt(zmq.LINGER, 0)\n"
        "s.connect(f'tcp://127.0.0.1:{TCP}'); time.sleep(0.3)",
        True,
        "zmq",
    ),
    Way(
        "libc connect",
        _SOCKADDR.format(port="TCP") + "libc.connect(libc.socket(2, 1, 0), address, 16)",
        True,
    ),
    Way(
        "libc sendto",
        _SOCKADDR.format(port="UDP") + "libc.sendto(libc.socket(2, 2, 0), b'x', 1, 0, address, 16)",
        True,
    ),
    Way(
        "child socket",
        "subprocess.run([sys.executable, '-c', f'import socket; socket.create_connection((\"127.0.0.1\", {TCP}))'])",
    ),
    Way("bash", "subprocess.run(['bash', '-c', f'echo x > /dev/tcp/127.0.0.1/{TCP}'])"),
    Way("psql", "subprocess.run(['psql', f'postgresql://127.0.0.1:{TCP}/x', '-c', 'SELECT 1'])"),
    Way(
        "psql by variables",
        "subprocess.run(['psql', '-c', 'SELECT 1'], env={**os.environ, 'PGHOST': '127.0.0.1', 'PGPORT': str(TCP)})",
    ),
    Way("mysql", "os.system(f'mysql -h 127.0.0.1 -P {TCP} -e \"SELECT 1\"')"),
    Way(
        "forked socket",
        "c = os.fork()\nif not c:\n    try: DIAL()\n    finally: os._exit(0)\nos.wait()",
    ),
)
WAYS = (*FILES, *DATABASES, *CHILDREN, *NETWORK)
