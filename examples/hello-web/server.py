"""A small web service: serves ./public, and says hello with the name of the machine it runs on."""

import http.server
import os
import platform


class Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, directory="public", **kwargs)

    def do_GET(self):
        if self.path != "/hello":
            return super().do_GET()
        body = f"hello from {platform.node()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    port = int(os.environ.get("PORT", "8080"))
    print(f"listening on {port}", flush=True)
    http.server.ThreadingHTTPServer(("", port), Handler).serve_forever()
