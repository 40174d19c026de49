//! What a caller lives through, told from outside: the program, HTTP, a store. The same on every
//! house; which one it is stands in the test binary's `HOUSE`.

mod behind_its_back;
mod contents;
mod cors;
mod ends_of_urls;
mod feed;
mod forgeries;
mod idempotency;
mod life;
mod main_job;
mod problems;
mod readers;
mod refusals;
mod restarts;
