"""The JSON Schema of job files against a validator written by others, and against `defrost check`.

usage: schema.py PATH_TO_DEFROST

Every job file of jobs/ and what `defrost init` writes must be valid. Then each key in turn gets values of every
kind: what `defrost check` takes the schema must take as well; and what it refuses, the schema refuses but for what
no form of a single value tells (the names below).
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import tomllib

import jsonschema

DEFROST = pathlib.Path(sys.argv[1]).resolve()
JOBS = pathlib.Path(__file__).resolve().parents[2] / "jobs"

VALUES = [
    '"x y"', '""', '"."', '"none"', '"a/b"', '"x/"', "0", "1", "-1", "366", "5000", "100_001", "1.5", "true", "false",
    "[]", '[""]', '["a", "b"]', "[7]", "2030-01-01", '"soon"', '"30"', '"0s"', '"1d12h"', '"1month"', '"10MiB"',
    '"40TBs"', '"0B"', '"-1h"', '"5%"', '"0%"', '"101%"', '"5 CNY"', '"CNY 5"', '"22:00-06:00"', '"22-06"', '"80/s"',
    '"80/m"', '"Standard"', '"ready:95%"', '"ready:"', '"{date}/{job}.csv"', '"{night}.csv"', "{ a = 1 }",
]

# Refused by `defrost check` for what a form cannot tell: which zones and files there are, what another key says,
# what a number comes to.
UNSEEN = {
    "job.time_zone", "source.archive_direct_read", "source.key_list", "source.from_csv", "source.key_list_nul",
    "source.profile", "source.url", "source.region", "source.endpoint_url", "source.start_after", "source.end_with",
    "filter.storage_class", "filter.include", "filter.exclude", "filter.max_objects", "restore.extend_when_left",
    "limits.window", "limits.outside_window", "limits.stop_after", "limits.run_bytes", "limits.daily_bytes",
    "limits.run_cost", "limits.daily_cost", "safety.max_failures", "wait.until", "wait.poll", "wait.timeout",
    "notify.time_limit", "simulator.seed", "job.prices", "job.state_dir", "source.versions",
}


def defrost(*arguments, **more):
    return subprocess.run([DEFROST, *arguments], capture_output=True, text=True, check=False, **more)


def job(table, name, value):
    line = f"{name} = {value}\n"
    source = '[[source]]\nurl = "oss://logs-archive/"\nregion = "cn-hangzhou"\n'
    if table == "source":
        own = '[[source]]\n' + (line if name == "url" else 'url = "oss://logs-archive/"\n' + line)
        return own + "[restore]\ndays = 7\n"
    if table == "restore":
        return source + "[restore]\n" + ("" if name == "days" else "days = 7\n") + line
    return source + f"[restore]\ndays = 7\n[{table}]\n{line}"


def main():
    schema = json.loads(defrost("schema").stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    with (JOBS / "defrost.schema.json").open() as there:
        assert json.load(there) == schema, "jobs/defrost.schema.json is not what `defrost schema` writes"

    files = [path for path in sorted(JOBS.glob("*.toml")) if not path.name.endswith("-seed.toml")]
    assert len(files) >= 5, files
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for number, flags in enumerate([
            ["--url", "oss://logs-archive/", "--region", "cn-hangzhou", "--days", "30", "--tier", "Bulk"],
            ["--url", "cos://media-1250000000/", "--region", "ap-guangzhou", "--daily-bytes", "2TiB"],
            ["--url", "s3://my-bucket/", "--audit"],
        ]):
            made = folder / f"made-{number}.toml"
            ran = defrost("init", *flags, "--yes", made)
            assert ran.returncode == 0, ran.stderr
            files.append(made)
        for path in files:
            faults = list(validator.iter_errors(tomllib.loads(path.read_text())))
            assert not faults, f"{path.name}: {faults[0].message}"
        print(f"  {len(files)} job files are valid")

        tried = refused = unseen = 0
        blind = []
        for table, known in schema["properties"].items():
            keys = known.get("properties") or known["oneOf"][1]["properties"]
            for name in keys:
                if name == "class":
                    continue
                for value in VALUES:
                    text = job(table, name, value)
                    path = folder / "job.toml"
                    path.write_text(text)
                    ran = defrost("check", path)
                    assert ran.returncode in (0, 2), f"{text}\n{ran.stderr}"
                    valid = validator.is_valid(tomllib.loads(text))
                    tried += 1
                    # A missing list or seed is told by another code path than a bad value.
                    if ran.returncode == 0:
                        if not valid:
                            blind.append(f"{table}.{name} = {value}: defrost takes it, the schema does not")
                    elif valid:
                        key = f"{table}.{name}"
                        unseen += 1
                        if key not in UNSEEN:
                            blind.append(f"{key} = {value}: {ran.stderr}")
                    else:
                        refused += 1
        assert not blind, "\n".join(blind)
        print(f"  {tried} values: {refused} refused by both, {unseen} told by `defrost check` alone")
        assert refused > unseen * 3, "the schema sees too little"
        for text in ["", "[[source]]\n", "[restore]\ndays = 7\n", '[[source]]\nurl = "oss://b"\nulr = 1\n', "[sauce]\n"]:
            assert not validator.is_valid(tomllib.loads(text)), text


main()
