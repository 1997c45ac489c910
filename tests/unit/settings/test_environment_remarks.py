"""What else stands in the environment: service links are ignored, misspelt variables are told."""

from __future__ import annotations

import pytest
from containers import built_in, get, profile, settings_of

from entrypoint.settings.service_links import service_of
from entrypoint.settings.suggest import service_links, suggestions

# As the kubelet sets them for a Service `otter-manager` with a port named http and one named dubbo.
LINKS = {
    "OTTER_MANAGER_SERVICE_HOST": "10.96.12.7",
    "OTTER_MANAGER_SERVICE_PORT": "8080",
    "OTTER_MANAGER_SERVICE_PORT_HTTP": "8080",
    "OTTER_MANAGER_SERVICE_PORT_DUBBO": "1099",
    "OTTER_MANAGER_PORT": "tcp://10.96.12.7:8080",
    "OTTER_MANAGER_PORT_8080_TCP": "tcp://10.96.12.7:8080",
    "OTTER_MANAGER_PORT_8080_TCP_PROTO": "tcp",
    "OTTER_MANAGER_PORT_8080_TCP_PORT": "8080",
    "OTTER_MANAGER_PORT_8080_TCP_ADDR": "10.96.12.7",
    "OTTER_MANAGER_PORT_1099_TCP": "tcp://10.96.12.7:1099",
    "OTTER_MANAGER_PORT_1099_TCP_PROTO": "tcp",
    "OTTER_MANAGER_PORT_1099_TCP_PORT": "1099",
    "OTTER_MANAGER_PORT_1099_TCP_ADDR": "10.96.12.7",
}
KUBERNETES = {
    "KUBERNETES_SERVICE_HOST": "10.96.0.1",
    "KUBERNETES_PORT": "tcp://10.96.0.1:443",
    "KUBERNETES_PORT_443_TCP": "tcp://10.96.0.1:443",
}


@pytest.mark.parametrize(("name", "value"), LINKS.items())
def test_every_variable_of_a_service_is_recognised(name: str, value: str) -> None:
    assert service_of(name, value) == "OTTER_MANAGER"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X_PORT", "udp://10.0.0.1:53"),
        ("X_PORT", "tcp://[fd00::1]:80"),
        ("X_PORT_53_UDP_ADDR", "fd00::1"),
        ("X_SERVICE_HOST", "fd00::1"),
    ],
)
def test_other_protocols_and_ipv6(name: str, value: str) -> None:
    assert service_of(name, value) == "X"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTTER_PORT", "8080"),
        ("OTTER_PORT", "tcp://manager:1099"),
        ("OTTER_URL", "tcp://10.0.0.1:1099"),
        ("OTTER_PORT", "http://10.0.0.1:1099"),
        ("OTTER_SERVICE_HOST", "manager"),
        ("PORT", "tcp://10.0.0.1:1"),
        ("OTTER_PORT", ""),
    ],
)
def test_what_is_no_service_link(name: str, value: str) -> None:
    assert service_of(name, value) == ""


def test_a_declared_variable_keeps_a_value_that_somebody_may_have_set() -> None:
    assert service_of("APP_SERVICE_PORT", "8080") == "APP"
    assert service_of("APP_SERVICE_PORT", "8080", declared=True) == ""
    assert service_of("APP_PORT", "tcp://10.0.0.1:1", declared=True) == "APP"


def test_a_link_in_a_declared_variable_is_ignored_and_said_so() -> None:
    settings = settings_of(profile(), {"DEMO_PORT": "tcp://10.0.0.1:80"})
    port = get(settings, "port")
    assert port.text == "8080"
    assert port.looked_at[0] == "$DEMO_PORT (a Kubernetes service link)"
    reason = "a Kubernetes service link, not a setting"
    assert settings.ignored == (("DEMO_PORT", "tcp://10.0.0.1:80", reason),)


def test_one_link_for_each_service_of_our_prefix_is_told_and_none_of_others() -> None:
    found = service_links(built_in("otter-node"), {**KUBERNETES, **LINKS})
    assert [name for name, _, _ in found] == ["OTTER_MANAGER_PORT"]


def test_service_links_are_no_misspelt_variables() -> None:
    assert suggestions(built_in("otter-manager"), {**KUBERNETES, **LINKS}) == ()
    assert suggestions(built_in("otter-node"), {**KUBERNETES, **LINKS}) == ()


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("OTTER_DATABSE_URL", "OTTER_DATABASE_URL"),
        ("OTTER_DATABASE_USRENAME", "OTTER_DATABASE_USERNAME"),
        ("OTTER_PROT", "OTTER_PORT"),
        ("OTER_PORT", "OTTER_PORT"),
        ("otter_port", "OTTER_PORT"),
        ("OTTER_DATABASE_PASSWROD_FILE", "OTTER_DATABASE_PASSWORD_FILE"),
        ("ENTRYPOINT_PROFIL", "ENTRYPOINT_PROFILE"),
        ("JAVA_OPTS", "JAVA_OPTIONS"),
        ("JAVA_OPTION", "JAVA_OPTIONS"),
        ("OTTER_WHOLLY_OTHER", ""),
    ],
)
def test_misspelt_variables(misspelt: str, meant: str) -> None:
    assert suggestions(built_in("otter-manager"), {misspelt: "x"}) == ((misspelt, meant),)


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "OTTER_PORT",
        "OTTER_PORT_FILE",
        "ENTRYPOINT_PROFILE",
        "JAVA_TOOL_OPTIONS",
        "_JAVA_OPTIONS",
        "JDK_JAVA_OPTIONS",
        "JAVA_VERSION",
        "HTTP_PROXY",
        "",
        "_",
        "SOMETHING_PORT",
    ],
)
def test_variables_that_are_left_alone(name: str) -> None:
    assert suggestions(built_in("otter-manager"), {name: "x"}) == ()


def test_a_small_family_does_not_claim_its_prefix() -> None:
    text = "profile: x\nsettings: {proxy: {env: HTTP_TIMEOUT}}\njava: {main: M}\n"
    assert suggestions(profile(text), {"HTTP_PROXY": "x", "HTTPS_PROXY": "y"}) == ()
    assert suggestions(profile(text), {"HTTP_TIMEUOT": "x"}) == (("HTTP_TIMEUOT", "HTTP_TIMEOUT"),)
