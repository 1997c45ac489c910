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

# make_venv PYTHON [dev]: .venv with the project (editable), and with what tests and checks need when asked;
# made anew when Python, pyproject.toml or a lock file change. Every file is checked by its hash.
make_venv() {
  local python=$1 group=${2:-} wanted
  # No archive of sources, whose build would fetch what no lock file names. An empty PIP_ONLY_BINARY
  # allows them: for a machine that a distribution has no wheel for.
  local -x PIP_ONLY_BINARY=${PIP_ONLY_BINARY-:all:}
  wanted=$("$python" -V) || return
  wanted+=" $(sha256sum pyproject.toml images/requirements*.txt scripts/requirements-dev.txt)" || return
  if [ "$(cat .venv/made-for 2>/dev/null)" != "$wanted" ]; then
    # Debian splits ensurepip off the Python that it ships.
    "$python" -c 'import ensurepip' 2>/dev/null || "$python" tests/lab/install.py venv || return
    "$python" -m venv --clear .venv || return
    install_locked images/requirements.txt images/requirements-build.txt || return
    # Without isolation: what builds it is there, and was checked.
    .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable . || return
    printf '%s\n' "$wanted" >.venv/made-for
  fi
  if [ -n "$group" ] && [ "$(cat ".venv/has-$group" 2>/dev/null)" != "$wanted" ]; then
    install_locked "scripts/requirements-$group.txt" || return
    printf '%s\n' "$wanted" >".venv/has-$group"
  fi
}

# install_locked FILE…: what lock files name, into .venv.
install_locked() {
  local words=() file
  for file; do words+=(-r "$file"); done
  .venv/bin/python -m pip install --quiet --require-hashes "${words[@]}"
}
