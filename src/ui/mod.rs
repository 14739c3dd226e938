//! Events to people.
