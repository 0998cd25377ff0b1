//! `pelton` as a process, with real functions: what whoever starts it, stops it, kills it or asks it sees.
//!
//! Each test has folders, ports and processes of its own. None of them asserts how long anything takes.

mod away;
mod beside;
mod bisecting;
mod catching_up;
mod chaos;
mod choosing;
mod code;
mod crash;
mod demo;
mod dev;
mod dev_changes;
mod elsewhere;
mod failing;
mod faults;
mod features;
mod filter;
mod filter_criteria;
mod get;
mod giving_up;
mod infra;
mod init;
mod invoke;
mod metrics;
mod page_views;
mod partial_failures;
mod powertools;
mod printing;
mod readme;
mod records;
mod refused_surroundings;
mod refused_templates;
mod regions;
mod rewinding;
mod samconfig;
mod side_by_side;
mod staying_local;
mod stopping;
mod stuck;
mod stuck_batch;
mod tables;
mod too_large;
mod windows;
