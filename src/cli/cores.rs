//! Nothing of this process's memory, where the keys are, is written to disk by the system.

/// Forbids core dumps, and with them that other processes of the same user look into the memory.
/// Where the system does not know such a wish, or refuses it, there is nothing better to do than to
/// go on: a dump is a mishap, not a door.
pub(super) fn forbid() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let none = Rlimit { current: Some(0), maximum: getrlimit(Resource::Core).maximum };
        let _ = setrlimit(Resource::Core, none);
    }
    // The limit does not hold where dumps are piped to a program, as systemd has it: core(5).
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
