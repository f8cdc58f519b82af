import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.checks.workflows import CHECK
from tta_orchestrate.domain.change import ChangedFile, FileStatus, Hunk
from tta_orchestrate.domain.report import SkipReason
from tta_orchestrate.ports import SourceFile

PATH = ".github/workflows/ci.yml"
SHA = "8f4b7f84864484a7bf31766abe9204da3cbe65b3"


def source(text, path=PATH, hunks=()):
    return SourceFile(change=ChangedFile(path=path, old_path=path, status=FileStatus.MODIFIED, hunks=hunks), text=text)


def found(text, path=PATH):
    result = CHECK.run([source(text, path)])
    assert not result.skipped
    lines = text.split("\n")
    assert all(c.quote == "\n".join(lines[c.start_line - 1 : c.end_line]) for c in result.candidates)
    return [(c.rule.removeprefix("workflow/"), c.start_line, c.severity.value) for c in result.candidates]


def steps(body, on="pull_request"):
    return f"on: {on}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n{body}"


@pytest.mark.parametrize(
    "expression",
    [
        "github.event.issue.title",
        "github.event.pull_request.body",
        "github.event.pull_request.head.ref",
        "github.event.pull_request['head']['label']",
        "github['event'].comment.body",
        "github.head_ref",
        "github.head_ref || 'main'",
        "github.event.commits[0].message",
        "github.event.commits.*.author.email",
        "github.event.head_commit.message",
        "github.event.workflow_run.head_branch",
        "format('x {0}', github.event.review.body)",
        "toJSON(github.event)",
        "toJson( github.event.pull_request )",
        "GitHub.Event.Issue.Title",
    ],
)
def test_text_of_a_stranger_in_a_script_is_found(expression):
    assert found(steps(f"      - run: echo ${{{{ {expression} }}}}\n")) == [("untrusted-expression", 6, "high")]


def test_the_line_is_that_of_the_expression_inside_the_block():
    text = steps(
        '      - name: x\n        run: |\n          set -e\n\n          echo "${{ github.event.issue.title }}"\n'
    )
    assert found(text) == [("untrusted-expression", 10, "high")]
    folded = steps("      - run: >-\n          a\n          ${{\n            github.head_ref\n          }}\n")
    assert [(c.start_line, c.end_line) for c in CHECK.run([source(folded)]).candidates] == [(8, 10)]


def test_two_expressions_are_two_findings():
    text = steps(
        "      - run: |\n          ${{ github.head_ref }} ${{ github.event.issue.body }}\n          ${{ github.head_ref }}\n"
    )
    assert [line for _, line, _ in found(text)] == [7, 7, 8]


def test_github_script_is_a_script_too():
    text = steps(
        f"      - uses: actions/github-script@{SHA}\n        with:\n          script: |\n            x('${{{{ github.event.comment.body }}}}')\n"
    )
    assert found(text) == [("untrusted-expression", 9, "high")]


def test_an_input_of_a_composite_action_is_untrusted_but_milder():
    text = "runs:\n  using: composite\n  steps:\n    - run: echo ${{ inputs.name }}\n      shell: bash\n"
    assert found(text, "action.yml") == [("untrusted-expression", 4, "medium")]
    assert found(text, "tools/setup/action.yaml") == [("untrusted-expression", 4, "medium")]


@pytest.mark.parametrize(
    "body",
    [
        '      - env:\n          TITLE: ${{ github.event.issue.title }}\n        run: echo "$TITLE"\n',
        "      - if: contains(github.event.issue.title, 'x')\n        run: echo hi\n",
        "      - run: echo ${{ contains(github.event.issue.title, 'x') }}\n",
        "      - run: echo ${{ github.head_ref == 'main' && 'a' || 'b' }}\n",
        "      - run: echo ${{ github.sha }} ${{ github.event.number }} ${{ github.event.pull_request.head.sha }}\n",
        "      - run: echo ${{ inputs.name }}\n",
        "      - run: echo github.event.issue.title\n",
        f"      - uses: acme/tool@{SHA} # v1\n        with:\n          title: ${{{{ github.event.issue.title }}}}\n",
        "      - uses: ./local/action\n",
        f"      - uses: docker://alpine@sha256:{'a' * 64}\n",
        "      - uses: actions/checkout@"
        + SHA
        + "\n        with:\n          ref: ${{ github.event.pull_request.head.sha }}\n",
    ],
)
def test_a_safe_step_gives_nothing(body):
    assert found(steps(body)) == []


@pytest.mark.parametrize(
    ("uses", "severity"),
    [
        ("acme/tool@v1", "medium"),
        ("acme/tool@main", "medium"),
        ("acme/tool/sub@8f4b7f8", "medium"),
        ("acme/tool", "medium"),
        ("docker://alpine:3.20", "medium"),
        ("actions/checkout@v4", "low"),
        ("github/codeql-action/init@v3", "low"),
    ],
)
def test_an_action_that_can_be_moved_is_found(uses, severity):
    assert found(steps(f"      - uses: {uses}\n")) == [("unpinned-action", 6, severity)]


def test_a_reusable_workflow_is_pinned_too_and_gets_no_bundle_of_secrets():
    text = "on: push\njobs:\n  a:\n    uses: acme/flows/.github/workflows/x.yml@v2\n    secrets: inherit\n"
    assert found(text) == [("unpinned-action", 4, "medium"), ("secrets-inherit", 5, "low")]


@pytest.mark.parametrize(
    "on", ["pull_request_target", "[push, pull_request_target]", "{workflow_run: {workflows: [x]}}"]
)
@pytest.mark.parametrize(
    "ref", ["github.event.pull_request.head.sha", "github.head_ref", "github.event.workflow_run.head_sha"]
)
def test_the_head_of_a_pull_request_beside_secrets_is_found(on, ref):
    text = steps(f"      - uses: actions/checkout@{SHA}\n        with:\n          ref: ${{{{ {ref} }}}}\n", on)
    assert found(text) == [("untrusted-checkout", 8, "high")]


def test_a_checkout_by_hand_is_found_too():
    text = steps(
        "      - run: |\n          gh pr checkout 7\n          git fetch origin pull/7/head\n          git status\n",
        "pull_request_target",
    )
    assert found(text) == [("untrusted-checkout", 7, "high"), ("untrusted-checkout", 8, "high")]


def test_a_checkout_of_the_base_is_fine():
    assert found(steps(f"      - uses: actions/checkout@{SHA}\n", "pull_request_target")) == []


def test_write_all_is_found_for_the_workflow_and_for_a_job():
    text = (
        "on: push\npermissions: write-all\njobs:\n  a:\n    permissions: write-all\n  b:\n    permissions: read-all\n"
    )
    assert found(text) == [("write-all", 2, "medium"), ("write-all", 5, "medium")]


def test_other_yaml_is_none_of_its_business():
    for path in (
        "a.yml",
        ".github/dependabot.yml",
        ".github/workflows/sub/a.yml",
        ".github/workflows/a.md",
        "my-action.yml",
    ):
        assert not CHECK.applies(source("", path))


def test_of_a_bare_diff_the_uses_lines_are_looked_at_and_the_rest_is_listed():
    hunk = Hunk(
        old_start=1, old_count=0, new_start=1, new_count=2, body=("+      - uses: acme/x@v1", "+      - uses: ./y")
    )
    result = CHECK.run([source(None, hunks=(hunk,))])
    assert [(c.rule, c.start_line) for c in result.candidates] == [("workflow/unpinned-action", 1)]
    assert [s.reason for s in result.skipped] == [SkipReason.NEEDS_FILE]


@pytest.mark.parametrize("text", ["a: [", "\t", "a: *b", "a: \x00", "[" * 3_000])
def test_a_file_that_does_not_parse_is_listed(text):
    assert [s.reason for s in CHECK.run([source(text)]).skipped] == [SkipReason.UNSUPPORTED]


def test_tags_are_not_obeyed_and_bombs_and_loops_do_no_harm(tmp_path):
    mark = tmp_path / "ran"
    bomb = "".join(f"x{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
    text = f"evil: !!python/object/apply:os.system ['touch {mark}']\na: &a0 [x]\n{bomb}loop: &l [*l]\n" + steps(
        "      - *l\n      - *a29\n"
    )
    assert found(text) == []
    assert not mark.exists()


@given(
    st.text(max_size=100)
    | st.lists(
        st.sampled_from(
            [
                "on: ",
                "jobs:\n",
                "  a:\n",
                "    steps:\n",
                "      - run: ",
                "${{ github.head_ref }}",
                "x\n",
                "|\n",
                "\n",
                "      - uses: a/b@c\n",
                "- ",
                "\udcff",
            ]
        ),
        max_size=14,
    ).map("".join)
)
@settings(max_examples=80, deadline=None)
def test_any_text_is_judged_without_a_crash_and_with_true_quotes(text):
    lines = text.split("\n")
    for claim in CHECK.run([source(text)]).candidates:
        assert claim.quote == "\n".join(lines[claim.start_line - 1 : claim.end_line])
