"""Reports in every form, opened by software written by others: each must tell what the CSV tells.

usage: formats.py PATH_TO_DEFROST

Runs the demo job once with all forms, and once more with each form as the report itself (over the
rows of the one before as a list), and reads every file with DuckDB and with pandas (with pyarrow for
Parquet, with zstandard for .zst). Types, counts of rows, their order and every field are held against the CSV as Python's csv
module reads it. Anything else ends with exit code 1.
"""

import csv
import datetime
import gzip
import hashlib
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import duckdb
import pandas
import pyarrow.parquet
import zstandard

FORMS = ["csv.gz", "csv.zst", "jsonl", "jsonl.gz", "jsonl.zst", "parquet"]
SWITCHES = {"is_latest"}
NUMBERS = {"size", "days", "http_status", "attempts"}
TIMES = {"last_modified", "expires_at", "checked_at"}
ROWS = 20_000


def expect(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: got {got!r}, expected {wanted!r}")


def moment(text):
    return datetime.datetime.fromisoformat(text)


def typed(column, field):
    """What a field of the CSV is worth."""
    if field == "":
        return None
    if column in SWITCHES:
        return {"true": True, "false": False}[field]
    if column in NUMBERS:
        return int(field)
    if column in TIMES:
        return moment(field)
    return field


def compare(who, path, found, wanted):
    """Holds rows, as lists of values, against those of the CSV, one by one and in order."""
    expect(f"{who}, {path.name}: rows", len(found), len(wanted))
    for number, (one, other) in enumerate(zip(found, wanted), 1):
        if one != other:
            raise SystemExit(f"{who}, {path.name}, row {number}: got {one!r}, expected {other!r}")
    print(f"  {who:<8} {path.name}: {len(found)} rows, every field")


def plain(column, value):
    """A value of pandas, DuckDB or JSON as `typed` has it."""
    if value is None or value is pandas.NaT or value is pandas.NA or (isinstance(value, float) and value != value):
        return None
    if column in TIMES:
        value = moment(value) if isinstance(value, str) else value
        value = value.to_pydatetime() if isinstance(value, pandas.Timestamp) else value
        return value.astimezone(datetime.timezone.utc)
    if column in NUMBERS:
        return int(value)
    if column in SWITCHES:
        return bool(value)
    return value


def with_duckdb(path, columns):
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = true")
    name = str(path).replace("'", "''")
    if path.name.endswith(".parquet"):
        table = db.sql(f"SELECT * FROM read_parquet('{name}')")
        wanted = {"is_latest": "BOOLEAN", "size": "BIGINT", "days": "INTEGER", "http_status": "INTEGER", "attempts": "INTEGER"}
        for column, kind in zip(table.columns, table.types):
            right = "TIMESTAMP WITH TIME ZONE" if column in TIMES else wanted.get(column, "VARCHAR")
            expect(f"DuckDB, {path.name}, type of {column}", str(kind), right)
    elif ".jsonl" in path.name:
        table = db.sql(f"SELECT * FROM read_json('{name}', format = 'newline_delimited', sample_size = -1)")
        kinds = dict(zip(table.columns, map(str, table.types)))
        expect(f"DuckDB, {path.name}, type of is_latest", kinds["is_latest"], "BOOLEAN")
        for column in NUMBERS:
            # JSON that is nothing but null in a column has no type there.
            expect(f"DuckDB, {path.name}, type of {column}", kinds[column] in {"BIGINT", '"NULL"'}, True)
    else:
        # As it is by default, but that fields of nothing but digits stay text.
        text = ", ".join(f"'{column}': 'VARCHAR'" for column in columns if column not in NUMBERS | SWITCHES | TIMES)
        table = db.sql(f"SELECT * FROM read_csv('{name}', types = {{{text}}}, sample_size = -1)")
    expect(f"DuckDB, {path.name}: columns", table.columns, columns)
    return [[plain(column, value) for column, value in zip(columns, row)] for row in table.fetchall()]


def with_pandas(path, columns):
    if path.name.endswith(".parquet"):
        frame = pandas.read_parquet(path, dtype_backend="pyarrow")
    elif ".jsonl" in path.name:
        frame = pandas.read_json(path, lines=True, dtype=False)
    else:
        frame = pandas.read_csv(path, dtype=str, keep_default_na=False)
    expect(f"pandas, {path.name}: columns", list(frame.columns), columns)
    if path.suffix in {".csv", ".gz", ".zst"} and ".csv" in path.name:
        return [[typed(column, value) for column, value in zip(columns, row)] for row in frame.itertuples(index=False)]
    frame = frame.astype(object)
    return [[plain(column, value) for column, value in zip(columns, row)] for row in frame.itertuples(index=False)]


def unpacked(path):
    """The bytes of a file, by the readers of one member and of one frame."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".zst":
        # One frame holds all: whoever stops behind the first one has read everything.
        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(path.read_bytes()), read_across_frames=False).read()
    return path.read_bytes()


def check_parquet(path, columns, summary):
    file = pyarrow.parquet.ParquetFile(path)
    expect("pyarrow: columns", file.schema_arrow.names, columns)
    for column in TIMES:
        expect(f"pyarrow: type of {column}", str(file.schema_arrow.field(column).type), "timestamp[ms, tz=UTC]")
    about = {key.decode(): value.decode() for key, value in file.metadata.metadata.items()}
    expect("the run's id in the file", about["defrost.run_id"], summary["run_id"])
    expect("the job's name in the file", about["defrost.job"], summary["job"])
    for group in range(file.num_row_groups):
        expect("packing", {file.metadata.row_group(group).column(at).compression for at in range(len(columns))}, {"ZSTD"})


def check(path, columns, wanted, text):
    compare("DuckDB", path, with_duckdb(path, columns), wanted)
    compare("pandas", path, with_pandas(path, columns), wanted)
    if ".csv" in path.name:
        expect(f"{path.name}: what is packed in it", unpacked(path) == text, True)
    if ".jsonl" in path.name:
        lines = [json.loads(line) for line in unpacked(path).decode().splitlines()]
        expect(f"{path.name}: columns", {tuple(line) for line in lines}, {tuple(columns)})
        compare("json", path, [[plain(column, line[column]) for column in columns] for line in lines], wanted)


def main(defrost):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="formats-"))
    try:
        shutil.copytree("jobs", folder / "jobs", ignore=shutil.ignore_patterns(".defrost"))

        def run(*line):
            subprocess.run([defrost, *line], cwd=folder, check=True, stderr=subprocess.DEVNULL)

        run("run", "jobs/demo.toml", "--report", "out/all.csv", "--also", ",".join(FORMS))
        text = (folder / "out/all.csv").read_bytes()
        rows = list(csv.reader(io.StringIO(text.decode(), newline="")))
        columns = rows.pop(0)
        wanted = [[typed(column, field) for column, field in zip(columns, row)] for row in rows]
        expect("rows of the CSV", len(wanted), ROWS)
        summary = json.loads((folder / "out/all.summary.json").read_text())
        for said in summary["also"]:
            digest = hashlib.sha256((folder / "out" / said["file"]).read_bytes()).hexdigest()
            expect(f"SHA-256 of {said['file']}", digest, said["sha256"])
        for form in FORMS:
            check(folder / "out" / f"all.{form}", columns, wanted, text)
        check_parquet(folder / "out/all.parquet", columns, summary)

        # A report in that form alone: the list of the next one, whose rows name the same objects in the same order.
        names = [(row[1], row[2]) for row in wanted]
        before = "out/all.csv"
        for form in FORMS:
            report = f"out/own.{form}"
            run("run", "jobs/demo.toml", "--dry-run", "--from-csv", before, "--report", report, "--fresh", "--head-rate-limit", "100000")
            expect(f"{report}: nothing else is there", (folder / (report + ".partial")).exists(), False)
            found = with_duckdb(folder / report, columns)
            expect(f"{report}: objects and their order", [(row[1], row[2]) for row in found], names)
            before = report
    finally:
        shutil.rmtree(folder)


main(*sys.argv[1:])
