#!/bin/bash
# Ends what startup.sh started.
base=$(cd "$(dirname "$0")/.." && pwd)
if [ ! -e "$base/bin/otter.pid" ]; then
    echo "not running: no bin/otter.pid" >&2
    exit 0
fi
pid=$(cat "$base/bin/otter.pid")
kill "$pid"
while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
rm "$base/bin/otter.pid"
