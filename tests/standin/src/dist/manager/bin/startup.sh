#!/bin/bash
# As otter's does: java in the background, a pid file that refuses the next start.
base=$(cd "$(dirname "$0")/.." && pwd)
if [ -e "$base/bin/otter.pid" ]; then
    echo "bin/otter.pid exists: is it running? run stop.sh first" >&2
    exit 1
fi
cd "$base/bin" || exit 1
# shellcheck disable=SC2086 # JAVA_OPTS is a list of words
"${JAVA:-java}" $JAVA_OPTS -Djava.awt.headless=true -Djava.net.preferIPv4Stack=true -Dfile.encoding=UTF-8 \
    -DappName=otter-manager -Ddubbo.application.logger=slf4j -Dotter.conf="$base/conf/otter.properties" -Dlogback.configurationFile="$base/conf/logback.xml" \
    -classpath ".:$base:$base/conf:$base/lib/*" com.alibaba.otter.manager.deployer.OtterManagerLauncher >>../logs/manager.log 2>&1 &
echo $! >"$base/bin/otter.pid"
