//! The `events` command.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use nexus_raw::{
    ports::{KeptEvent, ParkedFilter, SinkName},
    tenancy::{Environment, TenantId},
};
use nexus_raw_config::Settings;
use serde_json::json;

use crate::app::{self, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum EventsCommand {
    /// List parked events and why their sinks refused them.
    Parked {
        #[command(flatten)]
        which: Which,
        /// Print one JSON object per line.
        #[arg(long)]
        json: bool,
        /// Maximum number of events.
        #[arg(long, value_name = "N", default_value_t = 1000)]
        limit: u32,
    },
    /// Mark parked events for a retry by the running servers; with SQLite, by the next start.
    Retry {
        #[command(flatten)]
        which: Which,
    },
}

/// A filter of parked events; all by default.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Only of this sink: log, nats or http.
    #[arg(long, value_name = "NAME")]
    sink: Option<SinkName>,
    /// Only of this tenant.
    #[arg(long, value_name = "TENANT_ID")]
    tenant: Option<TenantId>,
    /// Only of this environment.
    #[arg(long, value_name = "ENV")]
    env: Option<Environment>,
    /// Only with this sequence in its tenant and environment.
    #[arg(long, value_name = "N")]
    sequence: Option<u64>,
}

impl From<Which> for ParkedFilter {
    fn from(which: Which) -> Self {
        Self {
            sink: which.sink,
            tenant: which.tenant,
            environment: which.env,
            sequence: which.sequence,
        }
    }
}

pub(super) fn run(command: EventsCommand, settings: &Settings) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = match command {
        EventsCommand::Parked { which, json, limit } => {
            let kept = app::parked(settings, &which.into(), limit)?;
            if json {
                write_lines(&mut out, &kept)
            } else {
                write_table(&mut out, &kept)
            }
        }
        EventsCommand::Retry { which } => {
            let marked = app::retry(settings, &which.into())?;
            let events = if marked == 1 { "event" } else { "events" };
            writeln!(out, "{marked} parked {events} will be sent again")
        }
    };
    written.map_err(Failure::Output)
}

fn write_lines(out: &mut impl Write, kept: &[KeptEvent]) -> io::Result<()> {
    for KeptEvent {
        sink,
        parked,
        retry_asked,
    } in kept
    {
        let line = json!({
            "sink": sink,
            "tenant_id": parked.scope.tenant,
            "env": parked.scope.environment,
            "sequence": parked.sequence,
            "parked_at": parked.parked_at,
            "reason": parked.reason,
            "retry_asked": retry_asked,
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn write_table(out: &mut impl Write, kept: &[KeptEvent]) -> io::Result<()> {
    if kept.is_empty() {
        return writeln!(out, "no event is parked");
    }
    let heads = ["SINK", "TENANT", "ENV", "SEQUENCE", "PARKED AT", "REASON"];
    let rows: Vec<[String; 6]> = kept.iter().map(row).collect();
    let widths: Vec<usize> = (0..heads.len() - 1)
        .map(|at| {
            let cells = rows.iter().map(|row| row[at].chars().count());
            cells.max().unwrap_or(0).max(heads[at].len())
        })
        .collect();
    for row in std::iter::once(heads.map(str::to_owned)).chain(rows) {
        for (cell, width) in row.iter().zip(&widths) {
            write!(out, "{cell:width$}  ")?;
        }
        writeln!(out, "{}", row[heads.len() - 1])?;
    }
    Ok(())
}

fn row(kept: &KeptEvent) -> [String; 6] {
    let parked = &kept.parked;
    // text from a receiver must not control the terminal
    let mut reason = parked.reason.escape_debug().to_string();
    if kept.retry_asked {
        reason += " (to be sent again)";
    }
    [
        kept.sink.to_string(),
        parked.scope.tenant.to_string(),
        parked.scope.environment.to_string(),
        parked.sequence.to_string(),
        parked.parked_at.to_string(),
        reason,
    ]
}

#[cfg(test)]
mod tests {
    use nexus_raw::{ports::ParkedEvent, tenancy::Scope, time::Timestamp};

    use super::*;

    fn kept(sequence: u64, retry_asked: bool) -> KeptEvent {
        KeptEvent {
            sink: SinkName::new("http"),
            parked: ParkedEvent {
                scope: Scope {
                    tenant: TenantId::parse("t_demo").unwrap(),
                    environment: Environment::parse("dev").unwrap(),
                },
                sequence,
                reason: "the receiver said \u{1b}[31mno".to_owned(),
                parked_at: Timestamp::from_micros(1_795_482_000_000_000).unwrap(),
            },
            retry_asked,
        }
    }

    fn written(
        write: impl Fn(&mut Vec<u8>, &[KeptEvent]) -> io::Result<()>,
        kept: &[KeptEvent],
    ) -> String {
        let mut out = Vec::new();
        write(&mut out, kept).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_person_gets_a_table_whose_reasons_do_not_steer_the_terminal() {
        assert_eq!(
            written(write_table, &[kept(7, false), kept(1200, true)]),
            "SINK  TENANT  ENV  SEQUENCE  PARKED AT             REASON\n\
             http  t_demo  dev  7         2026-11-24T01:00:00Z  the receiver said \\u{1b}[31mno\n\
             http  t_demo  dev  1200      2026-11-24T01:00:00Z  the receiver said \\u{1b}[31mno \
             (to be sent again)\n"
        );
        assert_eq!(written(write_table, &[]), "no event is parked\n");
    }

    #[test]
    fn a_machine_gets_one_object_a_line() {
        assert_eq!(
            written(write_lines, &[kept(7, false)]),
            "{\"env\":\"dev\",\"parked_at\":\"2026-11-24T01:00:00Z\",\"reason\":\"the receiver said \
             \\u001b[31mno\",\"retry_asked\":false,\"sequence\":7,\"sink\":\"http\",\"tenant_id\":\"t_demo\"}\n"
        );
    }
}
