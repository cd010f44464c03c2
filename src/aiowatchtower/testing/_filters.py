"""The operations on metric filters and subscription filters, which are kept and described but deliver nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._pages import page_of
from ._reads import pattern_of
from ._types import INVALID, NOT_FOUND, Refusal

if TYPE_CHECKING:
    from ._account import Region
    from ._params import Params

LIMIT_EXCEEDED = "LimitExceededException"
MAX_METRIC_FILTERS = 100
MAX_SUBSCRIPTION_FILTERS = 2
_DESTINATION = re.compile(r"arn:[\w-]+:(lambda|kinesis|firehose|logs):[\w-]+:\d{12}:.+")


def put_metric_filter(region: Region, params: Params) -> dict[str, object]:
    """Create or replace a metric filter of a group."""
    group = region.group(params.required("logGroupName"))
    pattern_of(params)
    name = params.required("filterName")
    transformations = params.structures("metricTransformations") or []
    if any(each.get("dimensions") and "defaultValue" in each for each in transformations):
        raise Refusal(INVALID, "A metric filter with dimensions cannot have a default value.")
    if name not in group.metric_filters and len(group.metric_filters) >= MAX_METRIC_FILTERS:
        raise Refusal(LIMIT_EXCEEDED, "Resource limit exceeded.")
    group.metric_filters[name] = _kept(
        params, region, ("filterName", "filterPattern", "metricTransformations", "logGroupName")
    )
    return {}


def describe_metric_filters(region: Region, params: Params) -> dict[str, object]:
    """List metric filters by name: those of one group, or of all."""
    name, prefix = params.text("logGroupName"), params.text("filterNamePrefix")
    metric, namespace = params.text("metricName"), params.text("metricNamespace")
    if (metric is None) != (namespace is None):
        raise Refusal(INVALID, "metricName and metricNamespace must be specified together.")
    groups = [region.group(name)] if name is not None else list(region.groups.values())
    # As documented, the prefix counts only beside a group's name.
    start = prefix or "" if name is not None else ""
    found = [
        each
        for group in groups
        for filter_name, each in sorted(group.metric_filters.items())
        if filter_name.startswith(start) and _publishes(each, metric, namespace)
    ]
    found.sort(key=lambda each: str(each["filterName"]))
    page, token = page_of(found, params, 50)
    return {"metricFilters": list(page), **token}


def delete_metric_filter(region: Region, params: Params) -> dict[str, object]:
    """Delete a metric filter."""
    filters = region.group(params.required("logGroupName")).metric_filters
    return _delete(filters, params, "The specified metric filter does not exist.")


def put_subscription_filter(region: Region, params: Params) -> dict[str, object]:
    """Create or replace a subscription filter of a group. Its destination is not looked for."""
    group = region.group(params.required("logGroupName"))
    pattern_of(params)
    name, destination = params.required("filterName"), params.required("destinationArn")
    found = _DESTINATION.fullmatch(destination)
    if found is None:
        raise Refusal(INVALID, f"Invalid destination ARN: {destination}")
    if found[1] in ("kinesis", "firehose") and params.text("roleArn") is None:
        raise Refusal(INVALID, "roleArn is required for this destination.")
    others = group.subscription_filters
    if name not in others and len(others) >= MAX_SUBSCRIPTION_FILTERS:
        raise Refusal(LIMIT_EXCEEDED, "Resource limit exceeded.")
    kept = ("filterName", "filterPattern", "destinationArn", "roleArn", "logGroupName")
    others[name] = {
        **_kept(params, region, kept),
        "distribution": params.text("distribution") or "ByLogStream",
    }
    return {}


def describe_subscription_filters(region: Region, params: Params) -> dict[str, object]:
    """List the subscription filters of a group by name."""
    prefix = params.text("filterNamePrefix") or ""
    filters = region.group(params.required("logGroupName")).subscription_filters
    found = [each for name, each in sorted(filters.items()) if name.startswith(prefix)]
    page, token = page_of(found, params, 50)
    return {"subscriptionFilters": list(page), **token}


def delete_subscription_filter(region: Region, params: Params) -> dict[str, object]:
    """Delete a subscription filter."""
    filters = region.group(params.required("logGroupName")).subscription_filters
    return _delete(filters, params, "The specified subscription filter does not exist.")


def _kept(params: Params, region: Region, names: tuple[str, ...]) -> dict[str, object]:
    given = {name: params.members[name] for name in names if params.members.get(name) is not None}
    return {**given, "creationTime": region.now_ms()}


def _publishes(found: dict[str, object], metric: str | None, namespace: str | None) -> bool:
    transformations = found["metricTransformations"]
    return metric is None or (
        isinstance(transformations, list)
        and any(
            (each["metricName"], each["metricNamespace"]) == (metric, namespace)
            for each in transformations
        )
    )


def _delete(
    filters: dict[str, dict[str, object]], params: Params, message: str
) -> dict[str, object]:
    if filters.pop(params.required("filterName"), None) is None:
        raise Refusal(NOT_FOUND, message)
    return {}
