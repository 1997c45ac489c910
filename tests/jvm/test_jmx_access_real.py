"""JMX for every network with a password file and TLS, as docs/how-to/jvm-options.md says, on real JVMs."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from test_switches_real import LIMIT, PROBE, java, listening, started
from test_switches_real import classes as classes  # noqa: PLC0414 - a fixture

from lab.needs import need
from lab.net import free_port, wait_until

JMX = "-Dcom.sun.management.jmxremote"
SECRET, STORE_SECRET = "let-me-in", "changeit"


@dataclass
class Access:
    """The files that a server with a password and TLS needs, and what its clients do."""

    password: Path
    roles: Path
    keys: Path
    trust: Path

    @property
    def server(self) -> str:
        return " ".join((
            f"{JMX}.password.file={self.password}", f"{JMX}.access.file={self.roles}",
            f"{JMX}.ssl=true", f"{JMX}.registry.ssl=true",
            f"-Djavax.net.ssl.keyStore={self.keys}", f"-Djavax.net.ssl.keyStorePassword={STORE_SECRET}",
        ))  # fmt: skip

    @property
    def client(self) -> tuple[str, ...]:
        return (
            f"-Djavax.net.ssl.trustStore={self.trust}",
            f"-Djavax.net.ssl.trustStorePassword={STORE_SECRET}",
        )


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Access:
    folder = tmp_path_factory.mktemp("jmx")
    found = Access(*(folder / name for name in ("password", "access", "keys.p12", "trust.p12")))
    found.password.write_text(f"operator {SECRET}\n")
    # The JVM refuses a password file that others may read.
    found.password.chmod(0o600)
    found.roles.write_text("operator readonly\n")
    keytool = need("keytool")
    store = ("-storetype", "PKCS12", "-storepass", STORE_SECRET, "-alias", "jmx")
    certificate = folder / "certificate"
    for words in (
        ("-genkeypair", "-keyalg", "RSA", "-keysize", "2048", "-dname", "CN=127.0.0.1",
         "-ext", "SAN=ip:127.0.0.1", "-keystore", found.keys),
        ("-exportcert", "-file", certificate, "-keystore", found.keys),
        ("-importcert", "-noprompt", "-file", certificate, "-keystore", found.trust),
    ):  # fmt: skip
        subprocess.run([keytool, *words, *store], check=True, capture_output=True)
    return found


def ask(
    feature: int, classes: Path, port: int, options: tuple[str, ...], *credentials: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [java(feature), *options, "-cp", classes, PROBE, "ask", str(port), *credentials],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )


@pytest.mark.parametrize("feature", [8, 11, 17, 21, 25], ids="jdk{}".format)
def test_jmx_for_every_network_wants_the_password_and_tls(
    feature: int, classes: Path, access: Access, tmp_path: Path
) -> None:
    need(f"jdk{feature}")
    port = free_port()
    options = f"-Xmx64m {access.server} -Djava.rmi.server.hostname=127.0.0.1"
    env = {"JAVA_JMX": f"*:{port}", "JAVA_OPTIONS": options}
    with started(tmp_path, classes, feature, "wait", **env) as run:
        wait_until(lambda: "probe-is-up" in run.said, LIMIT, f"the probe is up: {run.said}")
        assert listening(run.java)[port] <= {"0.0.0.0", "::"}
        assert "EVERY network" in run.said
        assert SECRET not in run.said and STORE_SECRET not in run.said
        right = ask(feature, classes, port, access.client, "operator", SECRET)
        assert right.stdout == "true\n", right.stderr
        wrong = ask(feature, classes, port, access.client, "operator", "guess")
        assert wrong.returncode == 1 and "SecurityException" in wrong.stderr
        nobody = ask(feature, classes, port, access.client)
        assert nobody.returncode == 1 and "SecurityException" in nobody.stderr
        plain = ask(feature, classes, port, (), "operator", SECRET)
        assert plain.returncode == 1 and "Failed to retrieve RMIServer stub" in plain.stderr


def test_a_registry_without_tls_does_not_share_the_port(
    classes: Path, access: Access, tmp_path: Path
) -> None:
    options = access.server.replace("registry.ssl=true", "registry.ssl=false")
    env = {"JAVA_JMX": f"*:{free_port()}", "JAVA_OPTIONS": f"-Xmx64m {options}"}
    with started(tmp_path, classes, 17, "wait", **env) as run:
        assert run.wait() == 1, run.said
        assert "probe-is-up" not in run.said


def test_jmx_for_every_network_without_the_decisions_does_not_start(
    classes: Path, tmp_path: Path
) -> None:
    with started(tmp_path, classes, 17, "wait", JAVA_JMX=f"*:{free_port()}") as run:
        assert run.wait() not in {0, 143}
        assert "authenticate" in run.said and "ssl" in run.said
        assert "probe-is-up" not in run.said
