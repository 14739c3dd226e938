//! The lines of pages that no test here runs, and who does.

/// Who runs a line that is not run here.
#[derive(Clone, Copy, Debug)]
pub(super) enum By {
    /// `.ci/run`, which has this text in it.
    Ci(&'static str),
    /// Nobody: it takes what no test has.
    Nobody,
}

/// Lines of `sh` blocks that are not run here, each with the reason and with who runs it otherwise.
pub(super) const NOT_RUN: &[(&str, &str, By)] = &[
    (
        "cargo install --path . --locked",
        "takes minutes and the folder of cargo",
        By::Ci("cargo install --path . --locked"),
    ),
    (".ci/package/static", "builds anew for another target", By::Ci(".ci/package/static")),
    (".ci/package/deb", "takes a release build and tools of Debian", By::Ci(".ci/package/deb")),
    (
        "sudo install -m 644 jobs/defrost.service jobs/defrost.timer /etc/systemd/system/",
        "changes the machine; systemd's own tools look at the files",
        By::Ci(".ci/interop/deploy.py"),
    ),
    (
        "sudo systemctl enable --now defrost.timer",
        "needs systemd; its own tools look at the files",
        By::Ci(".ci/interop/deploy.py"),
    ),
    (
        "kubectl create configmap defrost-jobs --from-file=jobs/nightly-oss.toml",
        "needs a cluster",
        By::Nobody,
    ),
    (
        "kubectl apply -f jobs/cronjob.yaml",
        "needs a cluster; the file is held against its schemas",
        By::Ci(".ci/interop/deploy.py"),
    ),
    ("cargo test", "is what runs this test", By::Ci("eval \"$test_command\"")),
    (
        "DEFROST_KILLS=1000 cargo test --test it kill:: -- --nocapture",
        "takes minutes; `cargo test` runs fewer kills",
        By::Nobody,
    ),
    ("cargo test --test it hostile -- --nocapture", "is a part of `cargo test`", By::Nobody),
    (
        "DEFROST_FUZZ_SECONDS=60 cargo test --test it fuzz -- --nocapture",
        "takes a minute; `cargo test` runs seconds of it",
        By::Nobody,
    ),
    ("cargo bench", "takes ten minutes; a short one is run", By::Ci("DEFROST_BENCH_SHORT=1 cargo bench")),
    (
        "cargo bench -- memory",
        "takes minutes; a short one is run",
        By::Ci("DEFROST_BENCH_SHORT=1 cargo bench"),
    ),
    (
        "cargo bench -- pages memory",
        "takes minutes; a short one is run",
        By::Ci("DEFROST_BENCH_SHORT=1 cargo bench"),
    ),
    ("DEFROST_BENCH_SHORT=1 cargo bench", "takes a minute", By::Ci("DEFROST_BENCH_SHORT=1 cargo bench")),
    (
        "DEFROST_BENCH_LONG=1 cargo bench -- latency memory resume",
        "takes an hour and 40 GB of disk",
        By::Nobody,
    ),
    (
        "python3 .ci/bounds.py target/release/defrost",
        "needs a release build",
        By::Ci("python3 .ci/bounds.py \"$defrost\""),
    ),
];
