#!/bin/sh
# system.sh: what every image needs of the system, while an image is built: a Python where the base has none,
# the account, and the folders that the application may write to.
set -eu

# Parts of the standard library that nothing here imports.
unwanted='ensurepip idlelib lib2to3 pydoc_data sqlite3 test tkinter turtledemo venv curses dbm
  turtle.py pydoc.py doctest.py _pyrepl lib-dynload/_sqlite3.* lib-dynload/_curses* lib-dynload/_test*
  lib-dynload/_dbm.* lib-dynload/_gdbm.* lib-dynload/_tkinter.* lib-dynload/_ctypes_test.*
  lib-dynload/_xxtestfuzz.* lib-dynload/readline.* config-*'

if ! command -v python3 >/dev/null; then
  # Without python3 itself, which adds pydoc and the like.
  sh /build/packages.sh python3-minimal libpython3-stdlib tzdata
  library=$(python3 -c 'import os; print(os.path.dirname(os.__file__))')
  cd "$library"
  # shellcheck disable=SC2086
  rm -rf $unwanted
  find . -name __pycache__ -prune -exec rm -rf {} +
  # Bytecode that is not compared with its source: the source's time in a layer is the builder's choice.
  python3 -m compileall -q --invalidation-mode unchecked-hash .
fi
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "Python 3.11 or later is needed; this base has $(python3 -V)" >&2
  exit 1
}

echo 'entrypoint:x:10001:10001::/data:/usr/sbin/nologin' >>/etc/passwd
echo 'entrypoint:x:10001:' >>/etc/group
# Sticky and open as /tmp: a platform may choose any uid.
mkdir -p /app /data /run/entrypoint
chmod 1777 /data /run/entrypoint
