# ruff: noqa: INP001
"""What all dashboards share: the data source and instance variables, and panels in the house's manner.

Every expression selects {job=~"$job", instance=~"$instance"}; `select` writes that.
"""

from __future__ import annotations

from typing import NamedTuple

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

# Grafana never fills in ${DS_...} of a file that it provisions: the data source is a variable
SOURCE = models.DataSourceRef(type_val="prometheus", uid="$datasource")
RATE = "[$__rate_interval]"
# a counter of every process of ours, so that its labels list them all
EVERY_PROCESS = "newswire_read_items_total"
GREEN, ORANGE, RED = "green", "orange", "red"

Panel = stat.Panel | timeseries.Panel


class Query(NamedTuple):
    """An expression and the legend of its series."""

    expression: str
    legend: str


def select(metric: str, matchers: str = "") -> str:
    """A metric of the instances that are chosen."""
    return f'{metric}{{job=~"$job",instance=~"$instance"{"," + matchers if matchers else ""}}}'


def rate(metric: str, by: str = "", matchers: str = "") -> str:
    """Per second, summed up, by labels where some are given."""
    return f"sum{f' by ({by}) ' if by else ''}(rate({select(metric, matchers)}{RATE}))"


def quantile(share: float, histogram: str, by: str = "") -> str:
    """A quantile over all instances."""
    return f"histogram_quantile({share}, {rate(histogram + '_bucket', ', '.join(filter(None, ('le', by))))})"


def mean(histogram: str, by: str = "") -> str:
    """Sum over count."""
    return f"{rate(histogram + '_sum', by)} / {rate(histogram + '_count', by)}"


def board(title: str, uid: str, description: str) -> dashboard.Dashboard:
    """An empty dashboard with its variables and a link to the others."""
    links = dashboard.DashboardLink("Newswire").type(models.DashboardLinkType.DASHBOARDS).tags(["newswire"])
    links = links.keep_time(True)  # noqa: FBT003
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["newswire"])
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .readonly()
        .link(links)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(variable("job", "Job", f"label_values({EVERY_PROCESS}, job)"))
        .with_variable(variable("instance", "Instance", f'label_values({EVERY_PROCESS}{{job=~"$job"}}, instance)'))
    )


def add_row(page: dashboard.Dashboard, title: str, panels: list[Panel]) -> None:
    """A row and its panels. Their ids count from 1 in the order of the page, so that a link to one stays good."""
    number_so_far = len(page.build().panels or [])
    page.with_row(dashboard.Row(title).id(number_so_far + 1))
    for place, panel in enumerate(panels, start=number_so_far + 2):
        page.with_panel(panel.id(place))


def variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """Values of a label, several or all."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)  # noqa: FBT003
        .include_all(True)  # noqa: FBT003
    )


def number(
    title: str, description: str, unit: str, query: str, steps: tuple[tuple[float, str], ...] = (), width: int = 3
) -> stat.Panel:
    """One number; `steps` are (from, colour) above green."""
    thresholds = [models.Threshold(color=GREEN), *(models.Threshold(value=at, color=colour) for at, colour in steps)]
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(SOURCE)
        .height(4)
        .span(width)
        .min(0)
        .decimals(1 if unit in ("ops", "percentunit") else 0 if unit == "short" else 2)
        .color_mode(common_models.BigValueColorMode.VALUE)
        .graph_mode(common_models.BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(thresholds))
        .with_target(target(Query(query, title)))
    )


def chart(
    title: str,
    description: str,
    unit: str,
    queries: list[Query],
    *,
    width: int = 8,
    stacked: bool = False,
    signed: bool = False,
) -> timeseries.Panel:
    """Series over time; a table of them stands beside it. `signed`: the axis may go below zero."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(SOURCE)
        .height(8)
        .span(width)
        .line_width(1)
        .fill_opacity(40 if stacked else 8)
        .show_points(common_models.VisibilityMode.NEVER)
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC))
        .legend(table() if len(queries) == 1 else line())
        .tooltip(
            common.VizTooltipOptions()
            .mode(common_models.TooltipDisplayMode.MULTI)
            .sort(common_models.SortOrder.DESCENDING)
        )
    )
    if not signed:
        panel = panel.min(0)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A"))
    for query in queries:
        panel = panel.with_target(target(query))
    return panel


def table() -> common.VizLegendOptions:
    """For a query that gives many series."""
    return (
        common.VizLegendOptions()
        .show_legend(True)  # noqa: FBT003
        .display_mode(common_models.LegendDisplayMode.TABLE)
        .placement(common_models.LegendPlacement.RIGHT)
        .calcs(["lastNotNull"])
    )


def line() -> common.VizLegendOptions:
    """For a few series."""
    return (
        common.VizLegendOptions()
        .show_legend(True)  # noqa: FBT003
        .display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.BOTTOM)
    )


def target(query: Query) -> prometheus.Dataquery:
    """The query with its legend."""
    return prometheus.Dataquery().expr(query.expression).legend_format(query.legend).datasource(SOURCE)
