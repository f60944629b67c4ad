"""The profile for other schedulers, on a stand-in for PBS: jobs as background processes."""

import json
import os
import stat
from pathlib import Path

import pytest
from conftest import config, copy_toy, finish

# As PBS does it: qsub prints an id and returns, qstat knows the state and the exit status.
QSUB = r"""#!/bin/sh
id=$(date +%s%N).pbs
for last; do :; done
printf '%s\n' "$*" >> "$PBS_DIRECTORY/requests"
(sh "$last"; echo $? > "$PBS_DIRECTORY/$id") > "$PBS_DIRECTORY/$id.out" 2>&1 &
echo "$id"
"""
QSTAT = r"""#!/bin/sh
for last; do :; done
echo "Job Id: $last"
if status=$(cat "$PBS_DIRECTORY/$last" 2>/dev/null) && [ -n "$status" ]; then
    printf '    job_state = F\n    Exit_status = %s\n' "$status"
else
    printf '    job_state = R\n'
fi
"""


@pytest.fixture
def pbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put qsub and qstat in front of the path; returns the folder where they leave traces."""
    directory = tmp_path / "pbs"
    directory.mkdir()
    for name, text in {"qsub": QSUB, "qstat": QSTAT, "qdel": "#!/bin/sh\n"}.items():
        program = directory / name
        program.write_text(text)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PBS_DIRECTORY", str(directory))
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")
    return directory


def test_profile_submits_watches_and_retries(pbs, start, tmp_path):
    toy = copy_toy(tmp_path / "toy")
    profile = ["--workflow-profile", "profiles/cluster-generic"]
    fast = ["--seconds-between-status-checks", "1"]
    values = config(steps=4, seconds_per_step=0.1, seeds=1, fail_once_at=2)
    finish(start(toy, *profile, *fast, *values), toy)

    requests = (pbs / "requests").read_text().splitlines()
    # The rule asks for 200 MB and 5 minutes times the attempt.
    assert len(requests) == 2
    assert "-l nodes=1:ppn=1,mem=200mb,walltime=00:5:00" in requests[0]
    assert "-l nodes=1:ppn=1,mem=400mb,walltime=00:10:00" in requests[1]
    assert "resumed at step 2" in (toy / "logs" / "train" / "seed0.log").read_text()
    metrics = json.loads((toy / "results" / "train" / "seed0" / "metrics.json").read_text())
    assert metrics["spec"]["steps"] == 4
