"""`notebookd --check` and scripts/doctor: one line for each thing looked at, with what to do, and an exit code."""

import os
import subprocess

import pytest

from lib.hooks import SECRET
from lib.issuer import ORIGIN
from lib.server import BINARY, PASSED_ON, ROOT, run_binary


def settings(issuer, tmp_path, **changes):
    base = {
        "DATA_DIR": str(tmp_path / "data"),
        "CLERK_JWKS_URL": issuer.jwks_url,
        "CLERK_ISSUER": issuer.url,
        "ALLOWED_ORIGINS": ORIGIN,
        "CLERK_WEBHOOK_SIGNING_SECRET": SECRET,
    }
    merged = {**base, **changes}
    return {name: value for name, value in merged.items() if value is not None}


@pytest.fixture
def check(issuer, tmp_path):
    """Runs it; gives the exit code and the lines as (grade, subject, words)."""

    def run(issuer=issuer, **changes):
        done = run_binary("--check", **settings(issuer, tmp_path, **changes))
        *lines, summary = done.stdout.splitlines()
        parsed = []
        for line in lines:
            grade, rest = line.split(maxsplit=1)
            subject, words = rest.split(": ", 1)
            parsed.append((grade, subject, words))
        grades = [grade for grade, _, _ in parsed]
        assert set(grades) <= {"ok", "warning", "error"}, done.stdout
        errors, warnings = grades.count("error"), grades.count("warning")
        assert summary == f"{errors} errors, {warnings} warnings"
        assert done.returncode == (1 if errors else 0)
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr
        return parsed

    return run


def about(lines, subject):
    return [(grade, words) for grade, where, words in lines if where == subject]


def complaints(lines):
    return {(grade, subject) for grade, subject, _ in lines if grade != "ok"}


def test_a_sound_configuration_has_no_complaints(check, tmp_path):
    lines = check()
    assert complaints(lines) == set()
    subjects = {subject for _, subject, _ in lines}
    assert subjects >= {"settings", "ALLOWED_ORIGINS", "webhooks", "issuer"}
    assert subjects >= {
        "signing keys",
        "clock",
        "data directory",
        "disk",
        "kernels",
        "isolation",
    }
    assert not (tmp_path / "data").exists(), "it only looks"


def test_it_names_no_secret(check, issuer, tmp_path):
    given = {"CLERK_SECRET_KEY": "sk_test_very_secret", "CLERK_JWT_KEY": "no key"}
    done = run_binary("--check", **settings(issuer, tmp_path, **given))
    for secret in ("very_secret", SECRET, SECRET[6:]):
        assert secret not in done.stdout + done.stderr


WRONG = {
    "a number that is none": ({"PORT": "many"}, "error", "settings"),
    "a PEM that is none": ({"CLERK_JWT_KEY": "x"}, "error", "sign-in"),
    "no way to sign in": (
        {"CLERK_JWKS_URL": None, "CLERK_ISSUER": None},
        "error",
        "sign-in",
    ),
    "a key server that is not there": (
        {"CLERK_JWKS_URL": "http://127.0.0.1:1/jwks.json"},
        "error",
        "signing keys",
    ),
    "a publishable key that is none": (
        {"CLERK_PUBLISHABLE_KEY": "pk_test_x"},
        "error",
        "sign-in",
    ),
    "an origin with a path": (
        {"ALLOWED_ORIGINS": "https://a.example/app"},
        "error",
        "ALLOWED_ORIGINS",
    ),
    "an origin with a slash": (
        {"ALLOWED_ORIGINS": "https://a.example/"},
        "error",
        "ALLOWED_ORIGINS",
    ),
    "an origin for all": ({"ALLOWED_ORIGINS": "*"}, "error", "ALLOWED_ORIGINS"),
    "an origin without a scheme": (
        {"ALLOWED_ORIGINS": "a.example"},
        "error",
        "ALLOWED_ORIGINS",
    ),
    "an origin in upper case": (
        {"ALLOWED_ORIGINS": "https://A.example"},
        "error",
        "ALLOWED_ORIGINS",
    ),
    "an origin with the usual port": (
        {"ALLOWED_ORIGINS": "https://a.example:443"},
        "error",
        "ALLOWED_ORIGINS",
    ),
    "an origin in the clear": (
        {"ALLOWED_ORIGINS": "http://localhost.example"},
        "warning",
        "ALLOWED_ORIGINS",
    ),
    "a party that is none": (
        {"CLERK_AUTHORIZED_PARTIES": "ftp://a.example"},
        "error",
        "CLERK_AUTHORIZED_PARTIES",
    ),
    "no webhook secret": (
        {"CLERK_WEBHOOK_SIGNING_SECRET": None},
        "warning",
        "webhooks",
    ),
    "a webhook secret that is none": (
        {"CLERK_WEBHOOK_SIGNING_SECRET": f"{SECRET},whsec_?"},
        "error",
        "webhooks",
    ),
    "a secret key that is none": ({"CLERK_SECRET_KEY": "x"}, "error", "secret key"),
    "tokens without a party": (
        {"CLERK_AZP_OPTIONAL": "1"},
        "warning",
        "authorized parties",
    ),
    "an interpreter that is not there": (
        {"KERNEL_PYTHON": "/nowhere/python"},
        "error",
        "kernels",
    ),
    "an interpreter that fails": ({"KERNEL_PYTHON": "/bin/false"}, "error", "kernels"),
    "kernels that are not there": ({"KERNEL_DIR": "/nowhere"}, "error", "kernels"),
    "a directory nowhere": (
        {"DATA_DIR": "/nowhere/at/all"},
        "error",
        "data directory",
    ),
    "a directory that is a file": (
        {"DATA_DIR": "/etc/hostname"},
        "error",
        "data directory",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_it_finds(check, kind):
    changes, grade, subject = WRONG[kind]
    assert complaints(check(**changes)) == {(grade, subject)}


def test_keys_that_are_no_keys_are_found(check, own_issuer):
    for mode in ("down", "garbage", "dropped", "weak"):
        own_issuer.mode = mode
        assert complaints(check(own_issuer)) == {("error", "signing keys")}
    own_issuer.mode = "normal"
    assert complaints(check(own_issuer)) == set()


def test_one_fetch_is_enough(check, own_issuer):
    check(own_issuer)
    assert own_issuer.fetches == 1


def test_a_running_server_is_not_disturbed(check, own_server, issuer, alice):
    server = own_server(issuer)
    lines = check(DATA_DIR=str(server.data_dir))
    assert complaints(lines) == {("warning", "data directory")}
    server.api(alice.token).create()
    server.stop()
    assert complaints(check(DATA_DIR=str(server.data_dir))) == set()


def test_a_directory_that_others_can_read_is_warned_of(check, tmp_path):
    (tmp_path / "data").mkdir(mode=0o755)
    assert complaints(check()) == {("warning", "data directory")}
    assert list((tmp_path / "data").iterdir()) == []


def test_the_script_looks_at_the_machine_too(issuer, tmp_path):
    environment = {n: os.environ[n] for n in PASSED_ON if n in os.environ}
    environment |= settings(issuer, tmp_path, NOTEBOOKD=str(BINARY))

    def run(**changes):
        return subprocess.run(
            [ROOT / "scripts/doctor"],
            env={**environment, **changes},
            capture_output=True,
            text=True,
            timeout=60,
        )

    sound = run()
    assert sound.returncode == 0, sound.stdout + sound.stderr
    for subject in ("memory", "port", "settings", "kernels"):
        assert f" {subject}: " in sound.stdout
    assert run(ALLOWED_ORIGINS="*").returncode == 1
    missing = run(NOTEBOOKD="/nowhere/notebookd")
    assert missing.returncode == 1
    assert "scripts/build makes it" in missing.stdout
