"""Classify pictures by HTTP, with the standard library alone.

    python web_service.py --port 8000
    curl --data-binary @photo.png http://localhost:8000/        # a PNG, a JPEG, ...
    curl --data-binary @pixels.raw -H 'Content-Type: application/octet-stream' ...  # 784 bytes
    curl http://localhost:8000/health

`answer` knows no framework: call it from a handler of Flask, FastAPI or aiohttp as well.
"""

from __future__ import annotations

import argparse
import io
import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image

from mnist_edge import Classifier, InputError, MnistEdgeError
from mnist_edge.image_file import ImageReading, read_image

RAW = "application/octet-stream"
MOST_BYTES = 8_000_000  # of a body
AT_ONCE = threading.Semaphore(2)  # pictures that are decoded at a time, for the memory they take
Image.MAX_IMAGE_PIXELS = 10_000_000  # a small file can be a huge picture; Pillow refuses twice this


def read(content_type: str, body: bytes) -> ImageReading:
    """Return the picture that a body holds."""
    if content_type != RAW:
        with AT_ONCE:
            return read_image(io.BytesIO(body))
    if len(body) != 784:
        raise InputError(f"{len(body)} bytes of {RAW}; wanted 784: 28 rows of 28, bright on dark")
    return ImageReading(np.frombuffer(body, np.uint8).reshape(28, 28), ())


def answer(classifier: Classifier, content_type: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON document for one picture."""
    try:
        reading = read(content_type, body)
        found = classifier.predict(reading.image)
    except MnistEdgeError as error:
        return (400 if isinstance(error, InputError) else 500), {"error": str(error)}
    return 200, {"label": found.label, "confidence": found.confidence, "steps": reading.steps}


class Handler(BaseHTTPRequestHandler):
    """One connection, in a thread of its own; the classifier is shared by all."""

    classifier: Classifier
    timeout = 10  # seconds for a client to send what it announced

    def do_GET(self) -> None:
        """Say whether the service is alive, and with what it answers."""
        if self.path != "/health":
            self.reply(404, {"error": f"nothing at {self.path}; wanted /health or a POST to /"})
        else:
            runtime = self.classifier.backend.runtime
            self.reply(200, {"model": self.classifier.path.name, "runtime": runtime})

    def do_POST(self) -> None:
        """Classify the body."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self.reply(411, {"error": "no Content-Length; wanted the size of the body in bytes"})
        elif int(length) > MOST_BYTES:
            self.reply(413, {"error": f"{length} bytes; wanted {MOST_BYTES} at most"})
        else:
            body = self.rfile.read(int(length))
            self.reply(*answer(self.classifier, self.headers.get_content_type(), body))

    def reply(self, status: int, document: dict[str, Any]) -> None:
        """Send a JSON document."""
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    """Requests that are being answered when the service is stopped are answered first."""

    daemon_threads = False


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1", help="address [this machine alone]")
    parser.add_argument("--port", type=int, default=8000, help="0 for any free one [8000]")
    args = parser.parse_args()
    with Classifier.open() as Handler.classifier, Server((args.host, args.port), Handler) as server:

        def stop(*_: object) -> None:  # shutdown waits for serve_forever, which waits for us
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        print("http://{}:{}".format(*server.server_address), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
