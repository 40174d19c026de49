use std::panic::{self, PanicHookInfo};

use slog::Logger;

/// Installs a panic hook that logs each panic as one record.
pub(super) fn install(log: Logger) {
    panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        let place = info.location().map(ToString::to_string);
        slog::error!(log, "task panicked"; "place" => place, "panic" => info.payload_as_str());
    }));
}
