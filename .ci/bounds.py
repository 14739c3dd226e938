"""Peak resident memory of two runs against `defrost sim`, held against what the guide promises.

usage: bounds.py PATH_TO_DEFROST

A listing of a million keys at 64 requests in flight, whose report is written in three further forms, a
restore of 100,000 archived objects at 256 in flight, the difference of two reports of a million rows each,
and the page of one. Each child's VmHWM, the kernel's own high-water mark, is read from /proc until the child ends (what
it takes in its last thousandth of a second may stay unseen); a peak above its bound, a wrong exit code
or a wrong number of rows ends with exit code 1.
"""

import collections
import csv
import functools
import pathlib
import subprocess
import sys
import tempfile
import time

MIB = 1024
# The child's memory is looked at this often, in seconds. The page of the smaller report is made in 40 ms, and takes the
# most at its end.
EVERY = 0.001
# A run that takes longer hangs, in seconds. Both take some ten of them.
LONGEST = 300

# The keys of the built-in simulator, which are printed in its help.
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "defrost-sim", "AWS_SECRET_ACCESS_KEY": "not-a-secret", "DEFROST_NO_METADATA": "1"}

# What is run, its bound in MiB, objects in the bucket, arguments, and what each row must say.
RUNS = [
    ("list, 64 in flight", 64, 1_000_000, ["scan", "--storage-class", "any", "--list-concurrency", "64", "--also", "parquet,csv.zst,jsonl.gz"], ("archived", "none")),
    ("restore, 256 in flight", 96, 100_000, ["restore", "--days", "3", "--rate-limit", "100000", "-c", "256"], ("restoring", "requested")),
]

# Rows of each of the two reports that are compared, and the bound in MiB.
COMPARED, DIFF_BOUND = 1_000_000, 24

# Rows of the two reports that are looked at, the bound in MiB, and by what part of the smaller one's peak
# the larger one may exceed it. Each page is made LOOKS times and the highest peak counts, since
# one look may miss it.
LOOKED_AT, AUDIT_BOUND, AUDIT_GROWTH, LOOKS = (100_000, 1_000_000), 64, 0.1, 5


def peak(pid):
    """The most memory that the process has had so far, in KiB; none if it has given all of it back."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) if lines else None


def watched(command, folder):
    """Runs `command` and returns its peak in KiB and the seconds that it took."""
    began, most = time.monotonic(), 0
    with open(folder / "stderr", "w+", encoding="utf-8") as stderr:
        environment = ENVIRONMENT | {"HOME": str(folder)}
        child = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=stderr)
        try:
            while child.poll() is None:
                most = max(most, peak(child.pid) or 0)
                if time.monotonic() - began > LONGEST:
                    raise SystemExit(f"{command[1]} took longer than {LONGEST} s")
                time.sleep(EVERY)
        finally:
            child.kill()
            child.wait()
        if child.returncode != 0:
            stderr.seek(0)
            raise SystemExit(f"{command[1]} ended with {child.returncode}:\n{stderr.read()}")
    return most, time.monotonic() - began


def measure(defrost, run, folder):
    what, bound, objects, arguments, wanted = run
    line = [defrost, "sim", "--keys", str(objects), "--provider", "s3", "--class", "GLACIER", "--addr", "127.0.0.1:0"]
    simulator = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT | {"HOME": str(folder)}, cwd=folder)
    try:
        said = simulator.stdout.readline().strip()
        url = said.removeprefix("listening on ")
        if url == said:
            raise SystemExit(f"the simulator said {said!r}")
        report = folder / "report.csv"
        place = ["s3://rehearsal/", "--endpoint-url", url, "--region", "us-east-1", "--report", str(report), "-qq"]
        most, seconds = watched([defrost, arguments[0], *place, "--list-rate-limit", "100000", *arguments[1:]], folder)
    finally:
        simulator.kill()
        simulator.wait()
    with open(report, newline="", encoding="utf-8") as file:
        rows = collections.Counter((row["state"], row["action"]) for row in csv.DictReader(file))
    if rows != {wanted: objects}:
        raise SystemExit(f"{what}: expected {objects} rows {wanted}, got {dict(rows)}")
    if most == 0:
        raise SystemExit(f"{what}: no figure was read")
    return what, objects, most / MIB, bound, seconds


def report(path, rows, moved):
    """A report of `rows` rows; with `moved` every third is restored, every seventh gone, every eleventh new."""
    with open(path, "w", encoding="utf-8") as out:
        out.write("bucket,key,version_id,storage_class,size,etag,state,expires_at,checked_at,key_encoding,flags\n")
        for n in range(rows):
            if moved and n % 7 == 0:
                continue
            state, until = ("restored", "2026-12-01T00:00:00Z") if moved and n % 3 == 0 else ("archived", "")
            tail = f"rehearsal,folder-{n // 1000:05}/object-{n:09}"
            rest = f"GLACIER,{n},etag-{n},{state},{until},2026-11-2{1 + moved}T01:00:00Z,,\n"
            out.write(f"{tail},,{rest}")
            if moved and n % 11 == 0:
                out.write(f"{tail}+,,{rest}")


def compare(defrost, folder):
    report(folder / "old.csv", COMPARED, 0)
    report(folder / "new.csv", COMPARED, 1)
    out = folder / "changes.csv"
    most, seconds = watched([defrost, "diff", "old.csv", "new.csv", "--out", str(out), "--json"], folder)
    with open(out, newline="", encoding="utf-8") as file:
        rows = collections.Counter(row["change"] for row in csv.DictReader(file))
    there = [n for n in range(COMPARED) if n % 7]
    wanted = {"vanished": COMPARED - len(there), "readable": sum(n % 3 == 0 for n in there), "appeared": sum(n % 11 == 0 for n in there)}
    if rows != wanted:
        raise SystemExit(f"the difference: expected {wanted}, got {dict(rows)}")
    return "difference of two reports", 2 * COMPARED, most / MIB, DIFF_BOUND, seconds


def look(defrost, folder):
    """The page of a report of ten times the rows, all in folders of their own, takes no more memory."""
    peaks = []
    for rows in LOOKED_AT:
        with open(folder / "report.csv", "w", encoding="utf-8") as out:
            out.write("bucket,key,size,storage_class,state,expires_at,action,error_code,checked_at\n")
            for n in range(rows):
                until = f"2026-12-{1 + n % 28:02}T00:00:00Z" if n % 3 == 0 else ""
                state = "restored" if until else "archived"
                done = "failed,AccessDenied" if n % 20 == 1 else "none,"
                key = f"logs/{n // 10_000:05}/{n // 10:09}/object-{n:09}"
                out.write(f"rehearsal,{key},{n},GLACIER,{state},{until},{done},2026-11-21T01:00:00Z\n")
        ran = [watched([defrost, "report", "report.csv", "--html", "page.html"], folder) for _ in range(LOOKS)]
        most, seconds = max(ran)
        peaks.append(most)
        page = (folder / "page.html").read_text(encoding="utf-8")
        if f"{rows:,}" not in page:
            raise SystemExit(f"the page of {rows} rows does not tell so")
    if peaks[1] > peaks[0] * (1 + AUDIT_GROWTH):
        raise SystemExit(f"the page of a longer report takes more memory: {peaks[0]} KiB, then {peaks[1]} KiB")
    return "page of a report", LOOKED_AT[1], peaks[1] / MIB, AUDIT_BOUND, seconds


def main(defrost):
    if not pathlib.Path("/proc/self/status").exists():
        raise SystemExit("this machine has no /proc: memory cannot be measured here")
    defrost = str(pathlib.Path(defrost).resolve())
    print(f"| {'what':<25} | {'rows':>9} | {'peak MiB':>8} | {'bound':>5} | {'seconds':>7} |")
    print(f"| {'-' * 25} | {'-' * 8}: | {'-' * 7}: | {'-' * 4}: | {'-' * 6}: |")
    over = []
    measured = [functools.partial(measure, defrost, run) for run in RUNS] + [functools.partial(one, defrost) for one in (compare, look)]
    for one in measured:
        with tempfile.TemporaryDirectory() as folder:
            what, rows, most, bound, seconds = one(pathlib.Path(folder))
        print(f"| {what:<25} | {rows:>9,} | {most:>8.1f} | {bound:>5} | {seconds:>7.1f} |", flush=True)
        if most > bound:
            over.append(what)
    if over:
        raise SystemExit(f"more memory than promised: {', '.join(over)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
