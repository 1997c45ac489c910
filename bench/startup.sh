#!/bin/bash
# What start scripts of Java applications commonly do: look for java, size the heap, collect the class
# path, put java into the background and wait for it. The peer of `entrypoint run PROFILE`.
base=$(cd "$(dirname "$0")" && pwd)
export LANG=en_US.UTF-8
if [ -z "$JAVA" ]; then
  JAVA=$(command -v java)
fi
if [ -z "$JAVA" ]; then
  echo "java not found" >&2
  exit 1
fi
if [ "$(getconf LONG_BIT)" = 64 ]; then
  options="-server -Xms512m -Xmx512m -XX:+UseG1GC"
else
  options="-server -Xms256m -Xmx256m"
fi
for jar in "$base"/lib/*.jar; do
  classpath=$jar:$classpath
done
trap 'kill -TERM "$!"' TERM INT
# shellcheck disable=SC2086
"$JAVA" $options -cp "$base/conf:$classpath" "$@" &
pid=$!
code=0
while kill -0 "$pid" 2>/dev/null; do
  wait "$pid"
  code=$?
done
exit "$code"
