"""The alarms that an owner of the DB instance would want: what CloudWatch is to watch, and who is told of failures and backups.

An alarm that somebody else made for the same metric counts as present. Ours keep the threshold that they have: somebody may
have chosen it. Nobody is told of anything unless the target names an SNS topic.

A plan raises WrongInput where something else has the name of an alarm or of the event subscription.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cruddur_ops import aws, tags
from cruddur_ops.change import removal
from cruddur_ops.plan import Action, Call, Change, Plan, step
from cruddur_ops.rds import cloudwatch, instances
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target

GIB = 2**30
PRICE = 0.10  # USD a month, of standard resolution (Amazon CloudWatch pricing, "Alarms")
FREE_STORAGE = 0.15  # RDS User Guide, "Best practices for Amazon RDS": look into it from 85 percent on
CONNECTIONS = 0.8  # of those that the server allows
CREDITS = 0.1  # of what the class saves
LAG_SECONDS = 60
# The most CPU credits that a class saves up, those of a day (Amazon EC2 User Guide, "Burstable performance instances").
SAVED = {"micro": 288, "small": 576, "medium": 576, "large": 864, "xlarge": 2304, "2xlarge": 4608}
PERIOD, PERIODS = 300, 3  # the credits have a value every five minutes
BELOW, ABOVE = "LessThanThreshold", "GreaterThanThreshold"
ABSENT_CODE = "SubscriptionNotFound"
# RDS says when a backup begins and ends, and never that one failed (RDS User Guide, "Amazon RDS event categories").
CATEGORIES = ("backup", "failure", "low storage")
UNTOLD = 'nobody is told: set alarm_topic_arn to an SNS topic for the alarms, and for RDS\'s events of "backup" and "failure"'
UNMEASURED = "backups have no metric: `cruddur-ops rds status` shows until when the instance can be restored"


@dataclass(frozen=True)
class Watch:
    """A metric of an instance that is worth an alarm."""

    metric: str  # of the namespace AWS/RDS
    instance: str  # the identifier of the one that has it
    comparison: str  # BELOW or ABOVE
    threshold: float  # in the unit of the metric
    said: str  # the threshold, for the reader

    def name(self, identifier: str) -> str:
        """Of the alarm that an instance has for it."""
        return "-".join(dict.fromkeys([identifier, self.metric, self.instance]))


@step
def plan_alarms(target: Target, connection_limit: Callable[[Target], int | None]) -> Plan:
    """Make the alarms that are missing, and remove ours of what is there no more.

    Args:
        target: whose instance; behind a connection URL there is none.
        connection_limit: asks how many connections the server allows, see `database.connection_limit`.
    """
    title = f"alarms on {target.name}"
    if target.connection_url:
        return Plan(title, facts=("behind a connection URL there is no DB instance to watch",))
    found = instances.describe(target)
    limit = connection_limit(target) if found else None
    if found is None or limit is None:
        return Plan(title, (Change(Action.CREATE, "CloudWatch alarms", note="known after the server can be asked"),))
    watches = list(wanted(found, limit))
    names, there = {one.name(found.identifier) for one in watches}, present(target)
    changes = [change for one in watches for change in _alarm(target, one, there)]
    changes += [_removal(name) for name in sorted(there.keys() - names)]
    backups = () if found.backup_retention_period else ("WARNING: no backups are kept: set backup_retention_period",)
    facts = (_cost(changes), UNMEASURED, *backups, *(() if target.alarm_topic_arn else (UNTOLD,)))
    return Plan(title, (*changes, *_subscription(target)), facts)


def wanted(found: Instance, connection_limit: int) -> Iterator[Watch]:
    """What is to be watched of an instance, by its class, its storage, its limit of connections and its replicas."""
    name, storage = found.identifier, FREE_STORAGE * found.allocated_storage
    yield Watch("FreeStorageSpace", name, BELOW, storage * GIB, f"below {storage:g} GiB")
    connections = int(CONNECTIONS * connection_limit)
    yield Watch("DatabaseConnections", name, ABOVE, connections, f"above {connections}")
    family, _, size = found.db_instance_class.removeprefix("db.").partition(".")
    if family.startswith("t") and size in SAVED:
        credit = CREDITS * SAVED[size]
        yield Watch("CPUCreditBalance", name, BELOW, credit, f"below {credit:g}")
    for replica in [name] if found.source else found.replicas:
        yield Watch("ReplicaLag", replica, ABOVE, LAG_SECONDS, f"above {LAG_SECONDS} s")


def _cost(changes: list[Change]) -> str:
    count = sum(change.action is Action.CREATE for change in changes)
    return f"cost: {count * PRICE:.2f} USD a month more; an account's first 10 alarms are free"


def _alarm(target: Target, watch: Watch, there: Mapping[str, Mapping[str, Any]]) -> Iterator[Change]:
    """Make it, unless one is there; tell the topic that the target names."""
    name = watch.name(target.db_instance_identifier)
    resource, topic = f"CloudWatch alarm {name}", target.alarm_topic_arn
    if name not in there:
        others = _of_others(target, watch)
        if others:
            yield Change(Action.NONE, resource, note=f"{others} watches that, and is left alone")
            return
        _require_free(target, name)
        call = Call("cloudwatch", "put_metric_alarm", _parameters(target, watch))
        after = f"{watch.said} for {PERIOD * PERIODS // 60} minutes"
        yield Change(Action.CREATE, resource, after=after, note=f"{PRICE:.2f} USD a month", calls=(call,))
    elif topic and topic not in there[name]["AlarmActions"]:
        call = Call("cloudwatch", "put_metric_alarm", {**_put(target, there[name]), "AlarmActions": [topic]})
        before = ", ".join(there[name]["AlarmActions"]) or "none"
        yield Change(Action.MODIFY, resource, "AlarmActions", before, topic, calls=(call,))
    else:
        differs = there[name].get("Threshold") != watch.threshold
        yield Change(
            Action.NONE, resource, note=f"its threshold is its own; by default it would be {watch.said}" if differs else ""
        )


def _parameters(target: Target, watch: Watch) -> dict[str, Any]:
    """Of PutMetricAlarm. While the instance is stopped there are no values, which is no alarm."""
    name = watch.name(target.db_instance_identifier)
    return {
        "AlarmName": name,
        "AlarmDescription": f"{watch.metric} of {watch.instance} {watch.said}: see 06_inspect_sessions",
        **cloudwatch.metric(watch.instance, watch.metric),
        "Statistic": "Average",
        "Period": PERIOD,
        "EvaluationPeriods": PERIODS,
        "Threshold": watch.threshold,
        "ComparisonOperator": watch.comparison,
        "AlarmActions": [target.alarm_topic_arn] if target.alarm_topic_arn else [],
        "Tags": tags.as_list(tags.of(target)),
    }


def _put(target: Target, described: Mapping[str, Any]) -> dict[str, Any]:
    """What PutMetricAlarm takes of an alarm as it is described: it sets whatever is not repeated to its default."""
    model = aws.client(target, "cloudwatch").meta.service_model.operation_model("PutMetricAlarm")
    return {key: value for key, value in described.items() if key in model.input_shape.members}


def _of_others(target: Target, watch: Watch) -> str:
    """The names of the alarms that there are for the metric."""
    metric = cloudwatch.metric(watch.instance, watch.metric)
    answer = aws.find(target, "cloudwatch", "describe_alarms_for_metric", **metric) or {}
    return ", ".join(sorted(one["AlarmName"] for one in answer["MetricAlarms"]))


def _require_free(target: Target, name: str) -> None:
    """Refuse a name that another alarm has, which would be overwritten."""
    answer = aws.find(target, "cloudwatch", "describe_alarms", AlarmNames=[name]) or {}
    if answer["MetricAlarms"]:
        tags.require_ours(target, {}, f"CloudWatch alarm {name}")


def present(target: Target) -> dict[str, Mapping[str, Any]]:
    """The alarms that were made for the target, by name, as CloudWatch describes them."""
    found = aws.pages(target, "cloudwatch", "describe_alarms", AlarmNamePrefix=f"{target.db_instance_identifier}-")
    return {one["AlarmName"]: one for one in found if tags.ours(target, _tags(target, one["AlarmArn"]))}


def _tags(target: Target, arn: str) -> dict[str, str]:
    answer = aws.find(target, "cloudwatch", "list_tags_for_resource", "ResourceNotFoundException", ResourceARN=arn)
    return tags.as_mapping((answer or {}).get("Tags", []))


def _removal(name: str) -> Change:
    return removal(f"CloudWatch alarm {name}", Call("cloudwatch", "delete_alarms", {"AlarmNames": [name]}))


def removals(target: Target) -> Iterator[Change]:
    """Ours go, and what tells the topic; those of others stay, though they will have no values."""
    yield from map(_removal, sorted(present(target)))
    if subscribed(target):
        call = Call("rds", "delete_event_subscription", {"SubscriptionName": subscription(target)})
        yield removal(f"RDS event subscription {subscription(target)}", call)


def subscription(target: Target) -> str:
    """The name of what tells the topic of RDS's events."""
    return f"{target.db_instance_identifier}-events"


def subscribed(target: Target) -> Mapping[str, Any] | None:
    """The event subscription that was made for the target, as RDS describes it; None where there is none."""
    found = _described(target)
    return found if found and tags.ours(target, instances.labels(target, found["EventSubscriptionArn"])) else None


def _subscription(target: Target) -> Iterator[Change]:
    """Let RDS tell the topic that the target names; one that is there stays as it is."""
    name, found = subscription(target), _described(target)
    if not target.alarm_topic_arn:
        return
    if found:
        labels = instances.labels(target, found["EventSubscriptionArn"])
        tags.require_ours(target, labels, f"RDS event subscription {name}")
        yield Change(Action.NONE, f"RDS event subscription {name}")
        return
    parameters = {
        "SubscriptionName": name,
        "SnsTopicArn": target.alarm_topic_arn,
        "SourceType": "db-instance",
        "SourceIds": [target.db_instance_identifier],
        "EventCategories": list(CATEGORIES),
        "Tags": tags.as_list(tags.of(target)),
    }
    call, note = (
        Call("rds", "create_event_subscription", parameters),
        "free of charge; so that a backup that is missing is missed",
    )
    yield Change(Action.CREATE, f"RDS event subscription {name}", after=", ".join(CATEGORIES), note=note, calls=(call,))


def _described(target: Target) -> Mapping[str, Any] | None:
    answer = aws.find(target, "rds", "describe_event_subscriptions", ABSENT_CODE, SubscriptionName=subscription(target))
    return answer["EventSubscriptionsList"][0] if answer else None
