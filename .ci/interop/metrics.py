"""What a run tells of its end, read by software written by others.

usage: metrics.py PATH_TO_DEFROST

The figures for Prometheus must be read by its Python client's parser, as exactly the gauges that the summary
tells of, and pass `promtool check metrics` without a word (Debian's package `prometheus`; installed if it is
not there and the packages can be had). The webhook must be verified by the library of Standard Webhooks, and
refused by it with another secret or another body. Anything else ends with exit code 1.
"""

import base64
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

from prometheus_client.parser import text_string_to_metric_families
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

DEBIAN = pathlib.Path(__file__).resolve().parents[1] / "debian"
SECRET = "whsec_" + base64.b64encode(os.urandom(32)).decode()

SEED = """
[[bucket]]
name = "told"
provider = "s3"
[bucket.generate]
count = 300
prefix = "p/"
classes = { GLACIER = 3, STANDARD = 1 }
"""

JOB = """
[[source]]
url = "s3://told/p/"
[filter]
storage_class = "any"
[restore]
days = 3
[limits]
daily_objects = 100
run_cost = "5 USD"
[report]
path = "r.csv"
metrics = "m/{job}.prom"
[notify]
webhook = "URL"
webhook_secret_env = "HOOK_SECRET"
[simulator]
seed = "seed.toml"
"""


def expect(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: got {got!r}, expected {wanted!r}")
    print(f"  {what}: {got!r}")


class Hook(http.server.BaseHTTPRequestHandler):
    came = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        Hook.came.append((dict(self.headers), body))
        # The first attempt fails, so that a repeat is verified as well.
        self.send_response(500 if len(Hook.came) == 1 else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


def check_webhook():
    expect("messages", len(Hook.came), 2)
    for headers, body in Hook.came:
        told = Webhook(SECRET).verify(body, headers)
        expect("verified by the library", told["data"]["exit_code"], 0)
        for secret, text in [("whsec_" + base64.b64encode(os.urandom(32)).decode(), body), (SECRET, body + b" ")]:
            try:
                Webhook(secret).verify(text, headers)
            except WebhookVerificationError:
                continue
            raise SystemExit("a wrong secret or body was taken")
    expect("one message, one id", len({headers["webhook-id"] for headers, _ in Hook.came}), 1)


def check_figures(folder):
    text = (folder / "m/job.prom").read_text(encoding="utf-8")
    summary = json.loads((folder / "r.summary.json").read_text(encoding="utf-8"))
    tally = summary["tally"]
    families = {family.name: family for family in text_string_to_metric_families(text)}
    expect("all are gauges with help", {(family.type, bool(family.documentation)) for family in families.values()}, {("gauge", True)})
    expect("all name their job", {sample.labels["job"] for family in families.values() for sample in family.samples}, {"job"})

    def values(name, *labels):
        return {tuple(sample.labels[label] for label in labels): sample.value for sample in families[name].samples}

    for name, field in [("objects", "objects"), ("size_bytes", "bytes")]:
        wanted = {(c, s): float(count[field]) for c, states in tally["classes"].items() for s, count in states.items()}
        expect(f"{name} by class and state", values(f"defrost_last_run_{name}", "storage_class", "state"), wanted)
    actions = {action[0]: value for action, value in values("defrost_last_run_action_objects", "action").items() if value}
    expect("actions", actions, {action: float(count["objects"]) for action, count in tally["actions"].items()})
    requests = {kind[0]: value for kind, value in values("defrost_last_run_requests", "kind").items()}
    expect("requests", requests, {kind: float(summary["requests"][kind]) for kind in ("list", "head", "restore")})
    fees = {currency[0]: value for currency, value in values("defrost_last_run_fees", "currency").items()}
    expect("fees", fees, {fee["currency"]: float(fee["amount"]) for fee in summary["fees"]["sums"]})
    expect("spent today", values("defrost_budget_spent_objects", "scope")["day",], float(summary["spending"]["day"][1]["objects"]))
    expect("allowed a day", values("defrost_budget_limit_objects", "scope"), {("day",): 100.0})
    expect("success", values("defrost_last_run_success"), {(): 1.0})
    expect("duration", values("defrost_last_run_duration_seconds"), {(): summary["elapsed_seconds"]})
    return text


def check_promtool(text):
    if shutil.which("promtool") is None:
        subprocess.run([DEBIAN, "promtool=prometheus"], check=False)
    if shutil.which("promtool") is None:
        print("  promtool cannot be had here: left out")
        return
    told = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)
    expect("promtool check metrics", (told.returncode, told.stdout + told.stderr), (0, ""))


def main(defrost):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "seed.toml").write_text(SEED, encoding="utf-8")
        url = f"http://127.0.0.1:{server.server_port}/hook"
        (folder / "job.toml").write_text(JOB.replace("URL", url), encoding="utf-8")
        environment = {"HOOK_SECRET": SECRET, "HOME": name, "DEFROST_NO_METADATA": "1"}
        ran = subprocess.run([defrost, "run", "job.toml", "-q"], cwd=folder, env=environment, capture_output=True, text=True, check=False)
        expect("run", (ran.returncode, "warning" in ran.stderr), (0, False))
        check_webhook()
        text = check_figures(folder)
        check_promtool(text)


if __name__ == "__main__":
    main(str(pathlib.Path(sys.argv[1]).resolve()))
