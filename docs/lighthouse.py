"""Lighthouse on the first page, from a local file server: python docs/lighthouse.py.

Needs a built site, Chromium, and npm install --no-save lighthouse in the repository. It prints the
scores, and fails where one is below what is asked.
"""

import functools
import gzip
import http.server
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).parents[1]
SITE = ROOT / "docs" / "_build" / "html"
PROGRAM = ROOT / "node_modules" / ".bin" / "lighthouse"
ASKED = {"accessibility": 100, "best-practices": 100, "performance": 90}
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-background-networking"


class Server(http.server.SimpleHTTPRequestHandler):
    """A file server that compresses text, as servers of pages do, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """Send a file."""
        path = Path(self.translate_path(self.path))
        if path.suffix not in {".html", ".css", ".js", ".svg"} or not path.is_file():
            super().do_GET()
            return
        body = gzip.compress(path.read_bytes())
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        """Log nothing."""


def scores(address: str) -> dict[str, int]:
    """Percent by category."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            str(PROGRAM), address, "--quiet", "--output=json", f"--output-path={report}",
            f"--only-categories={','.join(ASKED)}", f"--chrome-flags={FLAGS}",
        ]  # fmt: skip
        browser = {"CHROME_PATH": shutil.which("chromium") or "", "PATH": "/usr/bin:/bin"}
        subprocess.run(command, check=True, env=browser)
        found = json.loads(report.read_text())
    for name, one in found["audits"].items():
        if one["score"] is not None and one["score"] < 0.9:
            print(f"  {name}: {one['title']} {one.get('displayValue', '')}")
    return {name: round(100 * one["score"]) for name, one in found["categories"].items()}


def main() -> None:
    """Serve, measure, compare."""
    handler = functools.partial(Server, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = scores(f"http://127.0.0.1:{server.server_port}/index.html")
        server.shutdown()
    for name, asked in ASKED.items():
        print(f"{name}: {found[name]} (asked: {asked})")
    if any(found[name] < asked for name, asked in ASKED.items()):
        sys.exit(1)


if __name__ == "__main__":
    main()
