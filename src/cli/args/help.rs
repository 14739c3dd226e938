//! Texts of the help that are longer than a line. A test parses every example.

pub(super) const ABOUT: &str = "\
Brings archived objects back in bulk from Alibaba Cloud OSS, Tencent COS and Amazon S3 (and what \
speaks its dialect), and proves it with a CSV.

It lists a bucket or prefix, picks the archived objects, asks for their restore at a governed rate, \
and leaves a CSV row for every key: its state, and when the readable copy lapses. Stop it at any \
moment, run the same line again, and it goes on where it was. Data goes to stdout, all else to \
stderr. Flags win over DEFROST_… variables, those over the job file, that over the defaults.

Credentials are taken from where the vendors' own tools take them: environment, profile, role of \
the machine.";

pub(super) const SHORT_EXIT_CODES: &str = "\
`defrost VERB --help` explains a verb, with examples; `defrost --help` lists the exit codes.";

pub(super) const EXIT_CODES: &str = "\
Exit codes:
    0  all as wanted; what runs already or is readable already is no failure
    1  finished, but some objects failed: the report has their rows; or the store could not be reached;
       or `diff --fail-on` found such a change, or `report` a file that its run did not write so
    2  the command line, a job file, the bucket or its region is wrong
    3  stopped by a safety limit, checkpoint saved; or a run over confirm_over was not agreed to
    4  credentials or rights
    5  nothing matched (only with --fail-empty)
    6  a wait reached its time limit, or objects restore for longer than their tier promises
    7  another run holds the job's lock, or writes its report
    8  defrost cannot read or write its own files
  130  interrupted (SIGINT), checkpoint saved: the same line goes on
  143  terminated (SIGTERM), checkpoint saved: the same line goes on

`defrost VERB --help` explains a verb at length, with examples.";

pub(super) const SCAN: &str = "\
Audit a bucket or prefix: list it and write one CSV row per object, with its state (readable, \
archived, restoring, restored, expired, unknown) and the date when a readable copy lapses. No \
restore request can be sent by this verb. By default only classes that need a restore are looked \
at; `--storage-class any` takes all.";

pub(super) const SCAN_EXAMPLES: &str = "\
Examples:
  Which objects of a prefix are archived, and which are readable until when?
    defrost scan oss://logs-archive/2024/

  Every object with every version, into a named report:
    defrost scan s3://my-bucket --versions --storage-class any --report audit.csv

  COS tells expiry dates only by HEAD; one request per archived object:
    defrost scan cos://media-1250000000/raw/ --head --report reports/cos-{date}.csv

  What lapsed, as CSV for the next program:
    defrost scan s3://my-bucket/data/ --state expired,archived --report - -q";

pub(super) const PLAN: &str = "\
Show what a restore would do, without sending one: every object is listed and classified just as a \
restore would, and its row says `planned` or why not. For a job file it shows what `defrost run` \
would do; name, state and report of the plan are kept apart from those of the job. Behind the \
objects and bytes stand the fees, line by line, and the time until all is readable, by the rate, the \
window and the budgets of the job and the quotas of the vendor. Prices come from a table, built in or \
your own (--prices); what it does not know is told as unknown.";

pub(super) const PLAN_EXAMPLES: &str = "\
Examples:
  How many objects, how many bytes?
    defrost plan oss://logs-archive/2024/ --days 7

  Would this tier be offered by every class that is there?
    defrost plan s3://my-bucket/data/ --days 7 --tier Expedited

  What would the nightly job do now?
    defrost plan jobs/nightly-oss.toml

  Keep the plan, and let the job ask for no more than that:
    defrost plan jobs/nightly-oss.toml --out plan.json
    defrost run jobs/nightly-oss.toml --plan plan.json

  The sums, for the next program:
    defrost plan s3://my-bucket/data/ --days 7 --json -q | jq .forecast.fees.sums";

pub(super) const RESTORE: &str = "\
Restore the archived objects of a bucket or prefix. Objects that are readable, being restored, or \
restored already are left alone. Each request is shaped for the class of its object. Stop it at any \
moment (once to let requests in flight come back, twice to leave at once): the same line goes on \
where it was.";

pub(super) const RESTORE_EXAMPLES: &str = "\
Examples:
  Make a prefix readable for a week:
    defrost restore oss://logs-archive/2024/ --days 7

  The cheapest tier, only Parquet, at most 50 requests a second:
    defrost restore s3://my-bucket/data/ -d 14 -t Bulk --include '*.parquet' --rate-limit 50

  Everything but temporary files; classes that allow fewer days get what they allow:
    defrost restore oss://logs-archive -d 30 --fit clamp --exclude 'tmp/**' --exclude '*.bak'

  A store that speaks S3:
    defrost restore s3://backup/2023/ -d 3 -e https://storage.example.com --path-style";

pub(super) const RUN: &str = "\
Run job files one after the other. A file with a [restore] table restores, one without audits. The \
line is safe to repeat: an interrupted run is gone on with, a finished one starts anew and asks only \
for what is archived still. Flags win over the files. The exit code is that of the job that fared \
worst.";

pub(super) const RUN_EXAMPLES: &str = "\
Examples:
  The line for cron:
    defrost run /etc/defrost/nightly-oss.toml --json-log

  Two jobs, a report each:
    defrost run jobs/nightly-oss.toml jobs/nightly-s3.toml --report 'reports/{job}-{date}.csv'

  Try the embedded store; run it three times:
    defrost run jobs/demo.toml

  See first what would be done:
    defrost run jobs/nightly-cos.toml --dry-run

  Forget an interrupted run and start over:
    defrost run jobs/nightly-cos.toml --fresh";

pub(super) const WAIT: &str = "\
Wait until what the last run of a job asked for, or found being restored, is readable. The store is \
looked at by listing only the stretches of keys where objects are open, first when their tier's usual \
time has passed, then every `poll`; HEAD is sent only where a listing does not tell. Keys that are \
readable are added to `ready_file`, each once however often the wait is interrupted or killed, and \
handed to the command `on_ready` in batches, as JSON lines on its standard input: a batch that it \
does not take (it fails, or is killed) is handed over again with the next look. How far the wait is \
stands in `wait.json` in the job's state folder. It ends with exit code 0 when all objects (or the \
share in `until`) are readable, with 1 when some of them never will be, with 6 at its time limit. It \
holds the job's lock: a run of the same job does not start meanwhile.";

pub(super) const WAIT_EXAMPLES: &str = "\
Examples:
  Ask for everything, then wait for it:
    defrost run nightly.toml
    defrost wait nightly.toml

  Until 95 in 100 are readable, for a day at most; the keys as they come:
    defrost wait nightly.toml --until ready:95% --wait-timeout 24h --ready-file ready.txt";

pub(super) const RELEASE: &str = "\
Give the readable copies of the objects that a CSV names back before they lapse, so that they cost \
nothing more: one request each, at the pace of restores. The CSV is a report, a part of one, or any \
other with a header and a column `key`; `--files-from` takes plain keys. A row says what became of each: `released`, `none` where \
there was no copy, `failed` where it is still being restored, or the store refused. It is safe to \
repeat. Only OSS has such a call; for another store the line is refused and nothing is sent.";

pub(super) const RELEASE_EXAMPLES: &str = "\
Examples:
  Give back everything that last night's job brought back:
    defrost release nightly.toml --from-csv reports/nightly.csv

  Give back what the next program has finished with:
    defrost release oss://logs-archive --from-csv done.csv --region cn-hangzhou";

pub(super) const RETRY: &str = "\
Run job files again for those objects only whose rows in the last finished report say `failed`, or in a \
report named with --from-csv. Each is looked at by HEAD and then treated as the job says; nothing is \
listed. Name, state and report of a retry are kept apart from those of the job. A second retry looks at the \
same objects, finds what the first one asked for being restored, and keeps its report under its run's id. \
Nothing failed, nothing to do: exit code 0.";

pub(super) const RETRY_EXAMPLES: &str = "\
Examples:
  After the network came back:
    defrost retry /etc/defrost/nightly-oss.toml

  Which of them would be asked for, without asking:
    defrost retry jobs/nightly-s3.toml --dry-run

  From an older report, with more patience:
    defrost retry jobs/nightly-cos.toml --from-csv reports/2026-11-20.csv --max-attempts 20";

pub(super) const REPORT: &str = "\
Look at a finished report: objects and bytes by class and state, when readable copies lapse, the \
largest folders that are archived still, what was done, and what failed with advice. What the run \
took and cost is read from the summary beside it, and whether the report is still the file that the \
run wrote is checked. With --html, all that goes into one page that loads nothing, to be mailed or \
printed. Memory does not grow with the report; any CSV with a column `key` is read, and columns that \
lack are told as lacking.";

pub(super) const REPORT_EXAMPLES: &str = "\
Examples:
  What did the night bring?
    defrost report out/demo.csv

  The same as a page, to be shown around:
    defrost report out/demo.csv --html demo.html

  How many objects failed, for the next program:
    defrost report reports/nightly.csv --json | jq .actions.failed.objects";

pub(super) const STATUS: &str = "\
Show where a job stands: whether it runs, waits, was interrupted or is finished, how far it is, and \
what its last report counted. It reads the job's own files and asks no store: it may be run beside a \
run, in another terminal. The exit code is 0 whatever it finds; scripts read `state` of --json.";

pub(super) const STATUS_EXAMPLES: &str = "\
Examples:
  A job file:
    defrost status jobs/nightly-oss.toml

  Watch a run that cron has started or is about to, until it ends:
    defrost status jobs/nightly-oss.toml --watch

  Whether one is at work, in a script:
    defrost status jobs/nightly-oss.toml --json | jq -r .state

  A run that was started by URL, in the same folder:
    defrost status oss://logs-archive/2024/";

pub(super) const DIFF: &str = "\
Compare two reports of one bucket, such as last night's and tonight's, and tell what became of each object. \
Each has one change at most:

  readable   it can be read now, and could not before
  lapsed     its copy was readable, or being made, and is gone, whether asked for again or not
  archived   it was readable for good and must be restored now: it was moved to an archive class
  restoring  its restore was asked for in between, and is not ready
  stuck      it has been restoring for longer than its tier promises, or for 72 hours from report to report
  appeared   it was not there          vanished  it is not there any more
  replaced   size or etag differ       class     storage class or access tier differ
  expiry     its copy is readable until another date
  state      any other change of state, such as from or to unknown

A copy whose expires_at lies before checked_at counts as lapsed, whatever word stands in its row. Rows are \
brought together by key and version_id, both reports in the order in which a listing writes them, in memory \
that does not grow with them. Columns are found by name, in any order; key and state must be there. Objects \
that a report leaves out (rows, a filter, another prefix) count as not there: compare reports of one job.";

pub(super) const DIFF_EXAMPLES: &str = "\
Examples:
  What did the night change?
    defrost diff reports/2026-11-20.csv reports/2026-11-21.csv

  For a script: exit code 1 if a copy lapsed or an object is gone; the rows in a file
    defrost diff old.csv new.csv --fail-on lapsed,vanished --out changes.csv

  The copies that lapsed, as figures for the next program:
    defrost diff old.csv new.csv --json | jq .changes.lapsed

  Against the bucket as it is now:
    defrost scan s3://my-bucket/data/ --report - -q | defrost diff reports/last.csv -";

pub(super) const CHECK: &str = "\
Check job files. Every fault is told at once, as FILE:LINE:COLUMN, the key, what is wrong, and the way \
out. Exit code 2 if there is one. No store is asked unless --online is given: then credentials, endpoint, \
region, clock, the rights to list, HEAD and restore, and this machine's lock, paths and disk are looked at, \
and told as a numbered list, each finding with its way out. It sends one listing, at most one HEAD, and one \
restore request for a key that is not there; nothing is restored. The exit code is the one that a run would \
end with: 0 if it could do its work (warnings are none), 4 for credentials and rights, 2 for bucket and \
region, 8 for its own files, 1 if the store does not answer.";

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  One file:
    defrost check jobs/nightly-oss.toml

  Before the first night: could it do its work?
    defrost check jobs/nightly-oss.toml --online

  Before a commit:
    defrost check jobs/nightly-oss.toml jobs/nightly-cos.toml jobs/nightly-s3.toml";

pub(super) const INIT: &str = "\
Write a commented job file, for a run every night, and show the next lines to type. On a terminal it asks a \
few questions and shows a sensible answer to each; what a flag answers is not asked. Without a terminal, or with \
--yes, defaults answer what no flag does, and only --url (and --region for OSS and COS) is needed. The file that \
it writes passes `defrost check`. A file that is there is left alone unless --force is given.";

pub(super) const INIT_EXAMPLES: &str = "\
Examples:
  Be asked:
    defrost init nightly.toml

  From a script:
    defrost init --url oss://logs-archive/2024/ --region cn-hangzhou --days 14 --tier Bulk --yes logs.toml

  A weekly audit, to stdout:
    defrost init --url s3://my-bucket/ --audit --yes -

  See defrost at work, without a cloud:
    defrost init --demo";

pub(super) const SIM_EXAMPLES: &str = "\
Examples:
  The verb explains itself:
    defrost sim --help

  A job that brings its own store needs no `sim`:
    defrost run jobs/demo.toml";

pub(super) const GUIDE: &str = "\
Show a page of the guide on stdout, or list the pages that there are. The same pages stand in the \
documentation of the crate.";

pub(super) const GUIDE_EXAMPLES: &str = "\
Examples:
  Which pages are there?
    defrost guide

  What is promised, and how is it tested?
    defrost guide promises | less

  Where is it said what stuck means?
    defrost guide --search stuck";

pub(super) const EXPLAIN: &str = "\
Explain an error code of a vendor, a word of the report (reason, state, action, flag), an HTTP status or an \
exit code of defrost: what it means, where the vendors differ, what defrost does about it, and what to do. \
Letter case does not count. Without a code all are listed.";

pub(super) const EXPLAIN_EXAMPLES: &str = "\
Examples:
  What does this column error_code say?
    defrost explain InvalidObjectState

  The run ended with 3. And now?
    defrost explain 3

  All that there is, for the next program:
    defrost explain --json | jq -r .name";

pub(super) const SCHEMA: &str = "\
Write the JSON Schema of job files to stdout. An editor that knows it (Even Better TOML, taplo, IntelliJ) \
completes keys, explains them, and marks what is wrong while you type. What contradicts each other is told by \
`defrost check`.";

pub(super) const SCHEMA_EXAMPLES: &str = "\
Examples:
  Put it beside the job files; `#:schema ./defrost.schema.json` is the first line of each:
    defrost schema > defrost.schema.json

  Every key that there is:
    defrost schema | jq -r '.properties[].properties? // empty | keys[]'";

pub(super) const MAN_EXAMPLES: &str = "\
Examples:
  Read one:
    defrost man run | man -l -

  Install them all:
    defrost man --out /usr/local/share/man/man1";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  bash, for this session and the next:
    defrost completions bash > ~/.local/share/bash-completion/completions/defrost

  zsh, into a folder that stands in $fpath:
    defrost completions zsh > ~/.zfunc/_defrost";
