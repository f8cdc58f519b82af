"""A GitHub that remembers: check runs, reviews and comments of one repository, with its limits and its moods.

Every request and every answer is held against GitHub's own OpenAPI description. Used in-process through
``GitHubServer.transport()``, or over a real socket on the loopback with ``serve()``.
"""

import base64
import json
import os
import re
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import github_contract as contract

FORBIDDEN = (403, {}, {"message": "Resource not accessible by integration", "status": "403"})
LIMITED = (403, {"retry-after": "7"}, {"message": "You have exceeded a secondary rate limit", "status": "403"})


@dataclass
class Fault:
    """Something that goes wrong: for the requests that *matches* picks, *times* times."""

    matches: object
    answer: tuple | None = None
    """Status, headers, body; ``None``: the connection breaks."""
    done: bool = False
    """Whether the server did the work all the same, and only its answer is lost."""
    times: int = 1


@dataclass
class GitHubServer:
    """State and rules."""

    repository: str = "o/r"
    check_runs: dict = field(default_factory=dict)
    annotations: dict = field(default_factory=dict)
    comments: dict = field(default_factory=dict)
    reviews: list = field(default_factory=list)
    review_comments: list = field(default_factory=list)
    resolved: set = field(default_factory=set)
    """Ids of review comments whose threads somebody resolved."""
    pulls: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)
    contents: dict = field(default_factory=dict)
    faults: list = field(default_factory=list)
    rejects: object = lambda annotation: False
    """Which annotations GitHub finds wrong, for reasons it does not tell."""
    log: list = field(default_factory=list)
    violations: list = field(default_factory=list)
    headers: list = field(default_factory=list)
    user: str = "github-actions[bot]"
    repositories: object = None
    """Folder of bare repositories that are served to git."""

    # -- the door

    def handle(self, method, target, headers, body):
        """Return status, headers and body; ``None`` when the connection shall break."""
        url = urlsplit(target)
        path = url.path.removeprefix("/api/v3").removeprefix("/api")
        self.headers.append({key.lower(): value for key, value in headers.items()})
        self.log.append((method, path))
        described = re.sub(r"/contents/.+", "/contents/x", path)  # a path in a path is one parameter
        asked = method == "POST" and path == "/graphql"
        if asked:
            self.violations += _graphql_faults(json.loads(body), self.repository)
        else:
            self.violations += contract.request_faults(method, described, url.query, body)
        fault = next((one for one in self.faults if one.times > 0 and one.matches(method, path)), None)
        if fault is not None:
            fault.times -= 1
            if fault.done:
                self._answer(method, path, url.query, body)
            if fault.answer is None:
                return None
            status, extra, value = fault.answer
            return status, extra, json.dumps(value).encode()
        status, value = (200, self._threads()) if asked else self._answer(method, path, url.query, body)
        data = json.dumps(value).encode()
        if status < 400 and not asked:
            self.violations += contract.response_faults(method, described, status, data)
        return status, {}, data

    def _answer(self, method, path, query, body):
        prefix = f"/repos/{self.repository}/"
        if not path.startswith(prefix):
            return 404, {"message": "Not Found"}
        rest, given = path.removeprefix(prefix), json.loads(body) if body else {}
        options = {key: values[-1] for key, values in parse_qs(query).items()}
        for verb, pattern, function in ROUTES:
            match = re.fullmatch(pattern, rest)
            if verb == method and match:
                status, value = function(self, *map(unquote, match.groups()), given=given, options=options)
                if status >= 400:
                    return status, value
                return status, contract.answer(method, re.sub(r"/contents/.+", "/contents/x", path), status, value)
        return 404, {"message": "Not Found"}

    def _threads(self):
        """GraphQL, of which this knows one query: every remark is a thread of its own."""
        nodes = [
            {
                "isResolved": one["id"] in self.resolved,
                "comments": {"nodes": [{"body": one["body"], "author": {"__typename": one["user"]["type"]}}]},
            }
            for one in self.review_comments
        ]
        return {"data": {"repository": {"pullRequest": {"reviewThreads": {"nodes": nodes}}}}}

    # -- checks

    def create_check_run(self, given, options):
        if problem := self._refused(given):
            return 422, problem
        number = 100 + len(self.check_runs)
        run = {key: value for key, value in given.items() if key != "output"}
        run |= {"id": number, "html_url": f"https://github.com/{self.repository}/runs/{number}"}
        self.check_runs[number] = run
        self.annotations[number] = []
        self._take(number, given)
        return 201, self._shown(number)

    def update_check_run(self, number, given, options):
        if int(number) not in self.check_runs:
            return 404, {"message": "Not Found"}
        if problem := self._refused(given):
            return 422, problem
        self._take(int(number), given)
        return 200, self._shown(int(number))

    def _refused(self, given):
        output = given.get("output", {})
        for item in output.get("annotations", []):
            if self.rejects(item) or _malformed(item):
                return {
                    "message": "Validation Failed",
                    "errors": [{"resource": "CheckRun", "code": "invalid", "field": "annotations"}],
                }
        if "conclusion" not in given and given.get("status") == "completed":
            return {"message": "Validation Failed"}
        return None

    def _take(self, number, given):
        run, output = self.check_runs[number], given.get("output", {})
        run.update({key: value for key, value in given.items() if key != "output"})
        run.setdefault("output", {}).update({key: value for key, value in output.items() if key != "annotations"})
        self.annotations[number] += output.get("annotations", [])

    def _shown(self, number):
        run = dict(self.check_runs[number])
        output = {"title": None, "summary": None, "text": None, **run.get("output", {})}
        output |= {"annotations_count": len(self.annotations[number]), "annotations_url": "https://github.com/x"}
        return run | {"output": output, "status": run.get("status", "queued")}

    def get_check_run(self, number, given, options):
        return (200, self._shown(int(number))) if int(number) in self.check_runs else (404, {})

    def list_check_runs(self, ref, given, options):
        latest = {}
        for number, run in self.check_runs.items():
            if run["head_sha"] == ref and run["name"] == options.get("check_name", run["name"]):
                latest[run["name"]] = self._shown(number)
        return 200, {"total_count": len(latest), "check_runs": list(latest.values())}

    def list_annotations(self, number, given, options):
        extra = {"blob_href": "https://github.com/x", "start_column": None, "end_column": None}
        return 200, _page([one | extra for one in self.annotations[int(number)]], options)

    # -- pull requests

    def get_pull(self, number, given, options):
        return (200, self.pulls[int(number)]) if int(number) in self.pulls else (404, {"message": "Not Found"})

    def list_pulls(self, given, options):
        branch = options["head"].partition(":")[2]
        own = [
            one
            for one in self.pulls.values()
            if (one["head"]["label"], one["head"]["ref"]) == (options["head"], branch)
        ]
        return 200, own

    def list_files(self, number, given, options):
        return 200, _page(self.files.get(int(number), []), options)

    def list_review_comments(self, number, given, options):
        return 200, _page(self.review_comments, options)

    def list_reviews(self, number, given, options):
        return 200, _page(self.reviews, options)

    def create_review(self, number, given, options):
        for one in given.get("comments", []):
            if not self._in_diff(int(number), one):
                return 422, {"message": "Unprocessable Entity", "errors": ["Line could not be resolved"]}
            if one.get("start_line") is not None and one["start_line"] >= one["line"]:
                return 422, {"message": "Unprocessable Entity", "errors": ["start line must precede the end line"]}
        author = {"login": self.user, "type": "Bot"}
        review = {"id": 1 + len(self.reviews), "body": given.get("body", ""), "user": author}
        self.reviews.append(review)
        for one in given.get("comments", []):
            number = 1000 + len(self.review_comments)
            self.review_comments.append({"id": number, "user": author, **one})
        return 200, review

    def _in_diff(self, number, comment):
        patch = next(
            (one.get("patch", "") for one in self.files.get(number, []) if one["filename"] == comment["path"]), ""
        )
        side = comment.get("side", "RIGHT")
        for match in re.finditer(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", patch, re.MULTILINE):
            old, olds, new, news = (1 if one is None else int(one) for one in match.groups())
            start, count = (old, olds) if side == "LEFT" else (new, news)
            if start <= comment.get("start_line", comment["line"]) and comment["line"] < start + count:
                return True
        return False

    def get_content(self, path, given, options):
        data = self.contents.get((path, options.get("ref")))
        if data is None:
            return 404, {"message": "Not Found"}
        return 200, {
            "type": "file",
            "encoding": "base64",
            "content": base64.b64encode(data).decode(),
            "size": len(data),
        }

    # -- comments

    def list_comments(self, number, given, options):
        return 200, _page(list(self.comments.values()), options)

    def create_comment(self, number, given, options):
        identity = 500 + len(self.comments)
        author = {"login": self.user, "type": "Bot" if self.user.endswith("[bot]") else "User"}
        self.comments[identity] = {"id": identity, "body": given["body"], "user": author}
        return 201, self.comments[identity]

    def update_comment(self, identity, given, options):
        self.comments[int(identity)]["body"] = given["body"]
        return 200, self.comments[int(identity)]

    # -- ways in

    def transport(self):
        """Return a transport for httpx2 that ends here."""
        import httpx2

        def serve(request):
            answer = self.handle(request.method, request.url.raw_path.decode(), request.headers, request.read())
            if answer is None:
                raise httpx2.ReadError("the connection broke")
            status, headers, body = answer
            return httpx2.Response(status, headers=headers, content=body)

        return httpx2.MockTransport(serve)

    @contextmanager
    def serve(self):
        """Listen on the loopback; yield the address of the API."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/api/v3"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


ROUTES = [
    ("POST", r"check-runs", GitHubServer.create_check_run),
    ("GET", r"check-runs/(\d+)", GitHubServer.get_check_run),
    ("PATCH", r"check-runs/(\d+)", GitHubServer.update_check_run),
    ("GET", r"check-runs/(\d+)/annotations", GitHubServer.list_annotations),
    ("GET", r"commits/([^/]+)/check-runs", GitHubServer.list_check_runs),
    ("GET", r"pulls", GitHubServer.list_pulls),
    ("GET", r"pulls/(\d+)", GitHubServer.get_pull),
    ("GET", r"pulls/(\d+)/files", GitHubServer.list_files),
    ("GET", r"pulls/(\d+)/comments", GitHubServer.list_review_comments),
    ("GET", r"pulls/(\d+)/reviews", GitHubServer.list_reviews),
    ("POST", r"pulls/(\d+)/reviews", GitHubServer.create_review),
    ("GET", r"contents/(.+)", GitHubServer.get_content),
    ("GET", r"issues/(\d+)/comments", GitHubServer.list_comments),
    ("POST", r"issues/(\d+)/comments", GitHubServer.create_comment),
    ("PATCH", r"issues/comments/(\d+)", GitHubServer.update_comment),
]


def _graphql_faults(given, repository):
    """GraphQL is not in the OpenAPI description: the query's shape is held against GitHub's schema by hand."""
    faults = [f"unknown field {key}" for key in given if key not in {"query", "variables", "operationName"}]
    owner, _, name = repository.partition("/")
    variables = given.get("variables", {})
    if not isinstance(variables.get("number"), int) or (variables.get("owner"), variables.get("name")) != (owner, name):
        faults.append(f"wrong variables {variables}")
    words = set(re.findall(r"[A-Za-z_]+", given["query"]))
    known = {"query", "owner", "name", "number", "String", "Int", "repository", "pullRequest", "reviewThreads", "last",
             "nodes", "isResolved", "comments", "first", "body", "author", "__typename"}  # fmt: skip
    faults += [f"unknown word {word}" for word in words - known]
    if given["query"].count("{") != given["query"].count("}"):
        faults.append("unbalanced query")
    return faults


def _malformed(item):
    """What the description says in words only: lines from 1, a title of 255 characters, a message of 64 KB."""
    lines = 1 <= item["start_line"] <= item["end_line"]
    columns = "start_column" not in item or item["start_line"] == item["end_line"]
    sizes = len(item.get("title", "")) <= 255 and len(item["message"].encode()) <= 64 * 1024
    return not (lines and columns and sizes and item["path"] and item["message"])


def _page(items, options):
    size, page = int(options.get("per_page", 30)), int(options.get("page", 1))
    return items[(page - 1) * size : page * size]


def _backend(state, handler, body):
    """Let git's own CGI program answer; return status, headers and body."""
    path, _, query = handler.path.partition("?")
    environ = {
        "PATH": os.defpath,
        "GIT_PROJECT_ROOT": str(state.repositories),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROTOCOL": handler.headers.get("Git-Protocol", ""),
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_METHOD": handler.command,
        "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
    }
    settings = {"safe.directory": "*", "uploadpack.allowAnySHA1InWant": "true"}
    environ["GIT_CONFIG_COUNT"] = str(len(settings))
    for number, (key, value) in enumerate(settings.items()):
        environ |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    done = subprocess.run(["git", "http-backend"], input=body, env=environ, capture_output=True, check=True)
    head, _, data = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
    return int(headers.pop("Status", "200").split()[0]), headers, data


def _handler(state):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not self.path.startswith("/api/"):
                answer = _backend(state, self, body) if state.repositories else (404, {}, b"")
            else:
                answer = state.handle(self.command, self.path, self.headers, body)
            if answer is None:
                self.close_connection = True
                return
            status, headers, data = answer
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                **headers,
                "Content-Length": str(len(data)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815

        def log_message(self, *_):
            pass

    return Handler
