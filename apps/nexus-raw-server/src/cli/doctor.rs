//! The `doctor` command.

use std::io::{self, Write};

use clap::Args;
use nexus_raw::{
    checkup::{CheckVerdict, Examined},
    text::is_invisible,
};
use nexus_raw_config::Settings;

use crate::app::{self, Failure};

#[derive(Debug, Args)]
pub(super) struct DoctorOptions {
    /// Print one JSON object per line: each check, with its verdict, what was found, and what to do.
    #[arg(long)]
    json: bool,
}

/// Returns whether an operator has to act.
pub(super) fn run(options: &DoctorOptions, settings: &Settings) -> Result<bool, Failure> {
    let all = app::examine(settings)?;
    let mut out = io::stdout().lock();
    let printed = if options.json {
        all.iter().try_for_each(|it| json(it, &mut out))
    } else {
        text(&all, &mut out)
    };
    printed.map_err(Failure::Output)?;
    Ok(all.iter().any(|it| it.verdict.asks_for_action()))
}

fn json(examined: &Examined, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, examined)?;
    writeln!(out)
}

/// The width of the longest verdict, and of the longest name of a check.
const WIDTHS: (usize, usize) = (7, 20);

fn text(all: &[Examined], out: &mut impl Write) -> io::Result<()> {
    let (verdict_width, check_width) = WIDTHS;
    for it in all {
        let verdict = it.verdict.as_str();
        let found = printable(&it.found);
        let check = it.check;
        writeln!(
            out,
            "{verdict:verdict_width$}  {check:check_width$}  {found}"
        )?;
        if let Some(mend) = &it.mend {
            let indent = verdict_width + check_width + 2;
            writeln!(out, "{:indent$}  -> {}", "", printable(mend))?;
        }
    }
    let count = |verdict| all.iter().filter(|it| it.verdict == verdict).count();
    let [faults, unknown, notes, sound] = [
        CheckVerdict::Fault,
        CheckVerdict::Unknown,
        CheckVerdict::Note,
        CheckVerdict::Sound,
    ]
    .map(count);
    writeln!(
        out,
        "faults: {faults}, unknown: {unknown}, notes: {notes}, sound: {sound}"
    )
}

/// What a store or a database says must not control the terminal.
fn printable(text: &str) -> String {
    let escaped = text.chars().map(|char| {
        if char.is_control() || is_invisible(char) {
            char.escape_default().to_string()
        } else {
            char.to_string()
        }
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_stands_below_what_was_found() {
        let all = [
            Examined::sound("clock", "agrees"),
            Examined::fault("bucket.cors", "browsers\nare refused", "`put it`"),
        ];
        let mut out = Vec::new();
        text(&all, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "sound    clock                 agrees\n\
             fault    bucket.cors           browsers\\nare refused\n\
             \x20                              -> `put it`\n\
             faults: 1, unknown: 0, notes: 0, sound: 1\n"
        );
    }
}
