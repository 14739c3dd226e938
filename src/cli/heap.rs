//! How freed memory goes back to the system.
//!
//! glibc raises its thresholds by itself once a large buffer has been freed, and keeps such buffers
//! from then on: with 256 requests in flight that is two thirds of what a scan holds. A threshold
//! that is set stays. It can be set by a call, which would be this crate's only unsafe code, or by
//! the environment, which is read before `main`.

/// The variable, and bytes at the end of a heap that may stay unused.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const TRIM_THRESHOLD: (&str, &str) = ("MALLOC_TRIM_THRESHOLD_", "1048576");
/// Who sets one of these has thought about it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OTHERS: [&str; 2] = ["MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"];

/// Starts this program once more, in its own place, with the threshold in its environment. Where
/// that is forbidden it goes on as it is: it only takes more memory.
pub(super) fn settle() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::os::unix::process::CommandExt;
        let (name, value) = TRIM_THRESHOLD;
        if OTHERS.iter().chain([&name]).any(|name| std::env::var_os(name).is_some()) {
            return;
        }
        let mut args = std::env::args_os();
        let Some(own_name) = args.next() else { return };
        // Returns only if it fails.
        let _ =
            std::process::Command::new("/proc/self/exe").arg0(own_name).args(args).env(name, value).exec();
    }
}
