"""What GitHub answers, as far as this program reads it; unknown fields are ignored, missing ones are an error."""

from pydantic import AliasPath, BaseModel, ConfigDict, Field


class Record(BaseModel):
    """The common ground: frozen, tolerant of fields that GitHub adds."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class CheckOutput(Record):
    """The visible part of a check run."""

    title: str | None = None
    text: str | None = None
    annotations_count: int = 0


class App(Record):
    """The GitHub App that made something."""

    id: int
    slug: str | None = None


class CheckRun(Record):
    """A check run."""

    id: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None = None
    external_id: str | None = None
    html_url: str | None = None
    app: App | None = None
    output: CheckOutput = CheckOutput()


class CheckRuns(Record):
    """A page of check runs."""

    total_count: int
    check_runs: tuple[CheckRun, ...]


class StoredAnnotation(Record):
    """An annotation as GitHub kept it."""

    path: str
    start_line: int
    end_line: int
    annotation_level: str | None = None
    title: str | None = None
    message: str | None = None
    raw_details: str | None = None


class Account(Record):
    """A person or a bot."""

    login: str
    type: str = "User"


class Comment(Record):
    """A comment on an issue, a pull request or a line of it."""

    id: int
    body: str | None = None
    user: Account | None = None
    html_url: str = ""
    path: str = ""
    """Of a comment on lines, as the next four."""
    line: int | None = None
    """``None`` when the lines have changed since."""
    start_line: int | None = None
    side: str | None = None


class Issue(Record):
    """An issue; GitHub lists pull requests among them."""

    number: int
    body: str | None = None
    user: Account | None = None
    html_url: str = ""
    pull_request: object = None
    """Set when it is one."""


class RemarkAuthor(Record):
    """Who wrote a remark, in the words of the GraphQL API."""

    kind: str = Field(alias="__typename")


class Remark(Record):
    """The first comment of a thread."""

    body: str
    author: RemarkAuthor | None = None


class Remarks(Record):
    """The comments of a thread."""

    nodes: tuple[Remark, ...]


class Thread(Record):
    """A thread of remarks on lines."""

    resolved: bool = Field(alias="isResolved")
    comments: Remarks


class Threads(Record):
    """Answer of the one GraphQL query; a null on the way is an error of this record."""

    nodes: tuple[Thread, ...] = Field(
        validation_alias=AliasPath("data", "repository", "pullRequest", "reviewThreads", "nodes")
    )


class Review(Record):
    """A submitted review."""

    id: int
    body: str = ""
    user: Account | None = None


class Repository(Record):
    """A repository, as the two ends of a pull request name it."""

    full_name: str
    clone_url: str = ""


class End(Record):
    """One end of a pull request."""

    sha: str
    ref: str
    repo: Repository | None = None


class PullRequest(Record):
    """A pull request."""

    number: int
    title: str = ""
    body: str | None = None
    draft: bool = False
    state: str = "open"
    html_url: str = ""
    base: End
    head: End
    user: Account | None = None
    changed_files: int = 0


class PullFile(Record):
    """One changed file; ``patch`` is missing for binary and very large ones."""

    filename: str
    status: str
    previous_filename: str | None = None
    patch: str | None = None
    additions: int = 0
    deletions: int = 0


class Content(Record):
    """A file's content at a revision; ``encoding`` is ``none`` above 1 MB."""

    type: str
    encoding: str = ""
    content: str = ""
    size: int = Field(default=0, ge=0)


class GitObject(Record):
    """What a reference points to, a commit's parent, or its tree."""

    sha: str


class GitRef(Record):
    """A branch or a tag."""

    ref: str
    object: GitObject


class GitCommit(Record):
    """A commit, as git has it."""

    sha: str
    message: str = ""
    tree: GitObject
    parents: tuple[GitObject, ...] = ()


class CommitText(Record):
    """The part of a listed commit that git has."""

    message: str


class ListedCommit(Record):
    """One commit of a comparison."""

    sha: str
    commit: CommitText


class Comparison(Record):
    """What one commit has and another has not; ``commits`` may be only the first of ``total_commits``."""

    total_commits: int
    commits: tuple[ListedCommit, ...]
