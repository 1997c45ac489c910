"""Every rule of the grammar, and every rule beyond it: one broken document each."""

from __future__ import annotations

import pytest
from profiles import problems, told

HEAD = "profile: mine\n"
JAVA = "java: {main: M}\n"

BROKEN = [
    # unknown keys
    ("settigns: {}", "profile-unknown-key", 'unknown key "settigns"'),
    ("settings: {a: {tpye: int}}", "profile-unknown-key", 'unknown key "tpye" in settings.a'),
    ("checks: {a: {htp: {url: x}, for: [startup]}}", "profile-unknown-key", 'unknown key "htp" in checks.a'),
    (
        "checks: {a: {http: {url: x, adress: y}, for: [startup]}}",
        "profile-unknown-key",
        'unknown key "adress" in checks.a.http',
    ),
    ("checks: {a: {tcp: {address: x}, for: [startup], at-most: 3s}}", "profile-unknown-key", None),
    ("gates: {a: {tcp: {address: x}, interval: 3s}}", "profile-unknown-key", None),
    # wrong types
    ("settings: [a]", "profile-wrong-type", "settings is a list"),
    ("settings: {a: text}", "profile-wrong-type", "settings.a is a text"),
    ("home: {a: b}", "profile-wrong-type", "home is a mapping"),
    ("notes: one", "profile-wrong-type", "notes is a text"),
    ("notes: [a, null]", "profile-wrong-type", "notes[2] is empty"),
    ("checks: {a: {tcp: {address: x}, for: startup}}", "profile-wrong-type", "checks.a.for is a text"),
    # wrong values
    ("home: relative", "profile-invalid-value", "home has a wrong value"),
    ("settings: {a: {type: strng}}", "profile-invalid-value", "settings.a.type has a wrong value"),
    ("settings: {a: {required: maybe}}", "profile-invalid-value", "settings.a.required has a wrong value"),
    ("settings: {a: {required: 'true'}}", "profile-invalid-value", None),
    ("settings: {a: {env: my-env}}", "profile-invalid-value", "settings.a.env has a wrong value"),
    ("settings: {a: {property: 'a b'}}", "profile-invalid-value", None),
    ("settings: {a: {type: duration, unit: y}}", "profile-invalid-value", None),
    ("settings: {A_b: {}}", "profile-invalid-value", '"A_b" cannot be a name in settings'),
    (
        "files: {a: {copy: x, target: y, mode: 0999}}",
        "profile-invalid-value",
        "files.a.mode has a wrong value",
    ),
    ("files: {a: {copy: x, target: y, mode: 600000}}", "profile-invalid-value", None),
    ("memory: {classes: many}", "profile-invalid-value", "memory.classes has a wrong value"),
    ("memory: {threads: 0}", "profile-invalid-value", None),
    ("memory: {direct: 64 parsecs}", "profile-invalid-value", None),
    ("memory: {heap-percent: 101}", "profile-invalid-value", None),
    ("checks: {a: {tcp: {address: x}, for: [readyness]}}", "profile-invalid-value", None),
    ("checks: {a: {tcp: {address: x}, for: [startup], timeout: 2 weeks}}", "profile-invalid-value", None),
    ("checks: {a: {tcp: {address: x}, for: [startup], failures: 1.5}}", "profile-invalid-value", None),
    (
        "gates: {a: {zookeeper: {servers: x, path: /y, expect: gone}}}",
        "profile-invalid-value",
        "gates.a.zookeeper.expect has a wrong value",
    ),
    ("exits: {300: x}", "profile-invalid-value", '"300" cannot be a name in exits'),
    ("exits: {1: {meaning: x, answer: 256}}", "profile-invalid-value", None),
    ("environment: {'a b': x}", "profile-invalid-value", None),
    ("workdir: '{home'", "profile-invalid-value", "workdir has a lone '{'"),
    # missing
    ("files: {a: {copy: x}}", "profile-missing-key", "files.a lacks target"),
    ("files: {a: {target: x}}", "profile-missing-key", "files.a lacks one of properties, template, copy"),
    ("checks: {a: {for: [startup]}}", "profile-missing-key", None),
    ("checks: {a: {tcp: {address: x}}}", "profile-missing-key", "checks.a lacks for"),
    ("checks: {a: {http: {}, for: [startup]}}", "profile-missing-key", "checks.a.http lacks url"),
    ("gates: {a: {mysql: {url: x}}}", "profile-missing-key", "gates.a.mysql lacks user"),
    ("exits: {1: {answer: 2}}", "profile-missing-key", "exits.1 lacks meaning"),
    ("settings: {a: {type: choice}}", "profile-missing-key", "settings.a is a choice without choices"),
    # references
    ("workdir: '{no.such}'", "profile-unknown-reference", 'workdir refers to "no.such", which is no setting'),
    ("workdir: '{data}'", "profile-unknown-reference", None),
    ("files: {a: {copy: x, target: y, when: no.such}}", "profile-unknown-reference", None),
    ("files: {a: {copy: x, target: y, when: home}}", "profile-unknown-reference", None),
    ("settings: {a: {default: '{b}'}}", "profile-unknown-reference", None),
    # references of the wrong type
    ("settings: {a: {type: size}}\nmemory: {direct: '{gate.timeout}'}", "profile-conflict", None),
    (
        "settings: {a: {type: duration, unit: ms}}\ngates: {g: {tcp: {address: x}, timeout: '{a}'}}",
        "profile-conflict",
        'gates.g.timeout refers to "a", which has unit ms',
    ),
    (
        "settings: {a: {type: duration}}\ngates: {g: {tcp: {address: x}, timeout: '{a}'}}",
        "profile-conflict",
        'gates.g.timeout refers to "a", which may have no value',
    ),
    # what excludes each other
    ("files: {a: {copy: x, template: z, target: y}}", "profile-conflict", None),
    ("gates: {a: {tcp: {address: x}, file: {path: /x}}}", "profile-conflict", None),
    ("settings: {a: {env: X}, b: {env: X}}", "profile-conflict", 'settings "a" and "b" have the same env'),
    ("settings: {a: {property: x}, b: {property: x}}", "profile-conflict", None),
    ("settings: {a: {type: int, choices: [x]}}", "profile-conflict", None),
    (
        "settings: {a: {below: b}, b: {type: int}}",
        "profile-conflict",
        'settings.a has below, and "a" has type text',
    ),
    ("settings: {a: {type: int, below: b}, b: {type: port}}", "profile-conflict", None),
    ("settings: {a: {type: int, below: b}}", "profile-unknown-reference", None),
    ("settings: {a: {type: int, unit: ms}}", "profile-conflict", "settings.a has a unit but type int"),
    ("settings: {host: {}}", "profile-conflict", 'no setting can be called "host"'),
    (
        "settings: {stop.drain: null}\nstop: [{signal: KILL, wait: 1s}]",
        "profile-conflict",
        'setting "stop.drain" of profile base is taken away',
    ),
    (
        "settings: {entrypoint.listen: {type: int}}",
        "profile-conflict",
        'setting "entrypoint.listen" of profile base has another type',
    ),
    # what can be lost
    (
        "checks: {a: {tcp: {address: x}, for: [liveness], lost-after: 2m}}",
        "profile-conflict",
        "checks.a has lost-after, and nobody who can say no",
    ),
    ("checks: {a: {zookeeper: {servers: x}, for: [liveness], lost-after: 2m}}", "profile-conflict", None),
    (
        "checks: {a: {http: {url: x}, for: [readiness], lost-after: 2m}}",
        "profile-conflict",
        "checks.a has lost-after and is not for liveness",
    ),
    ("checks: {a: {http: {url: x}, for: [liveness], lost-after: soon}}", "profile-invalid-value", None),
    ("gates: {a: {http: {url: x}, lost-after: 2m}}", "profile-unknown-key", None),
    # the stop ladder
    ("stop: [{signal: TERM, wait: 1s}]", "profile-conflict", "the stop ladder does not end with KILL"),
    ("stop: []", "profile-conflict", "the stop ladder does not end with KILL"),
    ("stop: [{signal: TERM}, {signal: KILL, wait: 1s}]", "profile-missing-key", "stop[1] lacks wait"),
    ("stop: [{}, {signal: KILL, wait: 1s}]", "profile-missing-key", None),
    ("stop: [{drain: 1s, wait: 2s}, {signal: KILL, wait: 1s}]", "profile-conflict", None),
    ("stop: [{drain: 1s, signal: TERM}, {signal: KILL, wait: 1s}]", "profile-conflict", None),
    ("stop: [{signal: SIGTERM, wait: 1s}, {signal: KILL, wait: 1s}]", "profile-invalid-value", None),
    ("stop: [{thread-dump: false, wait: 1s}, {signal: KILL, wait: 1s}]", "profile-invalid-value", None),
    # circles
    ("settings: {a: {default: '{a}'}}", "profile-cycle", "settings refer to each other in a circle"),
    ("settings: {a: {default: '{b}'}, b: {default: 'x{c}'}, c: {file: '{a}'}}", "profile-cycle", None),
    (
        "settings: {a: {property: p}}\nfiles: {f: {properties: '{a}/x', target: y}}",
        "profile-cycle",
        "files.f is found by a, which may stand in a properties file",
    ),
    # null
    (
        "settings: {no.such: null}",
        "profile-nothing-to-remove",
        '"settings.no.such" is empty, and no file below has it',
    ),
    ("version:", "profile-nothing-to-remove", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "id_", "what"), BROKEN, ids=[text[:50] for text, *_ in BROKEN])
def test_one_broken_rule_is_one_problem_with_its_line(
    text: str, id_: str, what: str | None
) -> None:
    found = problems(HEAD + JAVA + text + "\n")
    assert [problem.id for problem in found] == [id_], [told(problem) for problem in found]
    assert told(found[0])[1].startswith(("mine.yaml:3", "mine.yaml:4"))
    if what is not None:
        assert found[0].what == what


@pytest.mark.parametrize(
    ("text", "id_", "what"),
    [
        ("java: {main: M, jar: /j}", "profile-conflict", "java has both main and jar"),
        ("java: {main: M, jar: '{home}/j'}", "profile-conflict", "java has both main and jar"),
        ("java: {}", "profile-missing-key", "java has neither main nor jar"),
        ("home: /x", "profile-missing-key", "the profile does not say what to start"),
        ("java: {main: M, supported: 8..11}", "profile-invalid-value", None),
        ("java: {main: M, supported: 17-11}", "profile-invalid-value", None),
        (
            "java: {main: M, options: [{jdk: 8}]}",
            "profile-missing-key",
            "java.options[1] lacks options",
        ),
        ("java: {main: M, options: [{jdk: old, options: []}]}", "profile-invalid-value", None),
        ("java: {main: M, options: -Xmx1g}", "profile-wrong-type", "java.options is a text"),
        ("java: {main: M, main: N}", "profile-duplicate-key", 'duplicate key "main"'),
        (
            "settings: {pw: {secret: true}}\njava: {main: M, properties: {pw: '{pw}'}}",
            "profile-secret-in-command",
            'java.properties.pw would put the secret "pw" on java\'s command line',
        ),
    ],
)
def test_java(text: str, id_: str, what: str | None) -> None:
    found = problems(HEAD + text + "\n")
    assert [problem.id for problem in found] == [id_], [told(problem) for problem in found]
    if what is not None:
        assert found[0].what == what


FINE = [
    "settings: {a: {type: words, env: A, default: 'x {home} {{y}} ${z}'}}",
    "settings: {a: {type: duration, unit: ms, default: 1}}",
    "settings: {pw: {secret: yes}}\nenvironment: {PW: '{pw}'}",
    "files: {a: {copy: x, target: y, mode: 0644, once: true, when: gate.timeout}}",
    "files: {a: {copy: x, target: y, mode: '644'}}",
    "memory: {classes: 1, threads: 2, thread-stack: 512k, direct: 1g, heap-percent: 40%}",
    "memory: {code-cache: 64m, file-cache: 25%, least-heap: 64m}",
    "gates: {a: {zookeeper: {servers: x, expect: absent}, timeout: 1s, at-most: '{gate.timeout}'}}",
    "checks: {a: {http: {url: x, status: 204, verify: false}, for: [liveness]}}",
    "exits: {0: fine, '255': {meaning: bad, answer: 1}}",
    "folders: ['{run}/x', '{java.home}']",
    "version: 3.10",
]


@pytest.mark.parametrize("text", FINE)
def test_these_are_fine(text: str) -> None:
    assert [told(problem) for problem in problems(HEAD + JAVA + text + "\n")] == []


def test_a_reference_to_a_setting_that_was_taken_away_says_where() -> None:
    text = HEAD + "extends: kafka\nsettings: {data.dir: null}\n"
    found = problems(text)
    assert {problem.id for problem in found} == {"profile-unknown-reference"}
    assert all("it was taken away at mine.yaml:3" in dict(p.details)["fix"] for p in found)


def test_a_long_chain_of_defaults_is_refused() -> None:
    chain = ", ".join(f"s{n}: {{default: '{{s{n + 1}}}'}}" for n in range(2000))
    found = problems(f"{HEAD}{JAVA}settings: {{{chain}, s2000: {{default: x}}}}\n")
    assert {problem.id for problem in found} == {"profile-cycle"}
    short = ", ".join(f"s{n}: {{default: '{{s{n + 1}}}'}}" for n in range(15))
    assert problems(f"{HEAD}{JAVA}settings: {{{short}, s15: {{default: x}}}}\n") == ()


def test_problems_are_bounded() -> None:
    many = "\n".join(f"unknown{n}: x" for n in range(500))
    assert len(problems(f"{HEAD}{JAVA}{many}\n")) == 50
