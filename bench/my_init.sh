#!/bin/bash
# An init in bash as images have it whose authors know of zombies: run start-up scripts, then the program in the
# background, reap whatever ends, pass TERM on, and at last end the rest. The peer of `entrypoint run --exec`.
for script in "${INIT_FOLDER:-/etc/my_init.d}"/*; do
  if [ -x "$script" ]; then
    "$script" || exit 1
  fi
done
# Before the program is there: PID 1 without a trap does not hear a signal at all. bash sets $! before it runs one.
trap 'kill -TERM "$!"' TERM
trap 'kill -INT "$!"' INT
trap 'kill -HUP "$!"' HUP
"$@" &
pid=$!
# bash reaps orphans while it waits; a trapped signal ends one wait, and the next begins.
code=0
while kill -0 "$pid" 2>/dev/null; do
  wait "$pid"
  code=$?
done
# As PID 1 of a container only: elsewhere -1 is the whole machine.
if [ $$ -eq 1 ]; then
  kill -TERM -1 2>/dev/null
fi
exit "$code"
