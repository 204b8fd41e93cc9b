"""`doctor`: what is wrong with the environment, before anything starts."""

from __future__ import annotations

from cli.desk import AtDesk, command
from cli.output import OK, UNAVAILABLE, Outcome, table
from runtime.doctor import examine


@command(
    "doctor",
    zh="体检：数据库、Temporal、时钟、端口、工作日历、密钥；有故障时退出码为 5。",
    en="Look at the database, Temporal, clock, ports, work-day calendar and keys; exit code 5 if there is a fault.",
    example="doctor --json",
)
async def doctor(*, desk: AtDesk) -> Outcome:
    findings = await examine(desk.settings)
    sound = all(finding.ok for finding in findings)
    columns = ("", desk.say("检查", "check"), desk.say("结果", "found"), desk.say("办法", "remedy"))
    rows = [
        (one.severity, one.check, one.detail(desk.language), one.remedy(desk.language)) for one in findings
    ]
    said = {"sound": sound, "findings": [finding.model_dump(mode="json") for finding in findings]}
    return Outcome(OK if sound else UNAVAILABLE, said, table(columns, rows))
