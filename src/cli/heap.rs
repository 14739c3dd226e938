//! How much freed memory this process keeps.
//!
//! glibc by itself keeps most: after the first large buffer has been freed all of that size are kept,
//! scattered over a heap for each thread. With 256 requests in flight that is more than half of what
//! a scan holds, and it grows for as long as the scan goes on. One heap, from whose end much is given
//! back, holds what is used and little else, and costs no more. It can be had by calls, which would be
//! this crate's only unsafe code, or by the environment, which is read before `main`.

/// Variables, each with its value: one heap; bytes from which on a buffer comes from the system and
/// goes back there, which is slow but for the largest; bytes that the end of the heap may keep.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const WISHES: [(&str, &str); 3] =
    [("MALLOC_ARENA_MAX", "1"), ("MALLOC_MMAP_THRESHOLD_", "65536"), ("MALLOC_TRIM_THRESHOLD_", "262144")];
/// Who sets this, or any of those above, has thought about it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const TUNABLES: &str = "GLIBC_TUNABLES";

/// Starts this program once more, in its own place, with these wishes in its environment. Where that
/// is forbidden it goes on as it is: it only takes more memory.
pub(super) fn settle() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::os::unix::process::CommandExt;
        let is_set = |name: &str| std::env::var_os(name).is_some();
        if is_set(TUNABLES) || WISHES.iter().any(|(name, _)| is_set(name)) {
            return;
        }
        let mut args = std::env::args_os();
        let Some(own_name) = args.next() else { return };
        // Returns only if it fails.
        let _ = std::process::Command::new("/proc/self/exe").arg0(own_name).args(args).envs(WISHES).exec();
    }
}
