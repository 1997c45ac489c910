"""The helper's story: from what this container was given to a plan, written files and open gates.

Here: the order in which a plan comes about, is applied, and the gates are opened. It runs in a process of
its own, forked before PID 1 imported anything large, and gives its memory back by ending. `plan`, `explain`,
`render` and `check` use the same functions.
"""

from __future__ import annotations

import os

from entrypoint import arguments, replay, sources
from entrypoint.errors import EXIT_INTERNAL, EXIT_USAGE, ProblemsError, cause
from entrypoint.lifecycle import events as on
from entrypoint.lifecycle.health import GateStatus
from entrypoint.plan import build, option_sources
from entrypoint.plan.kept import kept
from entrypoint.plan.sharing import FOLDER_SETTING
from entrypoint.plan.switches import is_asked
from entrypoint.preflight import preflight
from entrypoint.records import replace
from entrypoint.settings.masking import mask_url
from entrypoint.settings.resolve import own_names, preview, wanted_files
from entrypoint.system import channel, evidence, facts, files, inputs, procfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrypoint.plan.model import CheckPlan, Launch, Plan, RenderedFile, Sharing
    from entrypoint.profile.schema import Profile
    from entrypoint.settings.model import Facts, Inputs
    from entrypoint.system.checks.gates import GateProgress
    from entrypoint.system.procfs import Mount


def main(argv: Sequence[str], descriptor: int) -> int:
    """Prepare a run and tell PID 1 over the pipe; return the exit code of this process."""
    try:
        return _prepare(argv, descriptor)
    except BrokenPipeError:  # PID 1 is gone: nobody is left to tell, or to prepare for
        return EXIT_INTERNAL


def _prepare(argv: Sequence[str], descriptor: int) -> int:
    try:
        sources.check_profile_name(argv)
        request = arguments.parse(["run", *argv])
        found = gather(request)
        plan = build.build(found)
        preflight(plan)
        remarks = (*_remarks(plan), *apply(plan))
        channel.send(descriptor, _for_pid1(plan, remarks))
        _send_background(plan, found, request, descriptor)
        if plan.launch.registration is not None:
            channel.send(descriptor, _register(plan, found, remarks, descriptor))
        elif plan.launch.gates:
            channel.send(descriptor, _open_gates(plan.launch.gates, descriptor))
    except ProblemsError as error:
        what = error.problems[0].what
        channel.send(descriptor, on.PrepareFailed(error.exit_code, what, error.problems))
    except SystemExit as ended:
        channel.send(descriptor, on.PrepareEnded(EXIT_USAGE if ended.code else 0))
    except Exception as error:
        if os.environ.get("ENTRYPOINT_DEBUG") or "--debug" in argv:
            raise
        what = f"{cause(error)} (ENTRYPOINT_DEBUG=1 shows where)"
        channel.send(descriptor, on.PrepareFailed(EXIT_INTERNAL, what))
    return 0


def _for_pid1(plan: Plan, remarks: tuple[str, ...]) -> Launch:
    return replace(kept(plan.launch, os.urandom(32)), remarks=remarks)


def _send_background(
    plan: Plan, found: build.Found, request: arguments.Request, descriptor: int
) -> None:
    """Tell what the status page shows: nothing that java's start may wait for, or fail by."""
    # java may be on its way already
    from entrypoint import background  # noqa: PLC0415
    from entrypoint.watched import watched  # noqa: PLC0415

    try:
        message = background.gather(plan, watched(plan, found, request))
    except Exception:
        if os.environ.get("ENTRYPOINT_DEBUG"):
            raise
        return
    channel.send(descriptor, message)


def make_plan(request: arguments.Request) -> Plan:
    """Return the plan for a request; raises ProblemsError with all that is wrong."""
    return build.build(gather(request))


def gather(request: arguments.Request) -> build.Found:
    """Read everything that a plan is made of, and resolve it."""
    if request.replay:
        text = sources.read_text(request.replay, "recording")
        return replay.load(text, sources.builtin_profiles(), sources.template_text)
    documents = sources.profile_sources(request)
    profile = sources.merge(documents)
    found = read_inputs(profile, request)
    java_home = build.java_home(profile, found)
    observed = facts.observe(dict(found.environment), java_home)
    folder, asked = build.diagnosis_folder(profile, found)
    mounts = procfs.read_mounts()
    problem, in_memory = evidence.look(folder, asked, mounts)
    observed = replace(observed, diagnosis_problem=problem, diagnosis_in_memory=in_memory)
    names = build.template_names(profile, found, observed.hostname)
    texts = {name: sources.template_text(name) for name in names}
    resolved = build.resolve(profile, found, observed, texts)
    held = procfs.tmpfs_sizes(("/tmp", resolved.fixed["run"]), mounts)  # noqa: S108 - the JVM's own
    resolved = replace(resolved, facts=replace(observed, held_in_memory=held))
    return replace(resolved, facts=_look_for_archives(resolved, mounts), texts=tuple(documents))


def _look_for_archives(found: build.Found, mounts: tuple[Mount, ...]) -> Facts:
    """Add what class-data sharing depends on; nothing where no archive is there and none will be made."""
    wanted = build.sharing_wanted(found)
    if wanted is None or not (wanted.makes or os.path.isdir(wanted.folder)):
        return found.facts
    from entrypoint.system import sharing  # noqa: PLC0415 - a start without it does not pay for it

    asked = found.settings.get(FOLDER_SETTING)
    problem, in_memory = evidence.look(wanted.folder, asked is not None and is_asked(asked), mounts)
    there = sharing.class_path(wanted.class_path, wanted.soon)
    return replace(
        found.facts,
        sharing_problem=problem,
        sharing_in_memory=in_memory,
        archives=sharing.archives(wanted.folder),
        class_path=there.digest,
        class_path_jars=there.jars,
        class_path_folder=there.folder,
    )


def read_inputs(profile: Profile, request: arguments.Request) -> Inputs:
    """Read what the profile wants, again until files that were read want no more."""
    paths: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    names = own_names(os.uname().nodename)
    found = inputs.collect(None, (), request.assignments, request.arguments)
    for _ in range(4):
        more = option_sources.wanted(profile, preview(profile, found, names))
        wanted = (*wanted_files(profile, found, names), *more.paths)
        if set(wanted) <= set(paths) and more.patterns == patterns:
            break
        paths, patterns = (*paths, *wanted), more.patterns
        found = inputs.collect(None, paths, request.assignments, request.arguments, patterns)
    return found


def apply(plan: Plan) -> tuple[str, ...]:
    """Write folders and files, and return what was removed to make room for evidence of a death.

    Raises ProblemsError for the first that cannot be written.

    What a file check looks for is removed first: an emptyDir outlives the container, and what the run
    before this one left there would be taken for an answer of this one.
    """
    launch = plan.launch
    files.make_folder(launch.run_dir)
    for check in launch.checks:
        if check.kind == "file" and check.target.startswith(launch.run_dir + "/"):
            files.remove_file(check.target)
    for folder in plan.folders:
        files.make_folder(folder, 0o755)
    write_files(plan.files)
    said = _make_room_for_archive(launch.sharing) if launch.sharing.making else ()
    if not launch.diagnosis.folder:
        return said
    # A heap dump holds everything that the application knows: nobody else may read it.
    files.make_folder(launch.diagnosis.folder, 0o700)
    return (*said, *evidence.tidy(launch.diagnosis.folder, launch.diagnosis.budget))


def _make_room_for_archive(made: Sharing) -> tuple[str, ...]:
    from entrypoint.system import sharing  # noqa: PLC0415 - only where an archive is to be made

    # Not 0700: an archive that was made while an image is built is for another user.
    files.make_folder(os.path.dirname(made.archive), 0o755)
    return sharing.tidy(made.archive, made.budget)


def write_files(rendered: Sequence[RenderedFile]) -> None:
    """Write rendered files, and the folders that they are in."""
    for file in rendered:
        files.make_folder(os.path.dirname(file.target))
        files.write_file(file.target, file.content, file.mode, file.once)


def _register(
    plan: Plan, found: build.Found, remarks: tuple[str, ...], descriptor: int
) -> on.GatesPassed | on.GatesFailed:
    """Open the gates around the registration: those that need what it assigns come after it."""
    # only with a registration
    from entrypoint.background import plan_text  # noqa: PLC0415
    from entrypoint.registering import register  # noqa: PLC0415

    late = {gate.name for gate in plan.launch.gates if gate.pending}
    early = tuple(gate for gate in plan.launch.gates if not gate.pending)
    answer = _open_gates(early, descriptor)
    if isinstance(answer, on.GatesFailed):
        return answer
    registered = register(plan.launch, lambda status: channel.send(descriptor, status))
    plan = build.build(build.assign(found, dict(registered.values), registered.place))
    # Its ports are known only now; java's options have been tried.
    preflight(replace(plan, dry_run=False))
    write_files(plan.files)
    channel.send(descriptor, registered)
    channel.send(descriptor, on.Replanned(_for_pid1(plan, remarks), plan_text(plan)))
    return _open_gates(tuple(gate for gate in plan.launch.gates if gate.name in late), descriptor)


def _open_gates(gates: tuple[CheckPlan, ...], descriptor: int) -> on.GatesPassed | on.GatesFailed:
    import gc  # noqa: PLC0415 - only with gates

    from entrypoint.system.checks.gates import run_gates  # noqa: PLC0415

    # Off until here (see app): a gate may be asked for minutes.
    gc.enable()

    def report(progress: GateProgress) -> None:
        status = GateStatus(
            progress.name,
            progress.target,
            progress.status,
            progress.attempts,
            progress.seconds,
            progress.detail,
        )
        channel.send(descriptor, status)

    problems = run_gates(gates, report)
    if problems:
        return on.GatesFailed(problems[0].exit_code, problems[0].what, problems)
    return on.GatesPassed()


def _remarks(plan: Plan) -> tuple[str, ...]:
    """Return what somebody who reads only the log should see of the plan."""
    notes = [mask_url(f"{n.text} ({n.origin})" if n.origin else n.text) for n in plan.notes]
    notes.extend(
        f"{wrong} is set and no setting has it: did you mean {meant}?"
        for wrong, meant in plan.suggestions
        if meant
    )
    return tuple(notes)
