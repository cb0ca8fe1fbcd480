"""What a contributor meets is in step: commands, workflows and forms name what there is, and one another."""

import ast
import configparser
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = [path for path in sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")) if path.name != "config.yml"]
HOOKS = ROOT / ".pre-commit-config.yaml"
TAG = "The release's tag is the version"  # the step of publish.yml


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def load(path):
    return yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)  # all words: "on" is no truth value


@pytest.fixture(scope="module")
def setup():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def sessions():
    """The sessions of noxfile.py in their order, without importing nox."""
    functions = [node for node in ast.parse(text("noxfile.py")).body if isinstance(node, ast.FunctionDef)]
    return [node.name for node in functions if any("nox.session" in ast.unparse(d) for d in node.decorator_list)]


def steps(workflow):
    """Of all jobs; one that calls another workflow has none."""
    return [step for job in load(workflow)["jobs"].values() for step in job.get("steps", [])]


def repository():
    return re.search(r'^REPOSITORY = "(.*)"$', text("tools/notebooks.py"), re.M)[1]


def pairs(lines):
    return dict(line.split(" = ") for line in lines.split("\n") if line)


def test_noxs_7_sessions_are_those_that_contributing_names_in_one_order():
    named = re.findall(r"^\| `nox -s (\w+)` \|", text("CONTRIBUTING.md"), re.M)
    assert named == sessions() == ["tests", "floor", "lint", "types", "otter", "docs", "build"]


def test_what_noxs_sessions_run_and_install_exists(setup):
    strings = [node.value for node in ast.walk(ast.parse(text("noxfile.py"))) if isinstance(node, ast.Constant)]
    files = [word for word in strings if isinstance(word, str) and re.fullmatch(r"(tools|tests)/\w+\.py", word)]
    assert len(files) >= 3 and all((ROOT / name).is_file() for name in files)
    installed = {extra for word in strings if isinstance(word, str) for extra in re.findall(r"^\.\[(.*)\]$", word)}
    extras = {each for several in installed for each in several.split(",")}
    assert {"test", "dev", "docs", "otter"} <= extras <= set(setup["options.extras_require"])


def test_the_lower_bounds_are_tested_with_the_8_files_of_ci_and_the_classifiers():
    source = text("noxfile.py")
    names = re.findall(r'"(\w+)"', re.search(r"^ENGINE = \[(.*)\]", source, re.M)[1])
    in_ci = set(re.findall(r"tests/test_(\w+)\.py", text(".ci/run").partition('say "the lower bounds')[2]))
    assert len(names) == 8 and in_ci - {"sklearn"} == set(names)
    assert all((ROOT / "tests" / f"test_{name}.py").is_file() for name in names)


def test_the_3_workflows_run_each_session_of_nox_and_besides_only_compare_the_tag():
    assert [path.name for path in WORKFLOWS] == ["docs.yml", "publish.yml", "tests.yml"]
    run = []
    for workflow in WORKFLOWS:
        for step in steps(workflow):
            command = shlex.split(step.get("run", ""))
            if command[:2] == ["nox", "-s"]:
                run += command[2:]
            elif command and step.get("name") != TAG:
                assert command == ["python", "-m", "pip", "install", "nox"]
    assert sorted(run) == sorted(sessions())


def test_what_plain_pytest_leaves_out_and_needs_no_gpu_browser_or_hour_is_run_by_a_session():
    left_out = set(re.findall(r"not (\w+)", re.search(r"^addopts = (.*)$", text("pyproject.toml"), re.M)[1]))
    run = set(re.findall(r'"-m", "(\w+)", "tests/', text("noxfile.py")))
    assert run == left_out - {"gpu", "web", "slow"} == {"docs", "otter"}


def test_only_a_pull_requests_newer_commit_stops_a_run_and_no_group_is_the_callers():
    for name in ("docs.yml", "tests.yml"):
        found = load(ROOT / ".github" / "workflows" / name)["concurrency"]
        assert found["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"
    assert found["group"] == "tests-${{ github.ref }}"


def test_each_workflow_has_a_name_few_rights_and_actions_pinned_to_a_commit_of_40_digits():
    for workflow in WORKFLOWS:
        found = load(workflow)
        assert found["name"] and found["on"] and found["permissions"] == {"contents": "read"}
        for job in found["jobs"].values():
            calls = {"name": "Tests", "uses": "./.github/workflows/tests.yml"}
            assert {"name", "runs-on", "timeout-minutes"} <= job.keys() or job == calls
        for step in steps(workflow):
            assert ("uses" in step) != ("run" in step)
            assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", step.get("uses", "a/b@" + "0" * 40))
        assert len(re.findall(r"uses: .* # v\d+\.\d+\.\d+$", workflow.read_text(), re.M)) == sum(
            "uses" in step for step in steps(workflow)
        )


def test_the_tests_run_on_each_python_of_setup_cfg_and_on_the_lowest_with_the_lowest_numpy(setup):
    classifiers = re.findall(r"Python :: (3\.\d+)", setup["metadata"]["classifiers"])
    jobs = load(ROOT / ".github" / "workflows" / "tests.yml")["jobs"]
    assert jobs["tests"]["strategy"]["matrix"]["python"] == classifiers
    assert setup["options"]["python_requires"] == f">={classifiers[0]}"
    assert jobs["floor"]["steps"][1]["with"]["python-version"] == classifiers[0]
    assert f'"py{classifiers[0].replace(".", "")}"' in text("ruff.toml")


def test_a_release_is_published_with_one_jobs_own_token_and_no_workflow_has_a_password():
    jobs = load(ROOT / ".github" / "workflows" / "publish.yml")["jobs"]
    assert jobs["publish"]["permissions"] == {"id-token": "write"} and "permissions" not in jobs["build"]
    assert jobs["publish"]["if"] == "github.event_name == 'release'" and jobs["publish"]["environment"] == "pypi"
    assert not any(re.search(r"password:|secrets\.", path.read_text(encoding="utf-8")) for path in WORKFLOWS)


@pytest.mark.parametrize(
    "form, passes", [("v{0}", True), ("{0}", True), ("v{0}.1", False), ("v{0[0]}", False), ("w{0}", False)]
)
def test_a_release_is_tested_and_stopped_if_its_tag_is_not_the_version(setup, form, passes):
    workflows = ROOT / ".github" / "workflows"
    jobs = load(workflows / "publish.yml")["jobs"]
    assert jobs["publish"]["needs"] == ["tests", "build"] and "workflow_call" in load(workflows / "tests.yml")["on"]
    (step,) = [each for each in jobs["build"]["steps"] if each.get("name") == TAG]
    assert step["if"] == "github.event_name == 'release'"
    tag = form.format(setup["metadata"]["version"])
    environment = {**os.environ, "GITHUB_REF_NAME": tag}
    command = ["bash", "-e", "-c", step["run"]]
    found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (found.returncode == 0) == passes and (f"the tag is {tag}," in found.stdout) != passes, found


def test_the_2_issue_forms_have_what_a_form_needs_and_each_question_its_own_name():
    assert [path.name for path in FORMS] == ["bug.yml", "rule.yml"]
    for path in FORMS:
        form = load(path)
        assert {"name", "description", "labels", "body"} == form.keys()
        names = [item["id"] for item in form["body"]]
        assert len(set(names)) == len(names) >= 3
        for item in form["body"]:
            assert item["type"] in ("input", "textarea", "checkboxes") and item["attributes"]["label"]
    assert load(ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml") == {"blank_issues_enabled": "true"}


def test_what_the_forms_ask_to_run_is_a_command():
    from numpyfa.cli import parser

    asked = re.findall(r"`numpyfa (\w+)`", "".join(path.read_text(encoding="utf-8") for path in FORMS))
    assert asked == ["doctor"]
    parser().parse_args(asked)
    template = text(".github/PULL_REQUEST_TEMPLATE.md")
    named = re.search(r"`nox` passes \((.*)\)", template)[1].split(", ")
    assert named == sessions()[: len(named)] and len(named) == 4


def test_each_of_the_commits_hooks_is_pinned_and_what_the_local_ones_run_exists():
    repos = load(HOOKS)["repos"]
    local = [hook for repo in repos if repo["repo"] == "local" for hook in repo["hooks"]]
    entries = [hook["entry"] for hook in local]
    assert entries == ["python tools/pages.py --check", "python tools/notebooks.py --check"]
    assert all((ROOT / shlex.split(entry)[1]).is_file() for entry in entries)
    assert all(re.fullmatch(r"v\d+\.\d+\.\d+", repo["rev"]) for repo in repos if repo["repo"] != "local")
    assert {"ruff-check", "ruff-format", "mypy"} <= {hook["id"] for repo in repos for hook in repo["hooks"]}


def test_the_conda_recipe_asks_for_the_version_and_the_7_requirements_of_setup_cfg(setup):
    recipe = load(ROOT / "recipe" / "recipe.yaml")
    assert recipe["context"]["version"] == setup["metadata"]["version"]
    assert f">={recipe['context']['python_min']}" == setup["options"]["python_requires"]
    run = [line.replace("matplotlib-base", "matplotlib") for line in recipe["requirements"]["run"]]
    wanted = [line.replace(">=", " >=") for line in setup["options"]["install_requires"].split("\n") if line]
    assert run == ["python >=${{ python_min }}", *wanted] and len(wanted) == 7
    assert recipe["build"]["python"]["entry_points"] == [
        line for line in setup["options.entry_points"]["console_scripts"].split("\n") if line
    ]


def test_the_conda_recipe_builds_with_the_setuptools_of_pyproject_and_is_tested_on_the_lowest_python():
    recipe = load(ROOT / "recipe" / "recipe.yaml")
    (asked,) = re.findall(r'"setuptools>=([\d.]+)"', text("pyproject.toml"))
    assert f"setuptools >={asked}" in recipe["requirements"]["host"]
    assert recipe["tests"][0]["python"]["python_version"] == "${{ python_min }}.*"


def test_the_address_of_the_repository_is_one_in_metadata_citation_and_recipe(setup):
    address = repository()
    owner, name = address.removeprefix("https://github.com/").split("/")
    site = f"https://{owner}.github.io/{name}/"
    assert pairs(setup["metadata"]["project_urls"]) == {
        "Source": address,
        "Documentation": site,
        "Changelog": f"{address}/blob/main/CHANGELOG.md",
        "Issues": f"{address}/issues",
    }
    assert re.search(r'^repository-code: "(.*)"$', text("CITATION.cff"), re.M)[1] == address
    about = load(ROOT / "recipe" / "recipe.yaml")["about"]
    assert (about["repository"], about["homepage"]) == (address, site)


def test_the_page_for_the_index_is_short_and_each_link_of_it_whole_and_to_a_file_that_exists(setup):
    page = text("PACKAGE.md")
    assert setup["metadata"]["long_description"] == "file: PACKAGE.md" and len(page.splitlines()) <= 30
    links = re.findall(r"\]\(([^)]*)\)", page)
    assert len(links) >= 4 and all(
        link.startswith((repository(), pairs(setup["metadata"]["project_urls"])["Documentation"])) for link in links
    )
    files = [found[1] for link in links if (found := re.fullmatch(rf"{repository()}/(?:blob|raw)/main/(.*)", link))]
    assert len(files) >= 3 and all((ROOT / file).is_file() for file in files)


def test_the_licence_names_that_of_mnist_and_the_3_files_that_say_so_are_packed(setup):
    about = load(ROOT / "recipe" / "recipe.yaml")["about"]
    files = [line for line in setup["metadata"]["license_files"].split("\n") if line]
    assert files == about["license_file"] and len(files) == 3
    assert setup["metadata"]["license"] == about["license"] == "MIT AND CC-BY-SA-3.0"
    words = [text(file) for file in files]
    assert "MIT License" in words[0] and "by-sa/3.0" in words[1] and "MIT License" in words[2]
    in_package = {path.relative_to(ROOT).as_posix() for path in (ROOT / "numpyfa").rglob("*LICENSE*")}
    assert in_package <= set(files)


def test_metadata_is_in_setup_cfg_alone_and_the_group_dev_names_only_extras(setup):
    source = text("pyproject.toml")
    assert "[project]" not in source
    extras = re.search(r'^dev = \["numpyfa\[([\w,]+)\]"\]$', source, re.M)[1].split(",")
    assert set(extras) <= set(setup["options.extras_require"])
    assert not {"tool:pytest", "mypy"} & set(setup.sections())
