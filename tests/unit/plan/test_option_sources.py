"""Options of files, of JAVA_OPTIONS and of single settings, in a whole plan."""

from __future__ import annotations

import pytest

from entrypoint import sources as own
from entrypoint.errors import ProblemsError, format_problems
from entrypoint.plan import build, option_sources
from entrypoint.plan.model import Plan
from entrypoint.profile.load import load
from entrypoint.profile.schema import Profile
from entrypoint.settings.model import Facts, FileInput, Inputs
from entrypoint.settings.resolve import preview

GIB = 1 << 30


def profile(overlay: str = "") -> Profile:
    builtin = own.builtin_profiles()
    texts = [("jvm.yaml", builtin["jvm"]), ("/o.yaml", overlay)]
    return load(texts if overlay else texts[:1], builtin)


def plan(
    environment: dict[str, str],
    files: dict[str, str] | None = None,
    *,
    jdk: int = 17,
    overlay: str = "",
    problem: str = "",
    in_memory: bool = False,
) -> Plan:
    facts = Facts(
        java_home="/jdk",
        java="/jdk/bin/java",
        release_text=f'JAVA_VERSION="{"1.8.0_504" if jdk == 8 else f"{jdk}.0.1"}"\n',
        diagnosis_problem=problem,
        diagnosis_in_memory=in_memory,
    )
    found = tuple(FileInput(path, text.encode()) for path, text in (files or {}).items())
    inputs = Inputs(tuple({"APP_MAIN": "a.B", **environment}.items()), found)
    return build.build(build.resolve(profile(overlay), inputs, facts, {}))


def problems(*arguments: object, **more: object) -> str:
    with pytest.raises(ProblemsError) as caught:
        plan(*arguments, **more)  # type: ignore[arg-type]
    return format_problems(caught.value.problems)


def origins(made: Plan) -> dict[str, str]:
    """Return the origin of each run of words that the plan shows."""
    return {" ".join(part.words): part.origin for part in made.command}


def notes(made: Plan) -> str:
    return "\n".join(f"{note.text} ({note.origin})" for note in made.notes)


# --- files of options ---


def test_profile_then_files_by_name_then_the_named_file_then_java_options() -> None:
    files = {
        "/app/conf/jvm.options.d/z.options": "-Dz=z\n",
        "/etc/own.options": "-Dz=own\n",
        "/app/conf/jvm.options.d/a.options": "-Dz=a\n-Dp=file\n",
        "/app/conf/jvm.options": "-Dz=main\n-Xss1m\n",
        "/app/conf/other": "-Dother=1",
    }
    overlay = "java: {properties: {p: profile}}"
    environment = {"JAVA_OPTIONS_FILE": "/etc/own.options", "JAVA_OPTIONS": "-Dy=1"}
    made = plan(environment, files, overlay=overlay)
    words = [word for word in made.launch.argv if word.startswith(("-D", "-Xss"))]
    assert words == ["-Xss1m", "-Dp=file", "-Dz=own", "-Dy=1"]
    assert origins(made)["-Dz=own"] == "/etc/own.options:1"
    assert origins(made)["-Xss1m"] == "/app/conf/jvm.options:2"
    assert plan(environment | {"JAVA_OPTIONS": "-Dz=user"}, files).launch.argv.count("-Dz=user")


def test_an_option_for_another_jdk_is_not_taken() -> None:
    files = {"/app/conf/jvm.options": "8:-Dold=1\n9-:-Dnew=1"}
    assert "-Dnew=1" in plan({}, files).launch.argv
    assert "-Dold=1" not in plan({}, files).launch.argv
    assert "-Dold=1" in plan({}, files, jdk=8).launch.argv


def test_options_of_a_file_are_judged_and_told_with_their_line() -> None:
    files = {"/app/conf/jvm.options": "-XX:MaxPermSize=64m\n-Dhome=${HOME}\n"}
    assert "dropped" in notes(plan({}, files))
    assert "$" + "{HOME}, left as it is: nothing is expanded (/app/conf/jvm.options:2)" in notes(
        plan({}, files)
    )
    said = problems({}, {"/app/conf/jvm.options": "# a\n-Xmx1x\n-jar a.jar\nfoo"})
    assert "/app/conf/jvm.options:4" in said
    said = problems({}, {"/app/conf/jvm.options": "# a\n-Xmx1x\n-cp a.jar"})
    assert "/app/conf/jvm.options:2" in said
    assert "/app/conf/jvm.options:3" in said


def test_values_of_a_file_that_may_be_secret_are_not_shown() -> None:
    made = plan({}, {"/app/conf/jvm.options": "-Dpassword=hunter2\n-javaagent:/a.jar=hunter2"})
    assert "-Dpassword=hunter2" in made.launch.argv
    assert "hunter2" not in str(made.command)


def test_a_file_that_is_named_has_to_be_there_and_readable() -> None:
    assert "$JAVA_OPTIONS_FILE" in problems({"JAVA_OPTIONS_FILE": "/etc/none"})
    inputs = Inputs(
        (("APP_MAIN", "a"),),
        (FileInput("/app/conf/jvm.options", b"", problem="permission denied"),),
    )
    facts = Facts(java_home="/jdk", java="/jdk/bin/java", release_text='JAVA_VERSION="17.0.1"')
    with pytest.raises(ProblemsError, match="cannot read a file of JVM options"):
        build.build(build.resolve(profile(), inputs, facts, {}))


# --- argument files ---


@pytest.mark.parametrize("jdk", [8, 17])
def test_an_argument_file_is_expanded_in_its_place_on_every_jdk(jdk: int) -> None:
    files = {"/app/args": "-Da=1 -Db=file\n--add-opens\njava.base/java.lang=ALL-UNNAMED"}
    made = plan({"JAVA_OPTIONS": "-Db=0 @args -Da=2"}, files, jdk=jdk)
    words = [word for word in made.launch.argv if word.startswith("-D")]
    assert words == ["-Db=file", "-Da=2"]
    assert origins(made)["-Db=file"] == "/app/args:1"
    assert ("--add-opens=java.base/java.lang=ALL-UNNAMED" in made.launch.argv) == (jdk > 8)


def test_an_argument_file_of_the_profile_gives_way_to_the_user() -> None:
    overlay = 'java: {options: ["@{home}/args"]}'
    files = {"/app/args": "-Da=1\n-Db=1"}
    made = plan({"JAVA_OPTIONS": "-Da=2"}, files, overlay=overlay)
    assert [word for word in made.launch.argv if word.startswith("-D")] == ["-Db=1", "-Da=2"]
    assert origins(made)["-Db=1"] == "profile /app/args:2"


def test_every_broken_argument_file_is_told() -> None:
    said = problems({"JAVA_OPTIONS": "@/a @/b @/c"}, {"/a": "'open", "/b": "@/a"})
    for place in ("/a:1", "/b:1", "/c"):
        assert place in said


def test_what_the_launcher_leaves_alone_is_left_alone() -> None:
    files = {"/app/a": "-Da=1"}
    made = plan({"JAVA_OPTIONS": "@@a"}, files)
    assert "@@a" in made.launch.argv
    assert made.dry_run
    made = plan({"JAVA_OPTIONS": "@a --disable-@files @a"}, files)
    assert made.launch.argv[1:].count("@a") == 1
    assert "-Da=1" in made.launch.argv


def test_a_word_that_is_no_option_is_told_with_its_position_among_all() -> None:
    said = problems({"JAVA_OPTIONS": "-Da=1 @a stray"}, {"/app/a": "-Db=1"})
    assert "word 3 of JAVA_OPTIONS" in said


def test_the_files_to_read_are_known_before_the_plan() -> None:
    environment = {
        "JAVA_OPTIONS": "-Da @args @/etc/more @@no",
        "JAVA_OPTIONS_FILE": "/etc/own",
        "ENTRYPOINT_HOME": "/srv",
    }
    declared = profile('java: {options: ["@{home}/profile.args"]}')
    fill = preview(declared, Inputs(tuple(environment.items())))
    assert option_sources.wanted(declared, fill) == option_sources.Wanted(
        ("/etc/own", "/srv/profile.args", "/srv/args", "/etc/more"),
        ("/srv/conf/jvm.options", "/srv/conf/jvm.options.d/*.options"),
    )
    broken = preview(declared, Inputs((("JAVA_OPTIONS", "@a 'open"),)))
    assert option_sources.wanted(declared, broken).paths == ("/app/profile.args",)


# --- what one setting switches on ---


def test_everything_is_off_by_default() -> None:
    line = " ".join(plan({}).launch.argv)
    assert "jdwp" not in line
    assert "jmxremote" not in line
    assert "-Xlog" not in line
    assert plan({}).launch.ports == ()


def test_the_users_own_options_win_over_a_switch() -> None:
    agent = "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:1"
    environment = {"JAVA_DEBUG": "5005", "JAVA_OPTIONS": f"{agent} -XX:HeapDumpPath=/mine"}
    argv = plan(environment).launch.argv
    assert [word for word in argv if "jdwp" in word] == [agent]
    assert [word for word in argv if "HeapDumpPath" in word] == ["-XX:HeapDumpPath=/mine"]


def test_a_switch_wins_over_the_profile_except_for_the_address_that_jmx_tells() -> None:
    overlay = """
java:
  properties: {java.rmi.server.hostname: node-0.example.com}
  options: ["-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=1"]
"""
    made = plan({"JAVA_DEBUG": "5005", "JAVA_JMX": "9010"}, overlay=overlay)
    argv = made.launch.argv
    assert next(word for word in argv if "jdwp" in word).endswith("127.0.0.1:5005")
    named = [word for word in argv if "rmi.server.hostname" in word]
    assert named == ["-Djava.rmi.server.hostname=node-0.example.com"]
    assert "JMX sends its clients to node-0.example.com" in notes(made)
    assert "JMX sends" not in notes(plan({"JAVA_JMX": "9010"}))


def test_the_ports_have_to_be_free_and_are_said_loudly() -> None:
    made = plan({"JAVA_DEBUG": "*:5005,suspend", "JAVA_JMX": "9010"})
    assert made.launch.ports == (("java.debug", 5005), ("java.jmx", 9010))
    assert "DEBUGGING is on at *:5005" in notes(made)
    assert "EVERY network" in notes(made)
    assert "java waits for the debugger" in notes(made)
    assert "($JAVA_DEBUG)" in notes(made)


def test_jmx_for_every_network_wants_a_decision_about_passwords() -> None:
    said = problems({"JAVA_JMX": "*:9010", "JAVA_DEBUG": "x"})
    assert "[jmx-open]" in said
    assert "[setting-invalid]" in said
    prefix = "-Dcom.sun.management.jmxremote"
    decided = f"{prefix}.password.file=/p {prefix}.ssl=false"
    for environment in ({"JAVA_OPTIONS": decided}, {"JAVA_TOOL_OPTIONS": decided}):
        made = plan({"JAVA_JMX": "*:9010", **environment})
        assert f"{prefix}.port=9010" in made.launch.argv
        assert f"{prefix}.authenticate=false" not in made.launch.argv
        assert "EVERY network" in notes(made)


# --- evidence ---


def test_evidence_goes_to_the_volume() -> None:
    made = plan({"JAVA_GC_LOG": "file", "ENTRYPOINT_DIAGNOSIS_MAX_SIZE": "3g"})
    assert made.launch.diagnosis.folder == "/data/diagnosis"
    assert made.launch.diagnosis.budget == 3 * GIB
    assert "-XX:ErrorFile=/data/diagnosis/hs_err_pid%p.log" in made.launch.argv
    assert "-XX:+HeapDumpOnOutOfMemoryError" in made.launch.argv
    assert "-XX:HeapDumpPath=/data/diagnosis" in made.launch.argv
    assert any("file=/data/diagnosis/gc-%t.log" in word for word in made.launch.argv)


@pytest.mark.parametrize(
    ("facts", "folder"),
    [
        ({"problem": "no folder /data"}, "/run/entrypoint/diagnosis"),
        ({"in_memory": True}, "/data/diagnosis"),
        ({"problem": "no folder /data", "in_memory": True}, "/run/entrypoint/diagnosis"),
    ],
)
def test_without_a_volume_there_are_no_dumps_and_little_else(
    facts: dict[str, object], folder: str
) -> None:
    made = plan({"JAVA_GC_LOG": "file"}, **facts)  # type: ignore[arg-type]
    assert made.launch.diagnosis.folder == folder
    assert made.launch.diagnosis.budget == 16 << 20
    assert any("filecount=5,filesize=1m" in word for word in made.launch.argv)
    assert not [word for word in made.launch.argv if "HeapDump" in word]
    assert f"-XX:ErrorFile={folder}/hs_err_pid%p.log" in made.launch.argv
    assert "no heap dumps" in notes(made)


def test_a_folder_that_the_user_named_is_used_or_refused() -> None:
    asked = {"ENTRYPOINT_DIAGNOSIS_DIR": "/mine"}
    assert plan(asked, in_memory=True).launch.diagnosis.heap_dumps
    said = problems(asked, problem="/mine is read-only")
    assert "[diagnosis-unwritable]" in said
    assert "$ENTRYPOINT_DIAGNOSIS_DIR" in said


def test_a_profile_may_do_without_a_folder() -> None:
    made = plan({}, overlay="settings: {diagnosis.dir: {default: null}}")
    assert made.launch.diagnosis.folder == "/run/entrypoint/diagnosis"
    assert not made.launch.diagnosis.heap_dumps
    assert notes(made) == ""


def test_a_dump_that_would_not_be_kept_is_said() -> None:
    assert "is more than may be kept (2 GiB)" in notes(plan({"JAVA_OPTIONS": "-Xmx3g"}))
    assert "may be kept" not in notes(plan({"JAVA_OPTIONS": "-Xmx1g"}))


def test_kafka_finds_no_foreign_folder_among_its_topics() -> None:
    builtin = own.builtin_profiles()
    kafka = load([("kafka.yaml", builtin["kafka"])], builtin)
    folder = next(one.default for one in kafka.settings if one.name == "diagnosis.dir")
    data = next(one.default for one in kafka.settings if one.name == "data.dir")
    assert not f"{folder}/".startswith(f"{data}/")


def test_the_refused_jdk_names_the_line_that_says_so() -> None:
    said = problems({}, overlay="java:\n  supported: 8\n", jdk=17)
    assert "/o.yaml:2" in said
