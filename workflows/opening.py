"""What a schedule starts: a period's cycle is opened, once however often it fires."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey

with workflow.unsafe.imports_passed_through():
    from activities.opening import Opener
    from schemas.messages import OpenedPeriod, PeriodOrder
    from workflows.acting import PATIENT

SCHEDULED_AT = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")


@workflow.defn(name="PeriodOpening")
class PeriodOpeningWorkflow:
    """Opens the cycle of the period for which the schedule fired, though it may have fired late."""

    @workflow.run
    async def run(self, order: PeriodOrder) -> OpenedPeriod:
        """A refusal fails the workflow, where the schedule shows it; an absent server is waited for."""
        info = workflow.info()
        scheduled = info.typed_search_attributes.get(SCHEDULED_AT) or info.start_time
        return await workflow.execute_activity_method(
            Opener.open_period,
            order.model_copy(update={"scheduled_at": scheduled, "opens_at": info.start_time}),
            start_to_close_timeout=timedelta(seconds=60),
            retry_policy=PATIENT,
        )
