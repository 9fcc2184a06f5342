"""Facts that a reader of the docs relies on: each is where it is looked for, and the gateway does what it says."""
import base64
import re
import shlex
import subprocess

import pytest

from harness.samples import PROJECT, holding, printed
from harness.tokens import API_KEY, SECRET as USUAL_SECRET, auth_toml, bearer, token

# 32 bytes in base64: what `openssl rand -base64 32` prints.
SECRET = base64.b64encode(bytes(range(32))).decode()


def says(page, *words):
    """Whether one paragraph, row or item of the page has all of these."""
    text = (PROJECT / page).read_text(encoding="utf-8")
    return any(all(word in part for word in words) for part in re.split(r"\n\s*\n|\n(?=[|-] )", text))


@pytest.mark.parametrize("page, words", [
    ("docs/browser.md", ("title", "`labels.title`", "`labels.name`", "`labels.file`")), ("docs/browser.md", ("resultOf", "`text`", "`url`", "`label`")),
    ("docs/workers.md", ("`title`", "`name`", "`file`")), ("docs/workers.md", ("**Result**", "`url`")), ("docs/functions.md", ("`result`", '{"url":')),
    ("docs/lifecycle.md", ("Idempotent-Replayed", "queue of your own")), ("README.md", ("Idempotent-Replayed", "Authorization: Bearer")),
    ("docs/lifecycle.md", ("one attempt unless", "max_attempts")), ("docs/security.md", ("auth.secret", "never decoded")),
    ("docs/security.md", ("An application creates jobs", "API key"))])
def test_the_page_says_it(page, words):
    assert says(page, *words)


@pytest.fixture(scope="module")
def gateway_config():
    return {"toml": auth_toml().replace(USUAL_SECRET, SECRET) + "[jobs.types.often]\nmax_attempts = 3\n"}


KEY = bearer(API_KEY)


def test_a_secret_is_taken_as_text(gateway, job):
    gateway.create(KEY, id=job, owner="anna")
    as_text, decoded = token("anna", secret=SECRET), token("anna", secret=base64.b64decode(SECRET).decode("latin-1"))
    assert [gateway.get(f"/api/jobs/{job}/status", bearer(one)).status for one in (as_text, decoded)] == [200, 401]


def test_the_request_with_an_api_key_works_as_printed(gateway):
    line = holding(printed("security.md", "sh"), "$KEY").strip()
    line = line.replace("https://jobs.example.com", f"http://127.0.0.1:{gateway.port}").replace("$KEY", API_KEY)
    done = subprocess.run([*shlex.split(line), "--fail"], capture_output=True, text=True, timeout=30, check=True)
    assert '"status":"pending"' in done.stdout


def test_only_the_first_of_equal_requests_lacks_the_header_for_repeated_ones(gateway):
    answers = [gateway.post("/api/jobs", {"type": "export"}, {**KEY, "Idempotency-Key": "click"}) for _ in range(3)]
    assert [answer.header("Idempotent-Replayed") for answer in answers] == [None, "true", "true"]
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_a_job_has_one_attempt_unless_its_type_or_its_creation_says_more(gateway):
    made = [gateway.create(KEY, **fields)["max_attempts"] for fields in ({"type": "export"}, {"type": "often"}, {"type": "export", "max_attempts": 5})]
    assert made == [1, 3, 5]


def test_the_samples_are_in_languages_that_tests_run():
    """A sample in a language that no test runs would rot."""
    languages = {language for page in (PROJECT / "docs").glob("*.md") for language in re.findall(r"^ *```([a-z]+)$", page.read_text(), re.MULTILINE)}
    assert languages <= {"sh", "python", "php", "ruby", "js", "jsx", "html", "css", "toml", "json", "yaml"}
