"""Reads lines of signal, OTLP/JSON and protobuf in base64, with the official classes, and says whether they are equal."""

import base64
import json
import sys

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "traces": ExportTraceServiceRequest,
}
IDS = {"traceId", "spanId", "parentSpanId"}


def proto3(value):
    """OTLP/JSON differs from proto3 JSON in one thing: ids are hex, not base64."""
    if isinstance(value, list):
        return [proto3(item) for item in value]
    if isinstance(value, dict):
        return {
            key: base64.b64encode(bytes.fromhex(item)).decode() if key in IDS else proto3(item)
            for key, item in value.items()
        }
    return value


def refuse(constant):
    raise ValueError(f"{constant} is no JSON")


for line in sys.stdin:
    signal, encoded, text = line.rstrip("\n").split(" ", 2)
    request = REQUESTS[signal]
    ours = request.FromString(base64.b64decode(encoded))
    parsed = ParseDict(proto3(json.loads(text, parse_constant=refuse)), request(), ignore_unknown_fields=False)
    same = parsed == ours and ours.SerializeToString() == base64.b64decode(encoded)
    print(signal, "equal" if same else f"different:\n{parsed}\n{ours}")
