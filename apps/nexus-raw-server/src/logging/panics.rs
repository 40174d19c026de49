use std::panic::{self, PanicHookInfo};

use slog::Logger;

/// Has each panic be one record instead of lines of its own on standard error.
pub(super) fn tell(log: Logger) {
    panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        let place = info.location().map(ToString::to_string);
        slog::error!(log, "task panicked"; "place" => place, "panic" => info.payload_as_str());
    }));
}
