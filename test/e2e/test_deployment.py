"""What `cmake --install` puts on a host: the unit, its drop-in for root, the account, the directories, the example configuration."""
import os
import pwd
import re
import subprocess

import pytest

from harness import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix") / "usr"
    subprocess.run(["cmake", "--install", os.path.join(ROOT, "build"), "--prefix", str(prefix)], check=True, capture_output=True)
    return prefix


def verify(directory, unit):
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(directory / unit)], capture_output=True, text=True, check=False,
                          env={**os.environ, "SYSTEMD_UNIT_PATH": f"{directory}:"})
    # known from systemd 254 on; older ones say so and go on
    complaints = [line for line in done.stderr.splitlines() if unit in line and "Unknown key 'DelegateSubgroup'" not in line]
    return done.returncode, complaints


def test_systemd_understands_the_unit_and_its_drop_in(installed, tmp_path):
    text = (installed / "lib/systemd/system/rcq-executor.service").read_text()
    program = re.search(r"^ExecStart=(\S+)", text, re.M).group(1)
    assert os.path.isabs(program) and program.endswith("/bin/rcq-executor")
    unit = tmp_path / "rcq-executor.service"
    unit.write_text(text.replace(program, str(installed / "bin/rcq-executor")))
    assert verify(tmp_path, unit.name) == (0, [])
    drop_in = tmp_path / "rcq-executor.service.d"
    drop_in.mkdir()
    (drop_in / "root.conf").write_text((installed / "share/rcq/root.conf").read_text())
    assert verify(tmp_path, unit.name) == (0, [])
    # that the drop-in is read, and that a mistake would be seen
    (drop_in / "root.conf").write_text("[Service]\nCapabilityBoundingSet=CAP_NO_SUCH\n")
    unit.write_text(text.replace(program, "/no/such/program"))
    code, complaints = verify(tmp_path, unit.name)
    assert code != 0 and any("is not executable" in line for line in complaints)


def test_stopping_the_unit_leaves_the_supervisors_of_its_runs_alone(installed):
    unit = (installed / "lib/systemd/system/rcq-executor.service").read_text()
    settings = dict(line.split("=", 1) for line in unit.splitlines() if re.match(r"^[A-Z]\w+=", line))
    assert settings["KillMode"] == "process" and settings["KillSignal"] == "SIGUSR1"
    assert settings["Delegate"] == "yes" and settings["OOMPolicy"] == "continue" and settings["TasksMax"] == "infinity"
    assert "PrivateTmp" not in settings and "NoNewPrivileges" not in settings, "jobs would notice"


def test_the_account_and_the_directories_are_made(installed, tmp_path):
    for kind in ("sysusers.d", "tmpfiles.d"):
        (tmp_path / "usr/lib" / kind).mkdir(parents=True)
        (tmp_path / "usr/lib" / kind / "rcq-executor.conf").write_text((installed / "lib" / kind / "rcq-executor.conf").read_text())
    (tmp_path / "etc").mkdir()
    dry = subprocess.run(["systemd-sysusers", "--dry-run", f"--root={tmp_path}"], check=True, capture_output=True, text=True)
    assert "Creating user 'rcq-executor'" in dry.stderr
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}"], check=True, capture_output=True)
    subprocess.run(["systemd-tmpfiles", f"--root={tmp_path}", "--create"], check=True, capture_output=True)
    (entry,) = [line.split(":") for line in (tmp_path / "etc/passwd").read_text().splitlines() if line.startswith("rcq-executor:")]
    assert entry[6] == "/usr/sbin/nologin"
    state, configuration = os.stat(tmp_path / "var/lib/rcq-executor"), os.stat(tmp_path / "etc/rcq")
    assert (state.st_uid, state.st_mode & 0o7777) == (int(entry[2]), 0o711)
    assert (configuration.st_uid, configuration.st_mode & 0o7777) == (0, 0o755)


def options_named(installed):
    text = subprocess.run([installed / "bin/rcq-executor", "--help"], check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"^  --([a-z-]+)", text, re.M)) - {"version", "check", "status", "config"}


def check(installed, configuration):
    return subprocess.run([installed / "bin/rcq-executor", "--config", str(configuration), "--check"], capture_output=True, text=True,
                          check=False, timeout=120)


def test_the_example_configuration_is_read(installed, tmp_path):
    example = (installed / "share/rcq/executor.conf").read_text()
    # on this host: its own directories, a database that refuses at once, and users that jobs may run as
    tried = (example.replace("host=db1,db2", "host=127.0.0.1 port=1").replace("/var/lib/rcq-executor", str(tmp_path / "state"))
             + f'\nallow-users = ["{pwd.getpwnam("nobody").pw_name}"]\n')
    configuration = tmp_path / "executor.conf"
    configuration.write_text(tried)
    configuration.chmod(0o644)
    done = check(installed, configuration)
    assert done.returncode == 5, done.stderr
    assert "no connection to the database" in done.stderr
    assert f'"state_dir": "{tmp_path}/state"' in done.stdout
    assert not (tmp_path / "state").exists()


def test_what_the_example_leaves_to_choice_are_options(installed, tmp_path):
    names = options_named(installed)
    assert len(names) > 30
    example = (installed / "share/rcq/executor.conf").read_text()
    offered = re.findall(r"^# ([a-z-]+) = (.*?)(?:\s+#.*)?$", example, re.M)
    assert len(offered) >= 8
    for name, value in offered:
        assert name in names, f"there is no option {name}"
        configuration = tmp_path / f"{name}.conf"
        configuration.write_text(f'{name} = {value}\n')
        done = check(installed, configuration)
        assert "executor.conf:" not in done.stderr and "no option" not in done.stderr and ".conf:1:" not in done.stderr, done.stderr


def test_every_option_is_in_the_reference(installed):
    with open(os.path.join(ROOT, "docs/reference/executor.md"), encoding="utf-8") as page:
        documented = set(re.findall(r"`--([a-z-]+)", page.read()))
    assert options_named(installed) - documented == set()
