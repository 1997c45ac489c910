#!/bin/bash
# As otter's does: java in the background, a pid file that refuses the next start.
base=$(cd "$(dirname "$0")/.." && pwd)
if [ -e "$base/bin/otter.pid" ]; then
    echo "bin/otter.pid exists: is it running? run stop.sh first" >&2
    exit 1
fi
if [ ! -e "$base/conf/nid" ]; then
    echo "no conf/nid: write the id that the manager shows into it" >&2
    exit 1
fi
cd "$base/bin" || exit 1
mkdir -p ../logs/node
# shellcheck disable=SC2086 # JAVA_OPTS is a list of words
"${JAVA:-java}" $JAVA_OPTS -Djava.awt.headless=true -Djava.net.preferIPv4Stack=true -Dfile.encoding=UTF-8 \
    -DappName=otter-node -Dnid="$(cat "$base/conf/nid")" -Dlogback.configurationFile="$base/conf/logback.xml" \
    -classpath ".:$base:$base/conf:$base/lib/*" com.alibaba.otter.node.deployer.OtterLauncher >>../logs/node/node.log 2>&1 &
echo $! >"$base/bin/otter.pid"
