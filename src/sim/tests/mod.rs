//! Tests that need more than one file: rules, whole answers through a socket, faults.

mod calls;
mod faults;
mod ground;
mod pages;
mod refusals;
mod restore;
