"""Jars from Maven Central: ZooKeeper and Kafka, laid out as their distributions are.

ZooKeeper: lib/*.jar, conf/logback.xml. Kafka: libs/*.jar, config/log4j.properties,
config/tools-log4j.properties. And jmx_exporter's agent, one jar. Versions are pinned here and nowhere else.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from lab import apt, cache
from lab.cache import LabError, Missing
from lab.command import run, say

ZOOKEEPER_VERSION = "3.9.5"
KAFKA_VERSION = "3.9.2"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
JMX_EXPORTER_VERSION = "1.0.1"
JMX_EXPORTER_SHA256 = "7d61f737fd661610ccc14aea79764faa1ea94a340cbc8f0029b3d2edea3d80c1"

# What ZooKeeper's own pom marks "provided" and its distribution has: no version, its parent says.
ZOOKEEPER_POM = f"""\
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>lab</groupId><artifactId>zookeeper</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencyManagement><dependencies><dependency>
    <groupId>org.apache.zookeeper</groupId><artifactId>parent</artifactId>
    <version>{ZOOKEEPER_VERSION}</version><type>pom</type><scope>import</scope>
  </dependency></dependencies></dependencyManagement>
  <dependencies>
    <dependency>
      <groupId>org.apache.zookeeper</groupId><artifactId>zookeeper</artifactId>
      <version>{ZOOKEEPER_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>ch.qos.logback</groupId><artifactId>logback-classic</artifactId>
    </dependency>
    <dependency><groupId>commons-cli</groupId><artifactId>commons-cli</artifactId></dependency>
    <dependency>
      <groupId>org.eclipse.jetty</groupId><artifactId>jetty-server</artifactId>
    </dependency>
    <dependency>
      <groupId>org.eclipse.jetty</groupId><artifactId>jetty-servlet</artifactId>
    </dependency>
    <dependency>
      <groupId>com.fasterxml.jackson.core</groupId><artifactId>jackson-databind</artifactId>
    </dependency>
    <dependency><groupId>org.jline</groupId><artifactId>jline</artifactId></dependency>
    <dependency>
      <groupId>io.dropwizard.metrics</groupId><artifactId>metrics-core</artifactId>
    </dependency>
    <dependency><groupId>org.xerial.snappy</groupId><artifactId>snappy-java</artifactId></dependency>
  </dependencies>
</project>
"""

KAFKA_POM = f"""\
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>lab</groupId><artifactId>kafka</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
      <version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId>
      <version>{KAFKA_VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""

ZOOKEEPER_LOGBACK = """\
<configuration>
  <appender name="CONSOLE" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{ISO8601} %-5p [%t] %c{1} %m%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="CONSOLE"/></root>
</configuration>
"""

KAFKA_LOG4J = """\
log4j.rootLogger=INFO, console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{ISO8601} %-5p %m (%c{1})%n
"""

KAFKA_TOOLS_LOG4J = KAFKA_LOG4J.replace("INFO, console", "WARN, console").replace(
    "ConsoleAppender\n", "ConsoleAppender\nlog4j.appender.console.Target=System.err\n", 1
)


def zookeeper_home() -> Path | Missing:
    """Return the folder with lib/ and conf/."""
    return _home("zookeeper", ZOOKEEPER_VERSION, ZOOKEEPER_POM)


def kafka_home() -> Path | Missing:
    """Return the folder with libs/ and config/."""
    return _home("kafka", KAFKA_VERSION, KAFKA_POM)


def jmx_exporter() -> Path | Missing:
    """Return the jar of jmx_exporter's agent for Prometheus."""
    name = f"jmx_prometheus_javaagent-{JMX_EXPORTER_VERSION}.jar"
    jar = cache.root() / "jmx-exporter" / JMX_EXPORTER_VERSION / name
    return jar if jar.exists() else cache.missing("jmx-exporter")


def install_zookeeper() -> None:
    """Make `zookeeper_home()` succeed, or raise LabError."""
    files = {"conf/logback.xml": ZOOKEEPER_LOGBACK}
    _install("zookeeper", ZOOKEEPER_VERSION, ZOOKEEPER_POM, "lib", files)


def install_kafka() -> None:
    """Make `kafka_home()` succeed, or raise LabError."""
    files = {
        "config/log4j.properties": KAFKA_LOG4J,
        "config/tools-log4j.properties": KAFKA_TOOLS_LOG4J,
    }
    _install("kafka", KAFKA_VERSION, KAFKA_POM, "libs", files)


def install_jmx_exporter() -> None:
    """Make `jmx_exporter()` succeed, or raise LabError."""
    if isinstance(jmx_exporter(), Path):
        return
    install_maven()
    artifact = f"io.prometheus.jmx:jmx_prometheus_javaagent:{JMX_EXPORTER_VERSION}"
    say(f"{artifact} from Maven Central")
    with cache.staged(cache.root() / "jmx-exporter" / JMX_EXPORTER_VERSION) as staging:
        _maven(f"{PLUGIN}:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={staging}")
        (jar,) = staging.iterdir()
        found = hashlib.sha256(jar.read_bytes()).hexdigest()
        if found != JMX_EXPORTER_SHA256:
            raise LabError(f"{jar.name} has the SHA-256 {found}, not {JMX_EXPORTER_SHA256}")


def install_maven() -> None:
    """Make `mvn` and `javac` available; a JDK that is already there is kept."""
    if shutil.which("javac") is None:
        apt.update_when_empty()
        chosen = "openjdk-17-jdk-headless"
        apt.install(chosen if apt.has_candidate(chosen) else "default-jdk-headless")
    if shutil.which("mvn") is None:
        apt.install("maven")


def copy_dependencies(pom: str, into: Path) -> None:
    """Copy what the pom needs at run time from Maven Central into the folder `into`."""
    work = cache.root() / "pom"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    (work / "pom.xml").write_text(pom)
    goal = f"{PLUGIN}:copy-dependencies"
    _maven(goal, "-DincludeScope=runtime", f"-DoutputDirectory={into}", folder=work)
    shutil.rmtree(work)


def _maven(goal: str, *definitions: str, folder: Path | None = None) -> None:
    options = ["-B", "-q", "-ntp", f"-Dmaven.repo.local={cache.root() / 'm2'}"]
    run(["mvn", *options, goal, *definitions], cwd=folder, timeout=900, attempts=3)


def _home(name: str, version: str, pom: str) -> Path | Missing:
    home = cache.root() / name / version
    try:
        current = (home / "pom.xml").read_text() == pom
    except FileNotFoundError:
        current = False
    return home if current else cache.missing(name)


def _install(name: str, version: str, pom: str, jars: str, files: Mapping[str, str]) -> None:
    if isinstance(_home(name, version, pom), Path):
        return
    home = cache.root() / name / version
    install_maven()
    say(f"{name} {version}: jars from Maven Central")
    with cache.staged(home) as staging:
        copy_dependencies(pom, staging / jars)
        if not any((staging / jars).glob(f"*{version}.jar")):
            raise LabError(f"maven copied no jar of {name} {version}")
        for path, text in {"pom.xml": pom, **files}.items():
            (staging / path).parent.mkdir(exist_ok=True)
            (staging / path).write_text(text)
