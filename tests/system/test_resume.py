"""A sample of tests/soak/resume.py, which proves that nothing is lost or told twice; `scripts/soak resume` runs more."""

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "soak"))

import resume  # noqa: E402

ROUNDS = 24


def test_nothing_is_lost_however_clients_and_the_server_end():
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    counts = resume.main(ROUNDS, seed)
    print(counts)
    assert counts["cuts"] >= ROUNDS // 2
    assert counts["bytes"] > 100_000
