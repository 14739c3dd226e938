"""The examples of jobs/ for cron, systemd and Kubernetes, looked at by software written by others.

usage: deploy.py PATH_TO_DEFROST

cron: times by croniter, each command started by /bin/sh as cron does, in its environment alone. systemd: `verify`,
and an exposure of `security` that is called OK. Kubernetes: the schemas of a recent release by kubernetes-validate.
Manual pages by mandoc and man; completions by the shells themselves. What is missing is installed; what cannot be
had here is told and passed over, unless CI is set.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import croniter
import kubernetes_validate
import yaml

DEFROST = pathlib.Path(sys.argv[1]).resolve()
JOBS = pathlib.Path(__file__).resolve().parents[2] / "jobs"
VERSION = "1.33"
# A program and its package, each.
PROGRAMS = ["systemd-analyze=systemd", "mandoc=mandoc", "man=man-db", "zsh=zsh", "fish=fish"]
# `systemd-analyze security`: 0 is all locked, 10 is all open; it calls this OK.
MOST_EXPOSED = 2.0


def have(program):
    if shutil.which(program):
        return True
    if os.environ.get("CI"):
        raise SystemExit(f"{program} is not installed")
    print(f"  {program} is not installed: passed over")
    return False


def run(*command, **more):
    ran = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if ran.returncode != 0:
        raise SystemExit(f"{command}: {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return ran.stdout + ran.stderr


def cron(folder):
    environment, entries = {}, []
    for line in (JOBS / "cron.example").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if setting := re.fullmatch(r"([A-Z_]+)\s*=\s*(.*)", line):
            environment[setting[1]] = setting[2]
            continue
        *times, user, command = line.split(None, 6)
        assert croniter.croniter.is_valid(" ".join(times)), line
        assert user == "defrost" and not re.search(r"(?<!\\)%", command), line
        entries.append(command)
    assert len(entries) == 3 and "MAILTO" in environment, entries
    assert all(part.startswith("/") for part in environment["PATH"].split(":"))
    # The commands as pasted, but for where things lie.
    place = folder / "bin"
    place.mkdir()
    (place / "defrost").symlink_to(DEFROST)
    environment["PATH"] = f"{place}:{environment['PATH']}"
    environment["DEFROST_STATE_DIR"] = str(folder / "state")
    environment["DEFROST_REPORT"] = str(folder / "reports/{date}/{job}.csv")
    environment |= {"HOME": str(folder), "DEFROST_NO_METADATA": "1"}
    for command in entries:
        here = command.replace("/etc/defrost/", f"{JOBS}/")
        ran = subprocess.run([environment["SHELL"], "-c", here], env=environment, capture_output=True, text=True)
        # A check is fine; a run stops at the credentials that there are none of.
        wanted = 0 if " check " in here else 1
        assert ran.returncode == wanted, f"{here}: {ran.returncode}\n{ran.stderr}"
        assert wanted == 0 or "no credentials" in ran.stderr, ran.stderr
    print(f"  cron: {len(entries)} lines")


def systemd(folder):
    if not have("systemd-analyze"):
        return
    for name in ("defrost.service", "defrost.timer"):
        text = (JOBS / name).read_text().replace("/usr/bin/defrost", str(DEFROST))
        (folder / name).write_text(text)
    told = run("systemd-analyze", "verify", "--man=no", folder / "defrost.service", folder / "defrost.timer")
    ours = [line for line in told.splitlines() if "defrost" in line]
    assert not ours, "\n".join(ours)
    told = run("systemd-analyze", "security", "--no-pager", "--offline=true", folder / "defrost.service")
    exposure = float(re.search(r"exposure level for defrost.service: ([\d.]+)", told)[1])
    assert exposure <= MOST_EXPOSED, f"exposure {exposure}\n{told}"
    times = run("systemd-analyze", "calendar", re.search("OnCalendar=(.*)", (folder / "defrost.timer").read_text())[1])
    assert "Next elapse" in times, times
    unit = (folder / "defrost.service").read_text()
    stop = int(re.search(r"TimeoutStopSec=(\d+)", unit)[1])
    assert stop > 8, "requests in flight have eight seconds, then the checkpoint is written"
    print(f"  systemd: exposure {exposure}")


def kubernetes():
    kinds = []
    for document in yaml.safe_load_all((JOBS / "cronjob.yaml").read_text()):
        kubernetes_validate.validate(document, VERSION, strict=True)
        kinds.append(document["kind"])
        if document["kind"] != "CronJob":
            continue
        spec = document["spec"]
        assert croniter.croniter.is_valid(spec["schedule"]) and spec["concurrencyPolicy"] == "Forbid"
        pod = spec["jobTemplate"]["spec"]["template"]["spec"]
        container = pod["containers"][0]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}
        run(DEFROST, *container["args"][:1], "--help")
    assert kinds == ["ServiceAccount", "PersistentVolumeClaim", "CronJob"], kinds
    print(f"  Kubernetes {VERSION}: {', '.join(kinds)}")


def manuals(folder):
    pages = folder / "man1"
    run(DEFROST, "man", "--out", pages)
    names = sorted(page.name for page in pages.iterdir())
    verbs = re.findall(r"^  ([a-z]+)  ", run(DEFROST, "--help"), re.MULTILINE)
    missing = [verb for verb in verbs if verb != "help" and f"defrost-{verb}.1" not in names]
    assert not missing and len(names) > 10, missing
    if have("mandoc"):
        run("mandoc", "-T", "lint", "-W", "error", *(pages / name for name in names))
    if have("man"):
        for name in names:
            told = subprocess.run(
                ["man", "--warnings", "-l", pages / name], capture_output=True, text=True, env={**os.environ, "MANWIDTH": "100"}
            )
            assert told.returncode == 0 and not told.stderr, f"{name}: {told.stderr}"
    print(f"  {len(names)} manual pages")


def completions(folder):
    done = []
    for shell, lines in {
        "bash": "source '{0}'; complete -p defrost",
        "zsh": "autoload -U compinit; compinit -u -d '{1}/dump'; source '{0}'; whence -w _defrost",
        "fish": "source '{0}'; complete -C 'defrost expl'",
    }.items():
        script = folder / f"defrost.{shell}"
        script.write_text(subprocess.run([DEFROST, "completions", shell], capture_output=True, text=True, check=True).stdout)
        if have(shell):
            told = run(shell, "-c", lines.format(script, folder), env={**os.environ, "HOME": str(folder)})
            assert "defrost" in told or "explain" in told, told
            done.append(shell)
    for shell in ("powershell", "elvish"):
        assert len(run(DEFROST, "completions", shell)) > 1000
    print(f"  completions loaded by {', '.join(done)}")


subprocess.run([JOBS.parent / ".ci/debian", *PROGRAMS], check=False)
with tempfile.TemporaryDirectory() as place:
    place = pathlib.Path(place)
    cron(place)
    systemd(place)
    kubernetes()
    manuals(place)
    completions(place)
