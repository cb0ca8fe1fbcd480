"""The page and its engines over HTTP, for this machine alone.

    GET  /                          the page, and its files: those in page/ and nothing else
    GET  /events?page=ID            updates of that page's engine, as server-sent events
    POST /message?page=ID           a message to it, as JSON; the answer is one too

Each page has an engine of its own in a thread of its own, which takes messages from a queue between two moments of
training. So no lock is needed, and two pages do not know of each other. An engine that nobody has looked at for a
while stops; one that nobody comes back to is forgotten.

It listens on loopback. A request has to name this server in its Host, so that no other site's name can be made to point
here, and a page of another origin is refused. Whatever is wrong with a request is answered by a status from 400 to 499.
"""

import contextlib
import io
import os
import queue
import re
import selectors
import socket
import socketserver
import sys
import threading
import time
import traceback
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..errors import InputError
from .engine import Engine
from .messages import Message, read_message, written

HOST, PORT = "127.0.0.1", 8710
MOST_PAGES = 5  # a browser keeps up to six connections to one server, and each page holds one
MOST_BYTES = 1 << 16  # of a message
MOST_CONNECTIONS = 64  # at once, for each has a thread: five pages of six are 30
UNSEEN, FORGOTTEN = 5.0, 600.0  # seconds without a page, until training pauses and until the engine goes
BEAT = 2.0  # seconds between two signs of life
PATIENCE = 20.0  # seconds that a request may take to arrive, all of it
ANSWERED = 60.0  # seconds that an engine may take to answer
ELSEWHERE, ENDED = "elsewhere", "ended"  # in a stream, whose updates are JSON: the run has another page, or is no more
TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "LICENSE": "text/plain; charset=utf-8",
}
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
}


def page_files() -> dict[str, bytes]:
    """{"/": the page, "/main.js": ...}: all that is served, read once."""
    folder = resources.files("numpyfa.watch").joinpath("page")
    files = {each.name: each.read_bytes() for each in folder.iterdir() if each.name.rpartition(".")[2] in TYPES}
    return {"/": files["index.html"]} | {f"/{name}": content for name, content in files.items()}


def has_ended(connection: socket.socket) -> bool:
    """Whether the other side has closed it. A page says nothing where it gets its updates, so all there is to read is
    the end."""
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            return bool(selector.select(0)) and not connection.recv(1, socket.MSG_PEEK)
    except (OSError, ValueError):  # it broke, or is closed here too
        return True


class Session:
    """One page's engine and its thread."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.inbox: queue.Queue[tuple[Any, queue.Queue[Message | Exception]]] = queue.Queue()
        self.stream: queue.Queue[str] | None = None  # of the page that looks; ELSEWHERE or ENDED in it ends it
        self.connection: socket.socket | None = None  # of that page
        self.seen = time.monotonic()
        self.closed = False
        threading.Thread(target=self.work, daemon=True).start()

    def ask(self, message: Any) -> Message | Exception:
        """The engine's answer, or the exception that it raised: a bug of ours."""
        answer: queue.Queue[Message | Exception] = queue.Queue()
        self.inbox.put((message, answer))
        try:
            return answer.get(timeout=ANSWERED)
        except queue.Empty:  # the engine was forgotten in this very moment, or one step takes minutes
            return TimeoutError(f"no answer within {ANSWERED:.0f} seconds")

    def work(self) -> None:
        """Between two moments of training, what the page has said."""
        while not self.closed:
            self.hear_all(wait=not self.engine.playing)
            try:
                update = self.engine.advance()
            except Exception as error:  # a bug of ours, not of the page: the others go on
                traceback.print_exc()
                self.tell(error)
                update = None
            stream = self.stream
            if update is not None and stream is not None:
                stream.put(update)
            if stream is None and time.monotonic() - self.seen > UNSEEN:
                self.engine.playing = False

    def hear_all(self, wait: bool) -> None:
        """Answer all that has been said; where nothing has, wait for it if that is wanted."""
        with contextlib.suppress(queue.Empty):
            while not self.closed:
                message, answer = self.inbox.get(wait, BEAT)
                answer.put(self.hear(message))
                wait = False

    def tell(self, error: Exception) -> None:
        """Stop, and let the page say why. What it has said already is not said again: drawing may be what fails."""
        words = f"{type(error).__name__}: {error}; the server's terminal may have more"
        self.engine.playing = False
        if words not in self.engine.words:
            self.engine.words.append(words)
            self.engine.wanted, self.engine.next_look = True, 0.0

    def hear(self, message: Any) -> Message | Exception:
        try:
            return self.engine.receive(message)
        except Exception as error:
            traceback.print_exc()
            return error

    def attach(self, connection: socket.socket) -> "queue.Queue[str]":
        """A stream of updates. Whoever had one before gets no more: a page's engine is shown in one place."""
        self.connection = connection
        before, self.stream = self.stream, queue.Queue()
        if before is not None:
            before.put(ELSEWHERE)
        return self.stream

    def detach(self, stream: "queue.Queue[str]") -> None:
        if self.stream is stream:
            self.stream, self.seen = None, time.monotonic()

    def looked_at(self) -> bool:
        """Whether a page is there. One that was closed a moment ago is not, though its stream has yet to find out; one
        that has just started is, though its stream is yet to come."""
        if self.stream is None:
            return self.connection is None and time.monotonic() - self.seen < UNSEEN
        return self.connection is not None and not has_ended(self.connection)

    def close(self) -> None:
        self.closed = True
        if self.stream is not None:
            self.stream.put(ENDED)


class Server(ThreadingHTTPServer):
    """The page's server. `sessions` are the engines, by the page's own name for itself."""

    daemon_threads = True
    request_queue_size = 64
    allow_reuse_address = os.name != "nt"  # there it would let two servers share a port
    allow_reuse_port = False

    def __init__(self, port: int = PORT) -> None:
        self.files = page_files()
        self.sessions: dict[str, Session] = {}
        self.lock = threading.Lock()
        self.room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__((HOST, port), Handler)
        self.port = self.server_address[1]
        self.names = {f"{name}:{self.port}" for name in (HOST, "localhost")}

    def server_bind(self) -> None:
        """As usual, but no other shares the port, and nobody is asked for this machine's name: it can take seconds."""
        if sys.platform == "win32":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """A connection too many is closed."""
        if not self.room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # it got no thread; one that is interrupted while its thread begins has one
            self.room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.room.release()

    def session(self, name: str, make: bool = False) -> Session | None:
        """The engine of a page; a new one if that is wanted and there is room."""
        with self.lock:
            now = time.monotonic()
            for old, each in list(self.sessions.items()):
                if each.stream is None and now - each.seen > FORGOTTEN:
                    self.sessions.pop(old).close()
            if make and name not in self.sessions:
                if len(self.sessions) >= MOST_PAGES:
                    unseen = {
                        old: each.seen if each.stream is None else now
                        for old, each in self.sessions.items()
                        if not each.looked_at()
                    }
                    if not unseen:
                        return None
                    self.sessions.pop(min(unseen, key=unseen.__getitem__)).close()
                self.sessions[name] = Session()
            return self.sessions.get(name)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that went away is no error."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        for each in self.sessions.values():
            each.close()
        super().server_close()


class Refusal(Exception):
    """A request that is not answered: (status, words)."""


class Arriving(io.RawIOBase):
    """What arrives at a connection until a moment. A socket's own timeout counts from the last byte, and so would wait
    for ever for one that comes byte by byte."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.until = connection, 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left, usual = self.until - time.monotonic(), self.connection.gettimeout()
        if left <= 0:
            raise TimeoutError
        self.connection.settimeout(left)
        try:
            return self.connection.recv_into(buffer)
        finally:
            self.connection.settimeout(usual)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # of a request that names none: with 0.9 it would be answered without a status
    timeout = PATIENCE
    server: Server

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.arriving = Arriving(self.connection)
        self.rfile = self.reader = io.BufferedReader(self.arriving)

    def handle_one_request(self) -> None:
        """As usual, but the request has to arrive, body and all, within a time from its first byte on."""
        self.arriving.until = time.monotonic() + self.timeout
        try:
            self.reader.peek(1)
        except TimeoutError:
            self.close_connection = True
            return
        self.arriving.until = time.monotonic() + self.timeout
        super().handle_one_request()

    def parse_request(self) -> bool:
        """As usual, but the HTTP of 1991, which knew no status, is refused with one."""
        if super().parse_request() and self.request_version != "HTTP/0.9":
            return True
        if self.request_version == "HTTP/0.9":
            self.request_version = "HTTP/1.0"
            self.send_error(400, "HTTP/0.9 is not spoken here")
        return False

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server finds wrong is the request's fault: a method or a version that there is not is no 5xx."""
        code = {501: 405, 505: 400}.get(code, code)
        self.close_connection = True
        self.say(code, message or "refused")

    def do_GET(self) -> None:
        self.answer(self.get)

    def do_HEAD(self) -> None:
        self.answer(self.get)

    def do_POST(self) -> None:
        self.answer(self.post)

    def answer(self, handle: Any) -> None:
        try:
            self.check_where_from()
            handle()
        except Refusal as refusal:
            status, words = refusal.args
            self.close_connection = True  # a body that was not read must not be taken for the next request
            self.say(status, words)

    def check_where_from(self) -> None:
        """Only this machine's browser, on this server's own page, is answered."""
        hosts, origins = self.headers.get_all("Host") or [], self.headers.get_all("Origin") or []
        if len(hosts) != 1 or hosts[0].lower() not in self.server.names:
            raise Refusal(403, f"this server is {HOST}:{self.server.port}; the request names another host")
        if origins and [each.lower() for each in origins] != [f"http://{hosts[0].lower()}"]:
            raise Refusal(403, "pages of another origin are not answered")

    def where(self) -> str:
        """The path that is asked for; empty for what is none."""
        try:
            return urlsplit(self.path).path if self.path.startswith("/") else ""
        except ValueError:  # of "//["
            raise Refusal(400, "the path cannot be read") from None

    def get(self) -> None:
        path = self.where()
        if path == "/events":
            return self.events()
        if path not in self.server.files:
            raise Refusal(404, "there is no such file")
        ending = "html" if path == "/" else path.rpartition(".")[2]
        self.send(200, self.server.files[path], TYPES[ending])

    def post(self) -> None:
        if self.where() != "/message":
            raise Refusal(404, "messages go to /message")
        name, body = self.page(), self.body()
        try:
            message = read_message(body)
        except InputError as error:
            raise Refusal(400, str(error)) from None
        starts = isinstance(message, dict) and message.get("do") == "start"
        session = self.server.session(name, make=starts)
        if session is None:
            if starts:
                raise Refusal(429, f"{MOST_PAGES} pages are open already: close one, then reload this")
            raise Refusal(404, "this page is not known here: it has to start")
        answer = session.ask(message)
        if isinstance(answer, Exception):
            raise Refusal(422, f"{type(answer).__name__}: {answer}; the server's terminal may have more")
        self.send(200, written(answer).encode(), "application/json")

    def page(self) -> str:
        """The page's own name for itself."""
        try:
            given = parse_qs(urlsplit(self.path).query, max_num_fields=10).get("page", [])
        except ValueError:
            given = []
        if len(given) != 1 or not re.fullmatch(r"[a-z0-9]{8,32}", given[0]):
            raise Refusal(400, "name the page: ?page= and 8 to 32 small letters and digits")
        return given[0]

    def body(self) -> bytes:
        length = self.headers.get_all("Content-Length") or []
        if "Transfer-Encoding" in self.headers or not length:
            raise Refusal(411, "a message needs a Content-Length")
        if len(length) != 1 or not re.fullmatch(r"[0-9]{1,9}", length[0]):
            raise Refusal(400, "Content-Length must be one whole number")
        if int(length[0]) > MOST_BYTES:
            raise Refusal(413, f"a message has at most {MOST_BYTES} bytes")
        if self.headers.get_content_type() != "application/json":
            raise Refusal(415, "a message is application/json")
        try:
            body = self.rfile.read(int(length[0]))
        except TimeoutError:
            raise Refusal(408, "the message did not arrive") from None
        if len(body) < int(length[0]):
            raise Refusal(400, "the message is shorter than its Content-Length")
        return body

    def events(self) -> None:
        """Updates until the page goes. The sign of life between them finds out whether it has."""
        session = self.server.session(self.page())
        if session is None:
            raise Refusal(404, "this page is not known here: it has to start")
        if self.command == "HEAD":
            raise Refusal(405, "events are got")
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        stream = session.attach(self.connection)
        try:
            self.send_response(200)
            self.send_headers({"Content-Type": "text/event-stream", "Connection": "close"})
            while True:
                try:
                    update = stream.get(timeout=BEAT)
                except queue.Empty:
                    self.wfile.write(b": still here\n\n")
                    continue
                if update == ENDED:  # the page tries again, and so finds the next server
                    return
                if update == ELSEWHERE:
                    self.wfile.write(b"event: elsewhere\ndata: {}\n\n")
                    return
                self.wfile.write(f"data: {update}\n\n".encode())
        except OSError:  # it has gone
            pass
        finally:
            session.detach(stream)

    def say(self, status: int, words: str) -> None:
        """A word to the page."""
        self.send(status, written({"kind": "refused", "problems": {"": words}}).encode(), "application/json")

    def send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        closing = {"Connection": "close"} if self.close_connection else {}
        self.send_headers({"Content-Type": kind, "Content-Length": str(len(content))} | closing)
        if getattr(self, "command", None) != "HEAD":
            self.wfile.write(content)

    def send_headers(self, headers: dict[str, str]) -> None:
        for name, value in (headers | HEADERS).items():
            self.send_header(name, value)
        self.end_headers()

    def version_string(self) -> str:
        return "numpyfa"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: the terminal is the user's."""


def make_server(port: int = PORT) -> Server:
    """A server that listens. Raises InputError where the port is none, taken or forbidden."""
    if not 0 <= port <= 65535:
        raise InputError(f"a port is a number from 0 to 65535, found {port}; 0 takes any that is free")
    try:
        return Server(port)
    except OSError as error:
        raise InputError(
            f"port {port} cannot be listened on ({error}), perhaps since another `numpyfa watch` runs: open "
            f"http://{HOST}:{port}/, or choose another by --port"
        ) from None


def serve(port: int = PORT, show: bool = True) -> None:
    """Serve the page until Ctrl-C, and open it in the browser if that is wanted."""
    with make_server(port) as server:
        address = f"http://{HOST}:{server.port}/"
        print(f"the page is at {address}   (Ctrl-C ends it)", flush=True)
        if show:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        server.serve_forever()
