"""Who gets a period report, and who is reminded of issues: looked up from the rows at every tick, told once by the key
of each piece of news."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings

from failover.models import Issue, PeriodReport, ReportDefinition
from failover.services import issues, period_files, period_reports
from failover.services.notices import alarmed
from portal.alerts.models import Receiver
from portal.outbox import services as outbox
from portal.outbox.models import Mail
from portal.outbox.services import News, Reader

FRESH = timedelta(days=30)  # a report that was made before is not sent any more
AHEAD = ((timedelta(days=1), "1d"), (timedelta(days=7), "7d"))  # before an issue's day
MEGA = 1_000_000
KIND = "report.ready"


def tick(now: datetime) -> int:
    """Queues what is due and not told yet; gives how many messages are new. Harmless to repeat."""
    issues.expire_risks(now)
    return sum(outbox.queue(news, readers, now) for each in (_reports, _issues) for news, readers in each(now))


def about(row: PeriodReport) -> str:
    """As the evidence and the outbox name it."""
    return f"report:{row.ident}"


def key(row: PeriodReport) -> str:
    """Of the news that it is there."""
    return f"{about(row)}:v{row.version}"


def mail_of(row: PeriodReport) -> list[Mail]:
    """What was sent of it, or is to be."""
    return list(Mail.objects.filter(key__startswith=f"{key(row)}>").order_by("pk"))


def _reports(now: datetime) -> Iterator[tuple[News, list[Reader]]]:
    rows = PeriodReport.objects.filter(state=PeriodReport.State.MADE, made_at__gte=now - FRESH)
    for row in rows.select_related("definition"):
        to = readers(row.definition)
        if to and not Mail.objects.filter(key__startswith=f"{key(row)}>").exists():
            yield news_of(row), to


def readers(row: ReportDefinition) -> list[Reader]:
    """Roles, addresses, and webhooks of receivers of alerts, by name."""
    found = [reader for name in row.roles for reader in _in_role(row, name)]
    found += [Reader(address, address) for address in row.addresses]
    known = {one.name: one for one in Receiver.objects.filter(channel=Receiver.Channel.WEBHOOK)}
    for name in row.webhooks:
        one = known.get(name)
        why = "" if one else f"There is no webhook {name} among the receivers of alerts."
        found.append(Reader(name, f"receiver:{one.pk}" if one else "", why, "webhook"))
    return found


def _in_role(row: ReportDefinition, name: str) -> list[Reader]:
    """A role that may not read the report is sent none: that stands among what was not delivered."""
    if row.readers and name not in row.readers:
        return [Reader(f"role {name}", "", f"The role {name} may not read this report, so it is sent to nobody in it.")]
    return outbox.role(name)


def news_of(row: PeriodReport) -> News:
    """The files where they are wanted and small enough, else the link; always the hash. What a report says that only
    some roles may read stands in no words of a message: more people may look at the outbox."""
    made, files = period_reports.read(row), list(row.files.all())
    wanted = [one for one in files if one.form in row.definition.formats]
    small = sum(one.size for one in wanted) <= settings.HOLDFAST_REPORT_MAIL_MB * MEGA
    send = row.definition.delivery == ReportDefinition.Delivery.ATTACHMENT and small and bool(wanted)
    link = address(f"reports/{row.pk}/")
    open_, verdict = not row.definition.readers, made.report.verdict
    subject = f"{row.definition.title}: {verdict.words}" if open_ else f"{row.definition.title}: the report is ready"
    lines = [f"{subject}.", *([" ".join(made.report.lead)] if open_ else [])]
    if row.definition.delivery == ReportDefinition.Delivery.ATTACHMENT and not send:
        lines.append("The files are larger than a mail carries, so only the link is sent.")
    lines += [link, f"SHA-256 of its content: {row.sha256}"]
    return News(
        key(row),
        KIND,
        about(row),
        subject[:200],
        "\n\n".join(lines) + "\n",
        tuple(map(period_files.attached, wanted)) if send else (),
        {
            "event": KIND,
            "report": row.ident,
            "version": row.version,
            "title": row.definition.title,
            "begins": row.begins.isoformat(),
            "ends": row.ends.isoformat(),
            **({"verdict": verdict.state, "words": verdict.words} if open_ else {}),
            "sha256": row.sha256,
            "url": link,
            "severity": "info",
        },
    )


def address(path: str) -> str:
    """Where it is, for people."""
    place = settings.HOLDFAST_PUBLIC_URL.rstrip("/")
    return f"{place}/{path}" if place else f"In Holdfast: /{path}"


def _issues(now: datetime) -> Iterator[tuple[News, list[Reader]]]:
    """A week and a day before, on the day after, and once a week for as long as it lasts."""
    today = now.date()
    rows = Issue.objects.filter(state__in=[Issue.State.OPEN, Issue.State.FIXED], due__isnull=False)
    for row in rows.filter(due__lte=today + max(lead for lead, _ in AHEAD)).select_related("drill"):
        assert row.due is not None
        left = row.due - today
        late = left < timedelta(0)
        year, week, _ = now.isocalendar()
        word = f"late:{year}-{week}" if late else min((lead, word) for lead, word in AHEAD if left <= lead)[1]
        name = f"issue:{row.pk}:{row.due}:{word}"
        if Mail.objects.filter(key__startswith=f"{name}>").exists():
            continue
        what = f"{-left.days} days past its date" if late else f"due on {row.due}"
        words = f"{row.ident} ({row.severity}) is {what}: {row.title} Its owner is {row.owner or 'nobody'}."
        todo = "Fix it and have it tested again, or ask for its risk to be accepted."
        body = f"{words}\n\n{todo}\n\n{address(f'issues/{row.pk}/')}\n"
        to = outbox.people([row.owner, row.raised_by]) if row.owner else alarmed()
        yield (
            News(name, "issue.late" if late else "issue.due", f"issue:{row.pk}", f"{row.ident} is {what}", body),
            [
                *to,
                *(alarmed() if late and row.owner else []),
            ],
        )
