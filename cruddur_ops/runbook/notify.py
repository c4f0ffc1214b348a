"""Who hears of a run that nobody watches: `notify` of its target, of failure, drift and recovery, once each.

What was heard last stands in run.json as `heard`, which the next run of the same notebooks takes over: there is no other state.
A notice that does not arrive fails no run: that is one sentence on standard error, and the next run tells it again.
"""

import hashlib
import json
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cruddur_ops import approvals, aws, limits
from cruddur_ops.errors import OpsError
from cruddur_ops.redaction import redact
from cruddur_ops.runbook import report
from cruddur_ops.runbook.evidence import Record, Result, history, page, storage
from cruddur_ops.runbook.runs import Run
from cruddur_ops.target import Target
from cruddur_ops.targets import targets_file

WEBHOOK_SECONDS, COMMAND_SECONDS = 10, 60
LISTED, LONGEST = 40, 20_000  # changes, and characters, of a notice
SUBJECT = 100  # characters of ASCII (SNS API Reference, Publish)


def heard(run: Run, runs: Path) -> dict[str, str]:
    """What was heard last of the same notebooks on the same target, planned or run; nothing where nobody is to hear."""
    if not run.target.notify:
        return {}
    wanted = run.target.name, run.plan_only, [notebook.name for notebook in run.notebooks]
    for record in history.newest(runs):
        if "heard" in record and (record["target"], record["plan_only"], record.get("order")) == wanted:
            return {"heard": record["heard"]}
    return {"heard": ""}


def tell(run: Run, record: Record, verdict: str) -> None:
    """Tell what is another state than was heard last, and write down that it was; an interrupted run tells nothing."""
    if not run.target.notify or verdict == "interrupted":
        return
    now = state(record.results, failed=verdict == "failed", planned=run.plan_only)
    if now == record.facts["heard"]:
        return
    subject = f"cruddur-ops on {run.target.name}: {now or 'recovery'}"
    text = "\n\n".join([subject, _body(run, record, now), f"evidence: {_link(run, record)}"])
    if why := _send(run.target, subject, redact(text)[:LONGEST]):
        remedy = f"mend that, or notify of [{run.target.name}] in {targets_file()}; the next run tells it again"
        print(redact(f"nobody was told of the {(now or 'recovery').split()[0]} ({why}): {remedy}"), file=sys.stderr)
    else:
        record.facts["heard"] = now


def state(results: Sequence[Result], *, failed: bool, planned: bool) -> str:
    """What is amiss, in words that tell it from something else that is; empty where nothing is.

    Two plans drift alike where the same settings of the same resources differ: values may have the date in them.
    """
    if failed:
        return f"failure of {next((one.name for one in reversed(results) if one.verdict == 'failed'), 'the run')}"
    keys = ("plan", "action", "resource", "setting")
    found = {tuple(change[key] for key in keys) for one in results for change in one.differences}
    digest = hashlib.sha256(json.dumps(sorted(found)).encode()).hexdigest()
    return f"drift {digest[: approvals.SHORTEST]}" if planned and found else ""


def _body(run: Run, record: Record, now: str) -> str:
    if any(one.verdict == "failed" for one in record.results):
        return report.panel(record.results, record.folder, report.advice(run, record))
    if now.startswith("drift"):
        lines = [f"{one.name}: {approvals.line(change)}" for one in record.results for change in one.differences]
        more = [f"and {len(lines) - LISTED} more"] if len(lines) > LISTED else []
        return "\n".join([*lines[:LISTED], *more, report.next_step(record)]).strip()
    return report.total(record.results)


def _link(run: Run, record: Record) -> str:
    if run.request.evidence_url:
        return f"{storage.copy(record.folder, run.request.evidence_url)}/{page.NAME}"
    return f"{platform.node()}:{record.folder / page.NAME}"


def _send(target: Target, subject: str, text: str) -> str:
    """Send it; why that failed, else nothing. A webhook's URL is a secret, and so are all errors that name it."""
    import httpx
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        if target.notify.startswith("arn:"):
            topic = aws.client(replace(target, region=target.notify.split(":")[3]), "sns")
            topic.publish(TopicArn=target.notify, Subject=subject[:SUBJECT].encode("ascii", "replace").decode(), Message=text)
        elif limits.is_link(target.notify):
            with httpx.stream("POST", target.notify, json={"text": text}, timeout=WEBHOOK_SECONDS) as answer:
                answer.raise_for_status()
        else:
            command, quiet = shlex.split(target.notify), subprocess.DEVNULL
            subprocess.run(command, input=f"{text}\n".encode(), stdout=quiet, stderr=quiet, timeout=COMMAND_SECONDS, check=True)
    except httpx.HTTPStatusError as error:
        return f"the webhook answered {error.response.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"the webhook was not reached, {type(error).__name__}"
    except ClientError as error:
        return f"SNS answered {aws.error_code(error)}"
    except (OpsError, BotoCoreError) as error:
        return str(error)
    except subprocess.CalledProcessError as error:
        return f"the command ended with {error.returncode}"
    except subprocess.TimeoutExpired:
        return f"the command took longer than {COMMAND_SECONDS} s"
    except OSError as error:
        return f"the command cannot be run, {error.strerror}"
    except KeyboardInterrupt:  # the run is over: only the notice is cut off
        return "it was interrupted"
    return ""
