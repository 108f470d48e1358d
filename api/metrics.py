"""What can an operator count? The Prometheus metrics of one API process."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)

operations = Histogram(
    "callout_operation_seconds",
    "How long queries and mutations took, by kind and outcome.",
    ("kind", "outcome"),
    buckets=_SECONDS,
)
errors = Counter("callout_errors_total", "Errors answered, by code.", ("code",))
sockets = Gauge("callout_open_sockets", "WebSockets and event streams open now.", ("transport",))
subscriptions = Gauge("callout_subscriptions", "Subscriptions running now.")
pool = Gauge("callout_database_connections_in_use", "Database connections checked out now.")
webhooks = Counter("callout_webhooks_total", "Webhooks received, by outcome.", ("outcome",))
