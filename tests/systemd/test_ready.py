"""When install.sh takes the service for ready, and what it says: with a systemctl that answers what the test wrote."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "systemd"

GOOD = {
    "ActiveState": "active",
    "SubState": "running",
    "NRestarts": "0",
    "MainPID": "42",
    "StatusText": "watching webcam",
}

SYSTEMCTL = """#!/bin/sh
# systemctl show --property=NAME --value UNIT: the answer is in the unit's file of that name, a line for each question,
# the last one for ever. `list-units` shows the units that the file `running` names; `restart` notes what it restarts.
case $1 in
    list-units) sed 's/$/ loaded active running/' "$STATES/running" 2>/dev/null; exit ;;
    restart) shift 2; [ $# -gt 0 ] || exit 1; echo "$*" >"$STATES/restarted"; exit ;;
    reset-failed) exit ;;
esac
for word; do case $word in --property=*) name=${word#*=} ;; *.service) unit=$word ;; esac; done
file=$STATES/$unit.$name
head -n 1 "$file"
[ "$(wc -l <"$file")" -le 1 ] || sed -i 1d "$file"
"""


class Machine:
    """A folder with enabled units, and a systemctl that tells of them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        (root / "bin").mkdir()
        for name, script in (("systemctl", SYSTEMCTL), ("sleep", "#!/bin/sh\n")):
            (root / "bin" / name).write_text(script)
            (root / "bin" / name).chmod(0o755)

    def unit(self, name: str, **answers: str | list[str]) -> None:
        wanted = self._wanted(name)
        wanted.parent.mkdir(parents=True, exist_ok=True)
        wanted.symlink_to(f"/etc/systemd/system/{name}")
        for key, answer in {**GOOD, **answers}.items():
            lines = [answer] if isinstance(answer, str) else answer
            (self._root / f"{name}.{key}").write_text("".join(f"{line}\n" for line in lines))

    def disable(self, name: str) -> None:
        self._wanted(name).unlink()

    def _wanted(self, name: str) -> Path:
        return self._root / f"etc/systemd/system/multi-user.target.wants/{name}"

    def do(self, command: str) -> subprocess.CompletedProcess[str]:
        settings = f"root={self._root} opt={self._root}/opt start=yes"
        script = f'{settings}; say() {{ echo "$@"; }}; . {FOLDER}/service.sh; {command}'
        environment = {"PATH": f"{self._root}/bin:/usr/bin:/bin", "STATES": str(self._root)}
        return subprocess.run(["sh", "-eu", "-c", script], capture_output=True, text=True, check=False, env=environment)

    def ready(self, were: str = "") -> bool:
        """Return whether install.sh takes the units for ready, after what `conditions` said of them before."""
        return self.do(f"wait_until_ready '{were}'").returncode == 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_unit_that_runs_is_ready_also_one_that_took_its_time(machine: Machine) -> None:
    machine.unit("emotion-edge.service", ActiveState=[*["activating"] * 5, "active"])
    assert machine.ready()


def test_one_that_failed_or_starts_again_and_again_is_not(tmp_path: Path) -> None:
    again = {"NRestarts": "2", "SubState": "auto-restart"}
    for number, answers in enumerate(({"ActiveState": "failed"}, again, {"ActiveState": "activating"})):
        folder = tmp_path / str(number)
        folder.mkdir()
        machine = Machine(folder)
        machine.unit("emotion-edge.service", **answers)
        assert not machine.ready(), answers


def test_one_that_starts_again_is_given_up_when_its_process_has_ended_and_its_last_lines_are_whole(
    machine: Machine, tmp_path: Path
) -> None:
    states = ["start", "start", "auto-restart"]
    machine.unit("emotion-edge.service", ActiveState="activating", NRestarts="3", SubState=states)
    assert not machine.ready()
    assert (tmp_path / "emotion-edge.service.SubState").read_text() == "auto-restart\n"


def test_one_that_runs_for_a_moment_only_is_not(machine: Machine) -> None:
    machine.unit("emotion-edge.service", MainPID=[str(number) for number in range(100, 200)])
    assert not machine.ready()


def test_an_upgrade_that_loses_the_camera_is_not_ready_but_where_none_was_it_is(machine: Machine) -> None:
    machine.unit("emotion-edge.service", StatusText="without a camera: no camera found")
    assert machine.do("condition emotion-edge.service").stdout == "up\n"
    assert machine.ready("emotion-edge.service up")
    assert not machine.ready("emotion-edge.service watching")


def test_every_enabled_unit_counts(machine: Machine) -> None:
    machine.unit("emotion-edge.service")
    machine.unit("emotion-edge@front.service", ActiveState="failed")
    assert machine.do("enabled_units").stdout == "emotion-edge.service\nemotion-edge@front.service\n"
    assert not machine.ready()


WERE = "emotion-edge@back.service {}\nemotion-edge@front.service watching"
TURNED_OFF = "detection was turned off"


def test_a_camera_is_asked_of_the_unit_alone_that_had_one(machine: Machine) -> None:
    machine.unit("emotion-edge@front.service")
    machine.unit("emotion-edge@back.service", StatusText=TURNED_OFF)
    assert machine.do("conditions").stdout.strip() == WERE.format("up")
    assert machine.ready(WERE.format("up"))


def test_a_unit_that_was_down_holds_nothing_up_unless_all_were(machine: Machine) -> None:
    machine.unit("emotion-edge@front.service")
    machine.unit("emotion-edge@back.service", ActiveState="failed")
    assert machine.do("conditions").stdout.strip() == WERE.format("down")
    assert machine.ready(WERE.format("down"))
    assert not machine.ready(WERE.format("up"))
    assert not machine.ready("emotion-edge@front.service watching")  # the other is new
    assert not machine.ready(WERE.format("down").replace("watching", "down"))


GO_BACK = 'switch_to() { :; }; report() { say "$1"; }; point current new; point previous old; go_back'


@pytest.fixture
def versions(tmp_path: Path) -> None:
    for version in ("old", "new"):
        (tmp_path / "opt" / version).mkdir(parents=True)
    (tmp_path / "opt/old/.complete").touch()


@pytest.mark.usefixtures("versions")
@pytest.mark.parametrize(("back", "said"), [("failed", "runs again"), ("active", "does not run")])
def test_a_rollback_too_asks_of_each_unit_only_what_it_was(machine: Machine, *, back: str, said: str) -> None:
    machine.unit("emotion-edge@front.service", StatusText=["watching webcam", TURNED_OFF])
    machine.unit("emotion-edge@back.service", ActiveState=[back, "failed"])
    assert f"emotion-edge old {said}." in machine.do(GO_BACK).stdout


@pytest.mark.usefixtures("versions")
def test_a_rollback_where_nothing_is_enabled_switches_and_starts_nothing(machine: Machine, tmp_path: Path) -> None:
    done = machine.do(GO_BACK)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["going back from new to old", "switched; nothing is enabled"]
    assert not (tmp_path / "restarted").exists()


@pytest.mark.usefixtures("versions")
def test_a_rollback_restarts_also_what_runs_without_being_enabled(machine: Machine, tmp_path: Path) -> None:
    machine.unit("emotion-edge@front.service")
    machine.unit("emotion-edge@back.service")
    machine.disable("emotion-edge@back.service")
    (tmp_path / "running").write_text("emotion-edge@back.service\nemotion-edge@front.service\n")
    assert "emotion-edge old runs again." in machine.do(GO_BACK).stdout
    assert (tmp_path / "restarted").read_text() == "emotion-edge@back.service emotion-edge@front.service\n"


EMOTION_EDGE = """#!/bin/sh
case $1 in
    config) echo 'device = "kitchen"' ;;
    watch) exec /bin/sleep 60 ;;
esac
"""

SLEEP = """#!/bin/sh
# A second passes: in some, what 'watch' would print then is printed.
echo >>"$STATES/seconds"
seconds=$(wc -l <"$STATES/seconds")
[ "$seconds" -ne {connected} ] || echo '{{"topic": "availability", "payload": "online"}}' >>"$STATES/events"
[ "$seconds" -ne {event} ] || echo '{{"type": "appeared", "captured_at": "2026", "emotion": "sad"}}' >>"$STATES/events"
"""


@pytest.mark.parametrize(
    ("connected", "event", "found", "seconds"),
    [
        (1, 3, "appeared, sad, at 2026", 3),
        (15, 22, "appeared, sad, at 2026", 22),  # a small Pi starts 'watch' slowly
        (15, 26, "", 24),
        (99, 99, "", 30),
    ],
)
def test_the_first_event_has_ten_seconds_from_when_watch_is_connected(
    machine: Machine, tmp_path: Path, *, connected: int, event: int, found: str, seconds: int
) -> None:
    program = tmp_path / "opt/current/bin/emotion-edge"
    program.parent.mkdir(parents=True)
    sleep = SLEEP.format(connected=connected, event=event)
    for path, script in (
        (program, EMOTION_EDGE),
        (tmp_path / "bin/sleep", sleep),
    ):
        path.write_text(script)
        path.chmod(0o755)
    done = machine.do(f"work={tmp_path} config=none; first_event")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, found, "")
    assert len((tmp_path / "seconds").read_text()) == seconds
