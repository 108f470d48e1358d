"""Who hears how long a request took, and where? An OpenTelemetry collector, if one is named.

Without CALLOUT_OTLP_ENDPOINT nothing here is imported and nothing is measured: the tracers that
other modules hold then do nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from callout.logs import shown_path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from gateways.settings import Settings

    Scope: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
    Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


def configure(settings: Settings, *, service: str) -> Callable[[], None]:
    """Export traces as `service`; returns what sends the last ones at the end."""
    if settings.otlp_endpoint is None:
        return lambda: None
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    exporter = OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider.shutdown


def traced(application: Application, settings: Settings) -> Application:
    """The application with a span around each HTTP request, when traces go anywhere."""
    if settings.otlp_endpoint is None:
        return application
    from opentelemetry import propagate, trace

    tracer = trace.get_tracer("callout")

    async def with_span(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]
        }
        path = shown_path(scope["path"])
        parent = propagate.extract(headers)
        name = f"{scope['method']} {path}"
        with tracer.start_as_current_span(name, parent, trace.SpanKind.SERVER) as span:
            span.set_attribute("http.request.method", scope["method"])
            span.set_attribute("url.path", path)

            async def send_and_note(message: MutableMapping[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await application(scope, receive, send_and_note)

    return with_span
