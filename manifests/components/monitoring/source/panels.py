"""The few kinds of panels that our dashboards are made of, and the variables that all of them have.

Here: looks, not contents. A query selects by `$namespace` and `$pod`; both match everything when a scrape
gives no such labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, TypeVar

from grafana_foundation_sdk.builders import common as build_common
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.models import common, dashboard

Panel: TypeAlias = stat.Panel | statetimeline.Panel | timeseries.Panel
AnyPanel = TypeVar("AnyPanel", stat.Panel, statetimeline.Panel, timeseries.Panel)
Steps: TypeAlias = Sequence[tuple[float, str]]
"""Thresholds: from this value on, this colour."""
Words: TypeAlias = Mapping[int, tuple[str, str]]
"""What a value is called, and its colour."""

DATASOURCE: Final = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
POD: Final = "{{pod}}"
SCOPE: Final = 'namespace=~"$namespace",pod=~"$pod"'
NO_YES: Final = {0: ("no", "red"), 1: ("yes", "green")}
FAILED_OK: Final = {0: ("failed", "red"), 1: ("ok", "green")}
WAITING_PASSED: Final = {0: ("waiting", "orange"), 1: ("passed", "green")}
PHASES: Final = {
    1: ("preparing", "super-light-blue"),
    2: ("waiting", "orange"),
    3: ("starting", "light-blue"),
    4: ("running", "green"),
    5: ("draining", "super-light-purple"),
    6: ("stopping", "purple"),
    7: ("killing", "red"),
    8: ("exited", "text"),
}


def of(metric: str, *matchers: str) -> str:
    """Return the selector of a metric in the chosen namespaces and pods."""
    return f"{metric}{{{','.join((SCOPE, *matchers))}}}"


def rate(metric: str, *matchers: str) -> str:
    """Return the rate of a counter in the chosen namespaces and pods."""
    return f"rate({of(metric, *matchers)}[$__rate_interval])"


def phases() -> str:
    """Return the phase of each pod as a number: the key in `PHASES`."""
    parts = (
        of("entrypoint_phase", f'phase="{name}"') + f" * {value}"
        for value, (name, _) in PHASES.items()
    )
    return f"sum by (namespace, pod) ({' or '.join(parts)})"


def graph(
    title: str,
    description: str,
    queries: Mapping[str, str],
    *,
    unit: str = "short",
    width: int = 8,
    stacked: bool = False,
    maximum: float | None = None,
    steps: Steps = (),
) -> timeseries.Panel:
    """Return lines over time; `queries` is legend: expression, `steps` are drawn as lines."""
    panel = timeseries.Panel().unit(unit).min(0).line_width(1)
    panel.show_points(common.VisibilityMode.NEVER).fill_opacity(20 if stacked else 5)
    panel.legend(
        build_common.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
    )
    panel.tooltip(
        build_common.VizTooltipOptions()
        .mode(common.TooltipDisplayMode.MULTI)
        .sort(common.SortOrder.DESCENDING)
    )
    if stacked:
        panel.stacking(build_common.StackingConfig().mode(common.StackingMode.NORMAL))
    if maximum is not None:
        panel.max(maximum)
    if steps:
        panel.thresholds(_thresholds(steps))
        dashed = build_common.GraphThresholdsStyleConfig()
        panel.thresholds_style(dashed.mode(common.GraphTresholdsStyleMode.DASHED))
    return _framed(panel, title, description, queries, width, 8)


def number(
    title: str,
    description: str,
    query: str,
    *,
    legend: str = POD,
    unit: str = "short",
    width: int = 4,
    steps: Steps = (),
    words: Words | None = None,
    names: bool = False,
) -> stat.Panel:
    """Return the latest value of each pod; with `names` the legend is shown instead of it."""
    panel = stat.Panel().unit(unit).no_value("-").graph_mode(common.BigValueGraphMode.NONE)
    panel.reduce_options(build_common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    panel.color_mode(common.BigValueColorMode.VALUE).orientation(common.VizOrientation.AUTO)
    text = common.BigValueTextMode.NAME if names else common.BigValueTextMode.VALUE_AND_NAME
    panel.text_mode(text).thresholds(_thresholds(steps))
    if words:
        panel.mappings([_mapping(words)])
    return _framed(panel, title, description, {legend: query}, width, 5)


def timeline(
    title: str, description: str, queries: Mapping[str, str], words: Words, *, width: int = 8
) -> statetimeline.Panel:
    """Return one bar for each series, coloured by its state."""
    panel = statetimeline.Panel().mappings([_mapping(words)]).merge_values(True)
    panel.show_value(common.VisibilityMode.AUTO).row_height(0.8).line_width(0).fill_opacity(80)
    panel.legend(
        build_common.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(False)
    )
    return _framed(panel, title, description, queries, width, 8)


def page(
    uid: str, title: str, description: str, rows: Mapping[str, Sequence[Panel]]
) -> dashboard.Dashboard:
    """Return a dashboard with its variables, links to the others, and numbered panels."""
    made = build.Dashboard(title).uid(uid).description(description).tags(["entrypoint"])
    made.time("now-1h", "now").refresh("30s").editable().timezone("browser")
    made.tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    source = build.DatasourceVariable("datasource").label("Data source").type("prometheus")
    pods = f"label_values(entrypoint_info{{{SCOPE.partition(',')[0]}}}, pod)"
    made.with_variable(source)
    made.with_variable(
        _labels("namespace", "Namespace", "label_values(entrypoint_info, namespace)")
    )
    made.with_variable(_labels("pod", "Pod", pods))
    made.link(
        build.DashboardLink("entrypoint")
        .type(dashboard.DashboardLinkType.DASHBOARDS)
        .tags(["entrypoint"])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )
    for name, panels in rows.items():
        made.with_row(build.Row(name))
        for panel in panels:
            made.with_panel(panel)
    built = made.build()
    for number_, one in enumerate(built.panels or (), 1):
        one.id_val = number_
    return built


def _framed(
    panel: AnyPanel,
    title: str,
    description: str,
    queries: Mapping[str, str],
    width: int,
    height: int,
) -> AnyPanel:
    targets = [
        prometheus.Dataquery()
        .datasource(DATASOURCE)
        .expr(expression)
        .legend_format(legend)
        .range()
        .ref_id(chr(ord("A") + index))
        for index, (legend, expression) in enumerate(queries.items())
    ]
    panel.title(title).description(description).datasource(DATASOURCE)
    return panel.span(width).height(height).targets(list(targets))


def _labels(name: str, label: str, query: str) -> build.QueryVariable:
    variable = build.QueryVariable(name).label(label).datasource(DATASOURCE).query(query)
    variable.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
    variable.sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    # Matches a missing label too: outside of Kubernetes there may be none.
    return (
        variable.multi(True)
        .include_all(True)
        .all_value(".*")
        .current(dashboard.VariableOption(selected=True, text="All", value="$__all"))
    )


def _thresholds(steps: Steps) -> build.ThresholdsConfig:
    first = dashboard.Threshold(value=None, color="green" if steps else "text")
    rest = [dashboard.Threshold(value=value, color=color) for value, color in steps]
    return build.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps([first, *rest])


def _mapping(words: Words) -> dashboard.ValueMap:
    return dashboard.ValueMap(
        {
            str(value): dashboard.ValueMappingResult(text=word, color=color, index=value)
            for value, (word, color) in words.items()
        }
    )
