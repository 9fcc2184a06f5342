"""200 runs of the crash test; scripts/chaos does thousands, and repeats a run by its seed and number."""
import os
import shutil
import tempfile

from chaos import STEPS, VICTIMS, plan_of, run_many

SEED = os.environ.get("JOBCAST_CHAOS_SEED", "1")
RUNS = 200


def test_every_job_has_one_outcome_whatever_is_killed():
    folder = tempfile.mkdtemp(prefix="jobcast-chaos-")
    try:
        kills, outcomes, told = run_many(f"{folder}/w", SEED, 0, RUNS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"killed {kills}, outcomes {outcomes}, told by {told} webhooks")
    assert all(kills[victim] > RUNS / 4 for victim in VICTIMS)
    assert outcomes.get("done", 0) > RUNS / 2, "most jobs survive it"


def test_the_runs_meet_every_kill_at_every_step():
    met = {(step, victim) for number in range(RUNS) for step, victims in plan_of(SEED, number).items() for victim in victims}
    assert met == {(step, victim) for step in STEPS for victim in VICTIMS}
