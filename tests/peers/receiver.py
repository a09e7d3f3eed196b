"""A receiver that does as it is told: OTLP over gRPC and HTTP, with every failure that a client must understand.

It prints its two ports, HTTP first. The header `mode` says what happens; what comes after a colon is its argument.
"""

import gzip
import json
import sys
import threading
import time
from concurrent import futures
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from google.protobuf import any_pb2, duration_pb2, json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as services


class Quiet(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that hangs up is a part of the tests."""


class Http(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        is_json = self.headers["Content-Type"] == "application/json"
        request = service.ExportTraceServiceRequest()
        if is_json:
            json.loads(body)
        else:
            request.ParseFromString(body)
        mode, _, argument = self.headers.get("mode", "ok").partition(":")
        getattr(self, "mode_" + mode)(argument, is_json)

    def answer(self, status, body=b"", kind="application/x-protobuf", **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def mode_ok(self, argument, is_json):
        self.answer(200)

    def mode_status(self, argument, is_json):
        status = status_pb2.Status(code=3, message="told to")
        if is_json:
            body = json_format.MessageToJson(status).encode()
            self.answer(int(argument), body, "application/json")
        else:
            self.answer(int(argument), status.SerializeToString())

    def mode_seconds(self, argument, is_json):
        self.answer(429, Retry_After=argument)

    def mode_date(self, argument, is_json):
        later = formatdate(time.time() + int(argument), usegmt=True)
        self.answer(503, Retry_After=later)

    def mode_partial(self, argument, is_json):
        response = service.ExportTraceServiceResponse()
        response.partial_success.rejected_spans = int(argument)
        response.partial_success.error_message = "too old"
        if is_json:
            body = json_format.MessageToJson(response).encode()
            self.answer(200, body, "application/json")
        else:
            self.answer(200, response.SerializeToString())

    def mode_drop(self, argument, is_json):
        self.close_connection = True

    def mode_cut(self, argument, is_json):
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"\n")
        self.close_connection = True

    def mode_slow(self, argument, is_json):
        time.sleep(float(argument))
        self.answer(200)

    def mode_large(self, argument, is_json):
        self.answer(200, b" " * int(argument), "application/json")

    def mode_redirect(self, argument, is_json):
        self.answer(307, Location="http://user:hush@127.0.0.1:1/v1/traces?token=hush")

    def log_message(self, *_):
        pass


class Traces(services.TraceServiceServicer):
    def Export(self, request, context):
        mode, _, argument = dict(context.invocation_metadata()).get("mode", "ok").partition(":")
        response = service.ExportTraceServiceResponse()
        if mode == "code":
            context.abort(getattr(grpc.StatusCode, argument), "told to")
        elif mode == "info":
            name, _, seconds = argument.partition(":")
            info = any_pb2.Any()
            wait = duration_pb2.Duration(seconds=int(seconds))
            info.Pack(error_details_pb2.RetryInfo(retry_delay=wait))
            code = getattr(code_pb2, name)
            status = status_pb2.Status(code=code, message="told to", details=[info])
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            context.abort(getattr(grpc.StatusCode, name), "told to")
        elif mode == "partial":
            response.partial_success.rejected_spans = int(argument)
            response.partial_success.error_message = "too old"
        elif mode == "slow":
            time.sleep(float(argument))
        elif mode == "large":
            response.partial_success.error_message = "x" * int(argument)
        return response


def main():
    http = Quiet(("127.0.0.1", 0), Http)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    largest = ("grpc.max_receive_message_length", 65536)
    server = grpc.server(futures.ThreadPoolExecutor(4), options=[largest])
    services.add_TraceServiceServicer_to_server(Traces(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(http.server_address[1], port, flush=True)
    sys.stdin.read()


main()
