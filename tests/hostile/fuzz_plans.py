"""Fuzzed: what a plan is made of. Every input goes the whole way, to the text that a person reads."""

# Tables of inputs read best with one on a line.
# ruff: noqa: E501, ISC004, RUF001

from __future__ import annotations

import functools
import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from fuzzing import CANARY, Target

from entrypoint import replay, sources
from entrypoint.errors import ProblemsError, format_problems
from entrypoint.jvm import option_files, options
from entrypoint.plan import build, document, explain
from entrypoint.plan.explain_settings import explain_setting, explain_settings
from entrypoint.profile import load as profiles
from entrypoint.profile.grammar import PROFILE
from entrypoint.profile.schema import Profile
from entrypoint.profile.shapes import Keyed, Leaf, Listed, Named, TextOr
from entrypoint.records import replace
from entrypoint.rendering.templates import render
from entrypoint.settings.model import Facts, FileInput, Inputs
from entrypoint.settings.resolve import wanted_files
from entrypoint.values import Secret

if TYPE_CHECKING:
    from entrypoint.profile.shapes import Shape
    from entrypoint.rendering.templates import TemplateKind

BUILTIN = sources.builtin_profiles()
GOLDEN = Path(__file__).parents[1] / "golden" / "cases"
JDK = "/usr/lib/jvm/java"
FACTS = Facts(
    hostname="otter-0",
    uid=10001,
    gid=10001,
    memory_limit=1 << 30,
    cgroup="v2",
    cpus=2.0,
    java_home=JDK,
    java=f"{JDK}/bin/java",
    release_text='JAVA_VERSION="17.0.15"\nIMPLEMENTOR="Debian"\n',
)
FACTS_8 = replace(FACTS, release_text='JAVA_VERSION="1.8.0_504"\n')
GIVEN = (
    ("OTTER_DATABASE_PASSWORD", CANARY),
    ("OTTER_DATABASE_URL", "jdbc:mysql://mysql:3306/otter"),
    ("OTTER_DATABASE_USERNAME", "otter"),
    ("OTTER_MANAGER_PASSWORD", CANARY),
    ("OTTER_ZOOKEEPER_SERVERS", "zk:2181"),
    ("OTTER_MANAGER_ADDRESS", "otter-manager:1099"),
    ("OTTER_NID", "1"),
    ("APP_JAR", "/app/app.jar"),
)


def template(name: str) -> str:
    """Return a built-in template; a path of an input is not followed."""
    return "" if name.startswith("/") or ".." in name else sources.template_text(name)


def planned(
    profile: Profile, inputs: Inputs, facts: Facts | None = None, *, all_of_it: bool = True
) -> str:
    """Return all that is shown of the plan of a profile: text, document, settings, recording."""
    facts = facts or (FACTS_8 if profile.name.startswith("otter") else FACTS)
    names = build.template_names(profile, inputs, facts.hostname)
    found = build.resolve(profile, inputs, facts, {name: template(name) for name in names})
    plan = build.build(found)
    shown = [explain.explain_plan(plan)]
    if not all_of_it:
        return shown[0]
    shown.append(explain_settings(plan.settings))
    shown += [explain_setting(setting) for setting in plan.settings[:200]]
    # As documents they are escaped by their own writers: control characters are not looked for in them.
    records = json.dumps(document.plan_document(plan))
    records += yaml.safe_dump(replay.dump(found, []), allow_unicode=True)
    if CANARY in records:
        shown.append(records[max(0, records.index(CANARY) - 300) :][:600])
    return "\n".join(shown)


def _keys(shape: Shape) -> set[str]:
    match shape:
        case Keyed():
            return {f.name for f in shape.fields}.union(*(_keys(f.shape) for f in shape.fields))
        case Named():
            return _keys(shape.entry)
        case Listed():
            return _keys(shape.item)
        case TextOr():
            return _keys(shape.longer)
        case Leaf():
            return set()


WORDS = (
    *sorted(_keys(PROFILE)), "mine", "otter-node", "base", "{home}", "{run}", "{host}", "{java.home}", "{a}",
    "{database.password}", "{", "}", "{{", "${x}", "${x:y}", "0", "-1", "0777", "7777", "99999999999", "1e9",
    "1y", "500ms", "20s", "64m", "999999t", "100%", "0%", "true", "no", "KILL", "TERM", "SIGTERM", "8", "8-",
    "17-8", "http://h/", "http://[::1", "jdbc:mysql://h/d", "/", "/etc/passwd", "../../x", "/a/../b", "a.xml",
    "http", "tcp", "file", "mysql", "zookeeper", "startup", "liveness", "@/etc/hostname", "-Xmx1g", "", " ",
    "\n", "\x1b[31m", "\u202e", "\ud800", "\0", "a" * 300, "{a}" * 3000, "é", "on", "~", "null",
)  # fmt: skip


def rebuild_yaml(chance: random.Random, data: bytes) -> bytes:
    """Change one place of a document: its value, its key, or where it stands."""
    try:
        tree = yaml.load(data, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError):
        return data
    places = list(_places(tree))
    if not places:
        return data
    node, key = chance.choice(places)
    match chance.randrange(7):
        case 0:
            del node[key]
        case 1 | 2:
            node[key] = chance.choice(WORDS)
        case 3:
            node[key] = _any_value(chance, 3)
        case 4:
            other, wanted = chance.choice(places)
            if wanted in other if isinstance(other, dict) else wanted < len(other):
                node[key] = other[wanted]
        case 5 if isinstance(node, dict):
            node[chance.choice(WORDS)] = node.pop(key)
        case 6 if isinstance(node, dict):
            node[chance.choice(WORDS)] = _any_value(chance, 3)
        case _:
            node[key] = None
    try:
        text = yaml.dump(tree, Dumper=_Plain, allow_unicode=chance.random() < 0.5, sort_keys=False)
    except (RecursionError, yaml.YAMLError):
        return data
    return text.encode("utf-8", "surrogatepass")


class _Plain(yaml.SafeDumper):
    """Writes what stands in two places twice, so that not every input is refused for an alias."""

    def ignore_aliases(self, data: object) -> bool:
        """Say that there are none."""
        return True


def _places(tree: object, depth: int = 0) -> list[tuple]:
    """Return (container, key) of every place in a tree, not too deep."""
    if depth > 12:
        return []
    pairs: list[tuple] = []
    if isinstance(tree, dict):
        pairs = [(tree, key) for key in tree]
    elif isinstance(tree, list):
        pairs = [(tree, at) for at in range(len(tree))]
    return pairs + [inner for node, key in pairs for inner in _places(node[key], depth + 1)]


def _any_value(chance: random.Random, depth: int) -> object:
    match chance.randrange(6 if depth else 3):
        case 0 | 1:
            return chance.choice(WORDS)
        case 2:
            return chance.choice((True, False, 0, -1, 8, 10**30, 1.5, None))
        case 3:
            return [_any_value(chance, depth - 1) for _ in range(chance.choice((0, 1, 3)))]
        case _:
            return {
                chance.choice(WORDS): _any_value(chance, depth - 1)
                for _ in range(chance.choice((0, 1, 3)))
            }


def _text(data: bytes) -> str:
    """Return bytes as a file with text is read."""
    return data.decode("utf-8-sig", "surrogateescape")


def run_profile(data: bytes) -> str:
    """A profile of one's own, from its file to its plan."""
    profile = profiles.load([("/app/mine.yaml", _text(data))], BUILTIN)
    return planned(profile, Inputs(GIVEN))


def run_overlay(data: bytes) -> str:
    """An overlay over otter's manager, as a ConfigMap brings it."""
    texts = [("otter-manager.yaml", BUILTIN["otter-manager"]), ("/etc/overlay.yaml", _text(data))]
    profile = profiles.load(texts, BUILTIN)
    shown = planned(profile, Inputs(GIVEN))
    return shown if _is_hidden(profile) else shown.replace(CANARY, "")


def _is_hidden(profile: Profile) -> bool:
    """Tell whether the overlay has left alone that both passwords are secrets, and what reads them."""
    holding = {name for name, value in GIVEN if value == CANARY}
    return all(spec.secret for spec in profile.settings if spec.env in holding)


@functools.cache
def built_in(name: str) -> Profile:
    """Return a built-in profile."""
    return profiles.load([(f"{name}.yaml", BUILTIN[name])], BUILTIN)


def run_properties(data: bytes) -> str:
    """otter.properties, mounted; the password stands in it, behind whatever the input is."""
    path = "/opt/otter-manager/conf/otter.properties"
    secret = f"\notter.database.driver.password = {CANARY}\n".encode()
    files = (FileInput(path, data[: 1 << 20], True), FileInput("/run/secrets/x", secret, True))
    both = FileInput(path, (data + secret)[: 1 << 20], True)
    said = planned(built_in("otter-manager"), Inputs(GIVEN, files))
    return said + planned(built_in("otter-manager"), Inputs(GIVEN[1:], (both,)))


NAMES = ("jvm", "otter-manager", "otter-node", "zookeeper", "kafka")


def run_environment(data: bytes) -> str:
    """Variables, NUL between them, for the profile that the first letter names."""
    name = NAMES[(data[0] if data else 0) % len(NAMES)]
    profile = built_in(name)
    entries = [entry.partition(b"=") for entry in data[1:].split(b"\0")]
    given = dict(GIVEN) | {
        _of_system(key): _of_system(value) for key, equals, value in entries if key and equals
    }
    given["OTTER_DATABASE_PASSWORD"] = given["OTTER_MANAGER_PASSWORD"] = CANARY
    inputs = Inputs(tuple(given.items()))
    wanted_files(profile, inputs, {"host": "h"})
    return planned(profile, inputs)


def _of_system(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def rebuild_environment(chance: random.Random, data: bytes) -> bytes:
    """Give one variable of the profile a value that it may not expect."""
    name = chance.choice(NAMES)
    spec = chance.choice([spec for spec in built_in(name).settings if spec.env])
    variable = spec.env or ""
    if chance.random() < 0.1:
        variable += chance.choice(("_FILE", "S", "_", "\udcff"))
    value = chance.choice(
        (*VALUES, *WORDS, (chance.choice(WORDS)[:9] or "x") * chance.choice((2, 1000, 12_000)))
    )
    entry = f"{variable}={value}".replace("\0", "").encode("utf-8", "replace")
    if chance.random() < 0.1:
        entry += b"\xff\xfe"
    kept = data[1:].split(b"\0") if chance.random() < 0.7 else []
    return bytes([NAMES.index(name)]) + b"\0".join([*kept[-20:], entry])


VALUES = (
    "1", "0", "-1", "65536", "yes", "60s", "1e9s", "9" * 40, "9" * 5000, "{home}", "a:1,b:2", "/x", "/proc/self/mem",
    "http://[::1", "http://h:999999", "http://u:p@h/", "jdbc:", "jdbc:mysql://h/d?password=x", "tcp://10.0.0.1:80",
    "²", "１", ".5s", "1..2s", "[", "[]:1", "%", "100%", "101%", "-Xmx1g -Xmx2g", "-XX:+UseSerialGC -XX:+UseG1GC",
    "'-Xmx", "@/x", "-D" + "x" * 3000, "-Xmx999999g", "-Xss1t", "-XX:MaxDirectMemorySize=-1", "off", "none",
    "a b c", "0.0.0.0:0", ":9404", "[::]:9404", "127.0.0.1:99999", "\u202e", "💥", "$(id)", "`id`", "a,b;c d",
)  # fmt: skip


def run_options(data: bytes) -> str:
    """JAVA_OPTIONS, an options file, an argument file and the JVM's own variables, `|` between them."""
    parts = (data.split(b"|") + [b""] * 5)[:5]
    jdk = ("8u504", "11.0.33", "17.0.15", "25.0.3")[sum(data[:8]) % 4]
    version = f"1.8.0_{jdk[2:]}" if jdk.startswith("8u") else jdk
    facts = Facts(
        memory_limit=1 << 30, cpus=2.0, java_home=JDK, java=f"{JDK}/bin/java",
        release_text=f'JAVA_VERSION="{version}"\n',
    )  # fmt: skip
    variables = ("JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS")
    given = zip(variables, map(_of_system, (parts[0], parts[3], parts[4])), strict=True)
    environment = (*given, *GIVEN, ("JAVA_OPTIONS_FILE", "/a/jvm.options"))
    files = (FileInput("/a/jvm.options", parts[1], True), FileInput("/a/args", parts[2], True))
    said = []
    try:
        # A secret in java's arguments is not ours: it hides in the plan, and is told as a setting's value.
        said.append(planned(built_in("jvm"), Inputs(environment, files), facts, all_of_it=False))
    except ProblemsError as error:
        said.append(format_problems(error.problems))
    return "\n".join(said).replace("\0", "")


OPTION_WORDS = tuple(
    word.encode()
    for word in (
        *options.LAUNCH_OPTIONS, *option_files.TAKES_NEXT_WORD, "-Xmx512m", "-Xms1g", "-Xss512k", "-Xmn", "-Xmx",
        "-XX:+UseG1GC", "-XX:-UseG1GC", "-XX:+PrintGCDetails", "-Xloggc:/x", "-Xlog:gc*:file=/x:time", "@/a/args",
        "-Xlog:", '-Xlog:gc:"', "-XX:MaxPermSize=1g", "-XX:+UnlockDiagnosticVMOptions", "-XX:HeapDumpPath=",
        "-Dpassword=" + CANARY, "-javaagent:/x.jar=" + CANARY, "-agentlib:jdwp=transport=dt_socket", "-Xrunx",
        "8:", "8-13:", "99-1:", "#", "'", '"', "\\", "\\\n", "-Djava.security.egd=", "--add-opens=a/b=c", "|",
        "-XX:MaxRAMPercentage=", "-XX:ThreadStackSize=", "-XX:Flags=/x", "-XX:VMOptionsFile=/x", "--", "-",
    )
)  # fmt: skip


def rebuild_options(chance: random.Random, data: bytes) -> bytes:
    """Put options of any kind in a row."""
    words = [chance.choice(OPTION_WORDS) for _ in range(chance.choice((1, 2, 5, 30)))]
    joined = chance.choice((b" ", b"\n", b" ", b"")).join(words)
    at = chance.randint(0, len(data))
    return data[:at] + joined + data[at:] if chance.random() < 0.5 else joined


def _hides_options(data: bytes) -> bool:
    """Tell whether the canary stands only where a secret can be known: in JAVA_OPTIONS, as a value."""
    first, _, rest = data.partition(b"|")
    words = re.split(rb"\s+", first)
    holding = [word for word in words if CANARY.encode() in word]
    plain = not re.search(rb"['\"\\@]", first) and CANARY.encode() not in rest
    paired = any(word.decode("utf-8", "replace") in options.TAKES_NEXT_WORD for word in words)
    known = all(word.startswith((b"-Dpassword=", b"-javaagent:")) for word in holding)
    return known and plain and not paired


SECRETS = {"database.password": Secret(CANARY)}
KINDS: tuple[TemplateKind, ...] = ("text", "xml", "properties")


def run_template(data: bytes) -> str:
    """A template in each kind of file; what it renders may hold what it reveals, a problem may not."""
    said = []
    for kind in KINDS:
        variables = {
            "s": {"text": "a<b>&\"c' d\n", "port": "80", "list": ("x", "y"), **SECRETS},
            "run": "/run/entrypoint",
            "home": "/opt",
        }
        try:
            text = render("t.j2", _text(data), variables, kind)
            text.encode()
            said.append("" if b"reveal" in data else "".join(c for c in text if c.isprintable()))
        except ProblemsError as error:
            said.append(format_problems(error.problems))
    return "\n".join(said)


TEMPLATE_WORDS = tuple(
    word.encode()
    for word in (
        "{{", "}}", "{%", "%}", "{#", "#}", "{% for x in ", "{% endfor %}", "{% if ", "{% endif %}", "{% set x = ",
        "{% set x %}", "{% endset %}", "{% macro m(x) %}", "{% endmacro %}", "{{ m(x) }}", "{% call m(1) %}",
        "{% endcall %}", "{% filter upper %}", "{% endfilter %}", "{% raw %}", "{% endraw %}", "{% block b %}",
        "{% endblock %}", "{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}", "{% with %}",
        "{% endwith %}", "{% autoescape false %}", "{% endautoescape %}", "{{ self.b() }}", "{{ super() }}",
        "{{ caller() }}", "{{ loop.index }}", "{{ loop([1]) }}", "range(100000)", "range(-1)", "x ~ x", "x + x",
        "x * 9", "x ** 9", "x % 2", "x // 0", "[x, x]", "(x, x)", "{x: x}", "x[1:]", "x[::0]", "x['a']", "x.a",
        "x.__class__", "['__class__']", "|attr('__class__')", "|map(attribute='__class__')", "|map('upper')",
        "|join(',')", "|replace('a', 'aa')", "|list", "|sort", "|unique", "|groupby('real')", "|sum", "|round(9)",
        "|int", "|float", "|string", "|json", "|xml", "|properties", "|yaml_scalar", "|properties_key", "|reveal",
        "|default('x')", "|first", "|length", "|dictsort", "|items", "|select", "|reject('odd')", "|max", "|min",
        ".format(x)", ".upper()", ".split()", ".replace('a','b')", ".ljust(999999999)", ".items()", ".get('x')",
        "s", "s.text", "s['database.password']", "run", "nothing", "none", "true", "1.5", "99999999999999999999",
        "'\\ud800'", "'a'", "''", " if x else y", " is defined", " is divisibleby 0", " in s", "not ", "- ", "*x",
        "**x", "x=1", "loop.cycle(1)", "loop.changed(x)", "_", "l_0_x", "context", "environment", "namespace()",
    )
)  # fmt: skip


def rebuild_template(chance: random.Random, data: bytes) -> bytes:
    """Put words of the language in a row: most of what comes of it compiles or nearly does."""
    match chance.randrange(4):
        case 0:
            words = [chance.choice(TEMPLATE_WORDS) for _ in range(chance.choice((1, 3, 9)))]
            return b"{{ " + chance.choice((b" ", b"")).join(words) + b" }}"
        case 1:
            value, chain = chance.choice((b"s", b"range(9)", b"'ab'", b"s.text", b"[1,[2]]")), b""
            for _ in range(chance.choice((1, 2, 4))):
                chain += chance.choice([w for w in TEMPLATE_WORDS if w[:1] in b"|.["])
            return b"{% set x = " + value + b" %}{{ (" + value + b")" + chain + b" }}" + data[:500]
        case 2:
            double = chance.choice(
                (b"x ~ x", b"x + x", b"[x, x]", b"(x,x)", b"x|replace('a','aa')", b"[x,x]|join")
            )
            start = b"{% set x = " + chance.choice((b"'aaaa'", b"[1]", b"1", b"s.text")) + b" %}"
            steps = (b"{% set x = " + double + b" %}") * chance.choice((2, 12, 30))
            use = chance.choice(
                (b"|length", b"|json", b"|string|length", b"|join", b" == x", b"|unique|list")
            )
            return start + steps + b"{{ x" + use + b" }}"
        case _:
            at = chance.randint(0, len(data))
            return data[:at] + chance.choice(TEMPLATE_WORDS) + data[at:]


def run_recording(data: bytes) -> str:
    """A recording, replayed."""
    found = replay.load(_text(data), BUILTIN, template)
    plan = build.build(found)
    return explain.explain_plan(plan)


def _golden() -> tuple[bytes, ...]:
    """Return recordings: golden cases with the profile's text filled in."""
    made = []
    for path in sorted(GOLDEN.glob("*.yaml")):
        case = yaml.safe_load(path.read_text())
        name = case["profile"]
        text = case.get("text") or BUILTIN[name]
        facts = {
            "java_home": JDK,
            "java": f"{JDK}/bin/java",
            "release_text": 'JAVA_VERSION="17.0.15"\n',
        }
        texts = [{"name": f"{name}.yaml", "text": text}]
        if "overlay" in case:
            texts.append({"name": "/etc/entrypoint/profile.yaml", "text": case["overlay"]})
        case |= {"profile": texts, "facts": facts | case.get("facts", {})}
        made.append(yaml.safe_dump(case, sort_keys=False).encode())
    return tuple(made[::4])


OVERLAYS = (
    b"settings:\n  http.port: {default: '8081'}\njava:\n  options: [-Xmx256m]\n",
    b"checks:\n  mine: {http: {url: 'http://127.0.0.1:{http.port}/x'}, for: [readiness], timeout: 1s}\n",
    b"files:\n  more: {template: otter/logback-console.xml.j2, target: '{run}/conf/more.xml'}\n",
    b"stop:\n  - {signal: TERM, wait: 5s}\n  - {signal: KILL, wait: 1s}\nports: {x: '8080'}\nfolders: [/data/x]\n",
    b"environment: {A: '{http.port}'}\nmemory: {classes: 100}\nexits: {3: three}\nnotes: [hello]\n",
)
OWN = (
    b"profile: shop\nextends: jvm\nhome: /opt/shop\nsettings:\n  app.jar: {env: SHOP_JAR, type: path, default:"
    b' "{home}/shop.jar"}\n  shop.url: {env: SHOP_URL, type: jdbc-url, default: "jdbc:mysql://h/d"}\n'
    b"  shop.password: {env: OTTER_DATABASE_PASSWORD, secret: true, required: true}\ngates:\n"
    b'  db: {mysql: {url: "{shop.url}", user: shop, password: "{shop.password}"}}\n',
)

TARGETS = (
    Target(
        "profile", (*OWN, *(BUILTIN[name].encode() for name in NAMES)), run_profile, 120,
        tuple(word.encode("utf-8", "replace") for word in WORDS), rebuild_yaml,
        # An input that is a profile may read the variable into a setting that is not secret.
        hides=lambda _: False,
    ),
    Target("overlay", OVERLAYS, run_overlay, 120, tuple(w.encode("utf-8", "replace") for w in WORDS), rebuild_yaml),
    Target(
        "properties",
        (
            b"otter.domainName = otter.example.com\notter.port = 8080\n# comment\n! more\n",
            b"a\\ b : c\\\n   d\nkey\\u0041=\\u00e9\n\n=x\notter.database.driver.url=jdbc:mysql://h/o?a=${x}\n",
            "otter.database.driver.username=${user:öé}\r\notter.zookeeper.cluster.default=a:1,b:2\r".encode("latin-1"),
        ),
        run_properties, 90,
        (b"=", b":", b"\\\n", b"\\u0000", b"\\udc00", b"${otter.port}", b"${", b"otter.port", b"#"),
    ),
    Target("environment", (b"\0APP_JAR=/a.jar", b"\1OTTER_PORT=1"), run_environment, 250, (), rebuild_environment),
    Target(
        "options", (b"-Xmx512m -XX:+UseG1GC|8-13:-Xint\n# x\n-Xss1m|-Da='b c'\n|-Dx=1|", b"@/a/args|||"),
        run_options, 250, OPTION_WORDS, rebuild_options,
        hides=_hides_options,
    ),
    Target(
        "template",
        tuple(
            sources.template_text(name).encode()
            for name in ("otter/logback-console.xml.j2", "zookeeper/zoo.cfg.j2", "kafka/meta.properties.j2")
        ),
        run_template, 250, TEMPLATE_WORDS, rebuild_template,
    ),
    Target(
        "recording", _golden(), run_recording, 60, tuple(w.encode("utf-8", "replace") for w in WORDS), rebuild_yaml,
        hides=lambda _: False,
    ),
)  # fmt: skip
