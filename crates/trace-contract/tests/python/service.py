"""A front and a back service with the defaults of the OpenTelemetry SDK for Python."""

import sys

import requests
from flask import Flask
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

role, port, back_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

provider = TracerProvider(resource=Resource.create({"service.name": role}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer(__name__)

app = Flask(role)
FlaskInstrumentor().instrument_app(app, excluded_urls="ready")
RequestsInstrumentor().instrument()


@app.get("/ready")
def ready():
    return "ready"


@app.get("/orders")
def orders():
    with tracer.start_as_current_span("check stock"):
        return requests.get(f"http://127.0.0.1:{back_port}/stock", timeout=5).text


@app.get("/stock")
def stock():
    with tracer.start_as_current_span("count"):
        for shelf in range(2):
            with tracer.start_as_current_span("read shelf"):
                pass
    return "2"


app.run("127.0.0.1", port)
