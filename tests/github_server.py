"""A GitHub that remembers: check runs, reviews and comments of one repository, with its limits and its moods.

Every request and every answer is held against GitHub's own OpenAPI description. Used in-process through
``GitHubServer.transport()``, or over a real socket on the loopback with ``serve()``.
"""

import base64
import json
import os
import re
import subprocess
import tempfile
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
    issues: dict = field(default_factory=dict)
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
    push_token: str = ""
    """What git must show to push, as the job's token on GitHub; ``""``: nobody pushes."""
    pushes: int = 0
    on_git: object = lambda headers: None
    """Called with the headers of each request of git, while it waits; what it returns is the answer, if anything."""
    git_dir: object = None
    """The repository behind the endpoints for trees, commits, references and comparisons: git itself does the work."""

    # -- the door

    def handle(self, method, target, headers, body):
        """Return status, headers and body; ``None`` when the connection shall break."""
        url = urlsplit(target)
        path = url.path.removeprefix("/api/v3").removeprefix("/api")
        self.headers.append({key.lower(): value for key, value in headers.items()})
        self.log.append((method, path))
        described = _described(path)
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
                return status, contract.answer(method, _described(path), status, value)
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
            if one.get("state", "open") == options.get("state", "open")
            and (one["head"]["label"], one["head"]["ref"]) == (options["head"], branch)
        ]
        return 200, own

    def create_pull(self, given, options):
        if self._sha(f"refs/heads/{given['head']}") is None or self._sha(f"refs/heads/{given['base']}") is None:
            return 422, {"message": "Validation Failed"}
        label = f"{self.repository.partition('/')[0]}:{given['head']}"
        if any(one["head"]["label"] == label and one["state"] == "open" for one in self.pulls.values()):
            return 422, {"message": "Validation Failed", "errors": [{"message": "A pull request already exists"}]}
        number = 1 + max(self.pulls, default=0)
        repo = {"full_name": self.repository}
        self.pulls[number] = {
            "number": number,
            "state": "open",
            "title": given["title"],
            "body": given["body"],
            "html_url": f"https://github.com/{self.repository}/pull/{number}",
            "head": {
                "label": label,
                "ref": given["head"],
                "sha": self._sha(f"refs/heads/{given['head']}"),
                "repo": repo,
            },
            "base": {"label": "x", "ref": given["base"], "sha": self._sha(f"refs/heads/{given['base']}"), "repo": repo},
        }
        return 201, self.pulls[number]

    def update_pull(self, number, given, options):
        self.pulls[int(number)].update(given)
        return 200, self.pulls[int(number)]

    # -- git's own objects

    def git(self, *args, data=None, env=None):
        """Run git in the repository behind the endpoints; return what it prints, ``None`` when it refuses."""
        words = ["git", f"--git-dir={self.git_dir}", "-c", "user.name=app", "-c", "user.email=app@localhost", *args]
        environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **(env or {})}
        done = subprocess.run(words, input=data, env=environ, capture_output=True, check=False)
        return done.stdout.decode().strip() if done.returncode == 0 else None

    def _sha(self, name):
        return self.git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")

    def _ref(self, ref):
        return {"ref": f"refs/{ref}", "object": {"sha": self._sha(f"refs/{ref}"), "type": "commit"}}

    def get_ref(self, ref, given, options):
        return (200, self._ref(ref)) if self._sha(f"refs/{ref}") else (404, {"message": "Not Found"})

    def create_ref(self, given, options):
        if self._sha(given["ref"]):
            return 422, {"message": "Reference already exists"}
        self.git("update-ref", given["ref"], given["sha"])
        return 201, self._ref(given["ref"].removeprefix("refs/"))

    def move_ref(self, ref, given, options):
        old = self._sha(f"refs/{ref}")
        if old is None:
            return 422, {"message": "Reference does not exist"}
        if not given.get("force") and self.git("merge-base", "--is-ancestor", old, given["sha"]) is None:
            return 422, {"message": "Update is not a fast forward"}
        self.git("update-ref", f"refs/{ref}", given["sha"])
        return 200, self._ref(ref)

    def get_commit(self, sha, given, options):
        if self._sha(sha) is None:
            return 404, {"message": "Not Found"}
        tree, parents, message = self.git("show", "-s", "--format=%T%n%P%n%B", sha).split("\n", 2)
        return 200, {
            "sha": sha,
            "tree": {"sha": tree},
            "parents": [{"sha": one} for one in parents.split()],
            "message": message,
        }

    def create_commit(self, given, options):
        parents = [word for one in given["parents"] for word in ("-p", one)]
        sha = self.git("commit-tree", given["tree"], *parents, data=given["message"].encode())
        return (201, self.get_commit(sha, {}, {})[1]) if sha else (422, {"message": "Tree SHA does not exist"})

    def create_tree(self, given, options):
        with tempfile.TemporaryDirectory() as folder:
            env = {"GIT_INDEX_FILE": f"{folder}/index"}
            self.git("read-tree", given["base_tree"], env=env)
            for one in given["tree"]:
                if "content" in one:
                    blob = self.git("hash-object", "-w", "--stdin", data=one["content"].encode())
                    self.git("update-index", "--add", "--cacheinfo", f"{one['mode']},{blob},{one['path']}", env=env)
                else:
                    self.git("update-index", "--index-info", data=f"0 {'0' * 40}\t{one['path']}\n".encode(), env=env)
            return 201, {"sha": self.git("write-tree", env=env), "tree": [], "truncated": False}

    def compare(self, base, head, given, options):
        if self._sha(base) is None or self._sha(head) is None:
            return 404, {"message": "Not Found"}
        names = self.git("rev-list", "--reverse", f"{base}..{head}").split()
        who = {"author": {}, "committer": {}}
        commits = [
            {"sha": one, "commit": {"message": self.git("show", "-s", "--format=%B", one)}, **who} for one in names
        ]
        ends = {"base_commit": {"sha": base, **who}, "merge_base_commit": {"sha": base, **who}}
        return 200, {"total_commits": len(names), "commits": _page(commits, options), **ends}

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

    # -- issues

    def list_issues(self, given, options):
        shown = [one for one in self.issues.values() if one["state"] == options.get("state", "open")]
        return 200, _page(shown[::-1], options)

    def create_issue(self, given, options):
        number = 1 + len(self.issues)
        author = {"login": self.user, "type": "Bot" if self.user.endswith("[bot]") else "User"}
        address = f"https://github.com/{self.repository}/issues/{number}"
        self.issues[number] = {"number": number, "state": "open", "user": author, "html_url": address, **given}
        return 201, self.issues[number]

    def update_issue(self, number, given, options):
        self.issues[int(number)].update(given)
        return 200, self.issues[int(number)]

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
    def serve(self, tls=None):
        """Listen on the loopback, with the TLS of a server's context if one is given; yield the address of the API."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}/api/v3"
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
    ("POST", r"pulls", GitHubServer.create_pull),
    ("GET", r"pulls/(\d+)", GitHubServer.get_pull),
    ("PATCH", r"pulls/(\d+)", GitHubServer.update_pull),
    ("GET", r"git/ref/(.+)", GitHubServer.get_ref),
    ("POST", r"git/refs", GitHubServer.create_ref),
    ("PATCH", r"git/refs/(.+)", GitHubServer.move_ref),
    ("GET", r"git/commits/(\w+)", GitHubServer.get_commit),
    ("POST", r"git/commits", GitHubServer.create_commit),
    ("POST", r"git/trees", GitHubServer.create_tree),
    ("GET", r"compare/(\w+)\.\.\.(\w+)", GitHubServer.compare),
    ("GET", r"pulls/(\d+)/files", GitHubServer.list_files),
    ("GET", r"pulls/(\d+)/comments", GitHubServer.list_review_comments),
    ("GET", r"pulls/(\d+)/reviews", GitHubServer.list_reviews),
    ("POST", r"pulls/(\d+)/reviews", GitHubServer.create_review),
    ("GET", r"contents/(.+)", GitHubServer.get_content),
    ("GET", r"issues", GitHubServer.list_issues),
    ("POST", r"issues", GitHubServer.create_issue),
    ("PATCH", r"issues/(\d+)", GitHubServer.update_issue),
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


def _described(path):
    """Return *path* as the description can match it: there, a path or a reference within a path is one parameter."""
    return re.sub(r"/(contents|git/refs?)/.+", r"/\1/x", path)


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
    answer = state.on_git({key.lower(): value for key, value in handler.headers.items()})
    if answer is not None:
        return answer
    path, _, query = handler.path.partition("?")
    settings = {"safe.directory": "*", "uploadpack.allowAnySHA1InWant": "true"}
    if "git-receive-pack" in handler.path:
        shown = base64.b64encode(f"x-access-token:{state.push_token}".encode()).decode()
        if not state.push_token or handler.headers.get("Authorization") != f"basic {shown}":
            return 401, {"WWW-Authenticate": 'Basic realm="GitHub"'}, b""
        settings["http.receivepack"] = "true"
        state.pushes += handler.command == "POST"
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
