//! What the service logs of its own failures. No answer tells their causes.

use std::sync::{Arc, Mutex};

use slog::{Drain, Level, Logger, Never, OwnedKVList, Record, o};
use slog_json::Json;

/// The last failure that was logged, as a line of JSON; empty if none was.
#[derive(Debug, Clone, Default)]
pub(super) struct LastFailure(Arc<Mutex<String>>);

impl LastFailure {
    pub(super) fn logger(&self) -> Logger {
        Logger::root(self.clone(), o!())
    }

    pub(super) fn line(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl Drain for LastFailure {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), Never> {
        if record.level() == Level::Error {
            let mut line = Vec::new();
            Json::default(&mut line).log(record, values).unwrap();
            *self.0.lock().unwrap() = String::from_utf8(line).unwrap();
        }
        Ok(())
    }
}
