//! The command as a person or a script runs it, against a service and a store of canned answers.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod abort;
mod config;
mod dates;
mod embedded;
mod fact;
mod fact_faults;
mod facts;
mod feed;
mod get;
mod lineage;
mod list;
mod pending;
mod problems;
mod put;
mod put_failures;
mod put_faults;
mod put_kills;
mod put_many;
mod put_photographs;
mod put_service_faults;
mod random;
mod read;
mod readme;
mod register;
mod retries;
mod run;
mod secrets;
mod server;
mod service;
mod site;
mod stub;
mod token;
mod usage;
mod verify;
mod whoami;
