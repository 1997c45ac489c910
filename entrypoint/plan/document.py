"""A plan as plain data, for `--output json` and `yaml`: the same facts that the text tells.

Here: from records to mappings and lists. Secrets come out masked, file contents do not come out at all.
"""

from __future__ import annotations

from entrypoint.settings.masking import mask_words, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrypoint.plan.model import CheckPlan, Plan, Registration
    from entrypoint.settings.model import Setting


def plan_document(plan: Plan) -> dict[str, object]:
    """Return the plan as JSON-like data; keys are kebab-case and stable."""
    launch, facts = plan.launch, plan.facts
    jdk = plan.jdk
    return {
        "profile": {
            "name": launch.name,
            "version": plan.profile_version,
            "sources": list(plan.profile_sources),
        },
        "digest": launch.digest,
        "jdk": None
        if jdk is None
        else {
            "version": jdk.version,
            "feature": jdk.feature,
            "vendor": jdk.vendor,
            "home": jdk.home,
        },
        "container": {
            "memory-limit": facts.memory_limit,
            "cgroup": facts.cgroup or None,
            "cpus": facts.cpus,
            "uid": facts.uid,
            "gid": facts.gid,
            "read-only-root": facts.read_only_root,
        },
        "memory": [
            {"region": row.region, "bytes": row.size, "origin": row.origin} for row in plan.memory
        ],
        "command": {
            "cwd": launch.cwd,
            "parts": [
                {"words": list(mask_words(part.words)), "origin": part.origin}
                for part in plan.command
            ],
            "dry-run": plan.dry_run,
        },
        "files": [
            {
                "target": file.target,
                "mode": f"{file.mode:04o}",
                "summary": file.summary,
                "once": file.once,
            }
            for file in plan.files
        ],
        "folders": list(plan.folders),
        "diagnosis": {
            "folder": launch.diagnosis.folder or None,
            "max-size": launch.diagnosis.budget,
            "heap-dumps": launch.diagnosis.heap_dumps,
        },
        "sharing": {
            "archive": launch.sharing.archive or None,
            "making": launch.sharing.making,
            "stop-when-ready": launch.stop_when_ready,
        },
        "registration": _registration_document(launch.registration),
        "gates": [check_document(check) for check in launch.gates],
        "checks": [check_document(check) for check in launch.checks],
        "left-out": [{"what": note.text, "reason": note.origin} for note in plan.left_out],
        "ports": dict(launch.ports),
        "listen": launch.listen or None,
        "stop": {
            "ladder": [{"action": step.action, "wait": step.wait} for step in launch.stop],
            "grace-period": launch.grace_period,
        },
        "settings": [setting_document(setting) for setting in plan.settings],
        "notes": [{"text": note.text, "origin": note.origin} for note in plan.notes],
        "ignored": [{"what": note.text, "reason": note.origin} for note in plan.ignored],
        "suggestions": [
            {"variable": wrong, "meant": meant or None} for wrong, meant in plan.suggestions
        ],
    }


def setting_document(setting: Setting) -> dict[str, object]:
    """Return one setting as JSON-like data: value, origin, and what it won against."""
    return {
        "name": setting.spec.name,
        "value": None if setting.text is None else shown(setting.spec, setting.text),
        "secret": setting.spec.secret,
        "origin": None
        if setting.origin is None
        else {"kind": setting.origin.kind, "place": setting.origin.place},
        "pending": setting.pending or None,
        "rejected": [
            {
                "value": shown(setting.spec, one.value),
                "kind": one.origin.kind,
                "place": one.origin.place,
            }
            for one in setting.rejected
        ],
        "property": setting.spec.property,
        "env": setting.spec.env,
        "description": setting.spec.description,
    }


def _registration_document(asked: Registration | None) -> dict[str, object] | None:
    if asked is None:
        return None
    return {
        "with": asked.integration,
        "target": asked.target,
        "assigns": list(asked.assigns),
        "pending": list(asked.pending),
        "at-most": asked.at_most,
        "resumes": asked.resumes,
    }


def check_document(check: CheckPlan) -> dict[str, object]:
    """Return one gate or check as JSON-like data."""
    return {
        "name": check.name,
        "kind": check.kind,
        "target": check.target,
        "arguments": {name: str(value) for name, value in check.arguments},
        "roles": list(check.roles),
        "timeout": check.timeout,
        "interval": check.interval,
        "failures": check.failures,
        "lost-after": check.lost_after,
        "at-most": check.at_most,
    }


def settings_document(settings: Sequence[Setting]) -> list[dict[str, object]]:
    """Return all settings as JSON-like data."""
    return [setting_document(setting) for setting in settings]
