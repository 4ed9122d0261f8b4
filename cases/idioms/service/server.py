"""Pages that are rendered once for each address: `server.py PORT PAGES`, where 0 pages have no bound."""

import functools
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, pages = int(sys.argv[1]), int(sys.argv[2])


@functools.lru_cache(maxsize=pages or None)
def render(path):
    return f"<h1>{path}</h1>".encode() + b"." * 2000


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        page = render(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
