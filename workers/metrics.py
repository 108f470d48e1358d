"""What can be counted of the workers' work?"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

ACTIVE_RELAY: Final = Gauge("callout_relay_active", "1 in the process whose relay is delivering.")
SEQUENCED: Final = Counter("callout_events_sequenced", "Events given their delivery order.")
PUBLISHED: Final = Counter("callout_events_published", "Events delivered.")
JOBS: Final = Counter("callout_jobs", "Tries of jobs, by how they ended.", ["job", "outcome"])
JOB_SECONDS: Final = Histogram("callout_job_seconds", "How long a try of a job took.", ["job"])
SWEPT: Final = Counter("callout_swept", "Overdue rows that a sweep found.", ["sweep"])
DELIVERIES: Final = Counter(
    "callout_deliveries",
    "Messages taken up on a channel, by what came of it.",
    ["channel", "outcome"],
)
REFUNDS_MISMATCHED: Final = Counter(
    "callout_refunds_mismatched",
    "Refunds made at the gateway itself that were more than there was to give back.",
)
PAYMENTS_MISMATCHED: Final = Counter(
    "callout_payments_mismatched", "Payments of which the gateway took another sum than was asked."
)
