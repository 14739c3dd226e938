//! Layer 3: the composition root. One file a verb; what they share stands beside them.
//!
//! | file | |
//! | --- | --- |
//! | `args` | the command line as typed |
//! | `scan`, `plan`, `restore`, `run`, `wait`, `release`, `status`, `report`, `diff`, `check`, `simulate`, `guide`, `explain`, `init`, `schema`, `man` | one verb each |
//! | `campaign` | one job from its first request to its exit code |
//! | `preflight` | `check --online`: whether a run could do its work |
//! | `told` | who else is told of the end of a run: figures, a webhook, a command |
//! | `confirm` | the question before a run that is larger than the job lets pass |
//! | `connect`, `rehearsal` | from a job to a store that can be asked; the embedded simulator |
//! | `load` | job files and URLs to jobs |
//! | `context`, `signals` | what every verb is given |
//! | `cores`, `heap`, `sockets` | no core dumps; freed memory goes back; as many connections as the system allows |
//! | `exit` | exit codes, and errors with their way out |

mod apart;
pub mod args;
mod campaign;
mod check;
mod confirm;
mod connect;
mod context;
mod cores;
mod diff;
mod exit;
mod explain;
mod guide;
mod heap;
mod init;
mod load;
mod man;
mod plan;
mod preflight;
mod rehearsal;
mod release;
mod report;
mod restore;
mod retry;
mod run;
mod scan;
mod schema;
mod signals;
mod simulate;
mod sockets;
mod status;
mod told;
mod wait;

use std::ffi::OsString;
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Arc;

use args::{Cli, ColorWhen, Command, GlobalFlags};
use context::Context;
use exit::{Exit, Failure};
use signals::Signals;

use crate::store::credentials::Environment;
use crate::ui::{Look, Sink};

/// Connections with news that are seen to at a time, for each processor. The runtime takes the next ones when nothing
/// else is to be done: else a moment in which the machine is busy ends with a whole page of each request in our
/// memory, read before anybody works on the first. Until then pages wait with the system.
const EVENTS: usize = 4;

/// What to do when not even the runtime comes up.
const NO_RUNTIME: &str = "this machine starts no more threads or opens no more files for this user: see `ulimit -u` \
                          and `ulimit -n`";

/// Runs the command line `args`, the program's name first, and says how it ended.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    heap::settle();
    cores::forbid();
    sockets::open_up();
    let args: Vec<OsString> = args.into_iter().collect();
    let line: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let json = args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json-log");
    let cli = match Cli::read(args) {
        Ok(cli) => cli,
        Err(told) if json && told.use_stderr() => {
            let failure = exit::of_line(&told);
            failure.tell(Look { json, ..Look::default() }, &Sink::stderr());
            return failure.exit.into();
        }
        Err(told) => {
            // Help goes to stdout, a usage fault to stderr. A reader that is gone needs neither.
            let _ = told.print();
            return u8::try_from(told.exit_code()).map_or(Exit::Usage.into(), ExitCode::from);
        }
    };
    let look = look(&cli.global);
    let sink = Sink::stderr();
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_io_events_per_tick(processors * EVENTS)
        .build()
        .map_err(|e| Failure::new(Exit::OwnFiles, e, NO_RUNTIME))
        .and_then(|runtime| {
            let ended = runtime.block_on(dispatch(cli.verb, look, sink.clone(), line));
            // What is under way still (a name being looked up, at worst for minutes) is not waited for:
            // all that counts is on disk.
            runtime.shutdown_background();
            ended
        });
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.tell(look, &sink);
            failure.exit.into()
        }
    }
}

fn look(flags: &GlobalFlags) -> Look {
    let color = flags.color();
    let look = Look::of_stderr(flags.verbosity(), flags.json_log, color != ColorWhen::Never);
    if color == ColorWhen::Always { Look { color: true, ..look } } else { look }
}

/// Does `work`, which reads for as long as there is something to read, until a signal comes. What it has
/// begun to write stands under another name then, and is written over the next time.
async fn reading(
    context: &Arc<Context>,
    work: impl FnOnce(&Context) -> Result<Exit, Failure> + Send + 'static,
) -> Result<Exit, Failure> {
    let given = Arc::clone(context);
    let worked = context.signals.unless_raised(move || work(&given)).await;
    worked.unwrap_or_else(|| Ok(context.signals.exit()))
}

async fn dispatch(verb: Command, look: Look, sink: Sink, line: Vec<String>) -> Result<Exit, Failure> {
    let signals = Signals::listen()
        .map_err(|e| Failure::new(Exit::OwnFiles, e, "the system refuses to hand signals over"))?;
    let context = Arc::new(Context {
        env: Environment::of_process(),
        look,
        sink,
        signals,
        line,
        told_strangers: false.into(),
    });
    match verb {
        Command::Scan(args) => scan::run(&args, &context).await,
        Command::Plan(args) => plan::run(&args, &context).await,
        Command::Restore(args) => restore::run(&args, &context).await,
        Command::Run(args) => run::run(&args, &context).await,
        Command::Wait(args) => wait::run(&args, &context).await,
        Command::Release(args) => release::run(&args, &context).await,
        Command::Retry(args) => retry::run(&args, &context).await,
        Command::Status(args) => status::run(&args, &context).await,
        Command::Report(args) => reading(&context, move |context| report::run(&args, context)).await,
        Command::Diff(args) => reading(&context, move |context| diff::run(&args, context)).await,
        Command::Check(args) => check::run(&args, &context).await,
        Command::Sim(args) => {
            let stop = context.signals.stop().clone();
            simulate::run(args, async move {
                stop.beyond(crate::pipeline::Step::Go).await;
            })
            .await
            .map_err(simulate::failure)?;
            Ok(Exit::Done)
        }
        Command::Guide(args) => guide::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Init(args) => init::run(&args, &context).await,
        Command::Schema => schema::run(),
        Command::Man(args) => man::run(&args),
        Command::Completions(args) => {
            let mut script = Vec::new();
            // Writing to memory cannot fail.
            let _ = args.write(&mut script);
            out(&script)?;
            Ok(Exit::Done)
        }
    }
}

/// Writes data to stdout. A reader that is gone has seen enough, which is no fault: nothing is lost
/// that the same line does not show again.
///
/// # Errors
/// If stdout cannot be written.
fn out(text: &[u8]) -> Result<(), Failure> {
    use anyhow::Context as _;
    use std::io::Write as _;
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other
            .context("cannot write to stdout")
            .map_err(|e| Failure::new(Exit::OwnFiles, e, "make room there, or send stdout elsewhere")),
    }
}
