# shellcheck shell=bash
# Sourced by ./run and ./test: a Python that is new enough, and .venv in the current folder.

# find_python: prints the first Python that is new enough; $PYTHON names another one.
find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  printf '%s: Python 3.11 or newer is needed; found: %s\n' "${0##*/}" \
    "$("${PYTHON:-python3}" -V 2>&1 | tail -n 1)" >&2
  return 1
}

# make_venv PYTHON [dev]: .venv with the project (editable), and the tools of group dev when asked;
# made anew when Python or pyproject.toml change.
make_venv() {
  local python=$1 group=${2:-} wanted
  wanted=$("$python" -V) || return
  wanted+=" $(sha256sum pyproject.toml)" || return
  if [ "$(cat .venv/made-for 2>/dev/null)" != "$wanted" ]; then
    # Debian splits ensurepip off the Python that it ships.
    "$python" -c 'import ensurepip' 2>/dev/null || "$python" tests/lab/install.py venv || return
    "$python" -m venv --clear .venv || return
    # --group came with pip 25.1.
    .venv/bin/python -m pip install --quiet --upgrade 'pip>=25.1' || return
    .venv/bin/python -m pip install --quiet --editable . || return
    printf '%s\n' "$wanted" >.venv/made-for
  fi
  if [ -n "$group" ] && [ "$(cat ".venv/has-$group" 2>/dev/null)" != "$wanted" ]; then
    .venv/bin/python -m pip install --quiet --group "$group" || return
    printf '%s\n' "$wanted" >".venv/has-$group"
  fi
}
