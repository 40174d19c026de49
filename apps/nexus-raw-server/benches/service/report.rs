use std::{fmt, time::Duration};

use crate::load::Measured;

/// The rows of one number of callers.
pub(crate) struct Table {
    callers: usize,
    rows: Vec<String>,
    /// Requests a second of the floor above.
    floor: f64,
}

impl Table {
    pub(crate) fn new(callers: usize) -> Self {
        Self {
            callers,
            rows: Vec::new(),
            floor: 0.0,
        }
    }

    /// A row of the floor: the next rows are shown as fractions of it.
    pub(crate) fn floor(&mut self, name: &str, measured: &Measured) {
        self.floor = measured.per_second();
        self.row(&format!("floor: {name}"), measured);
    }

    pub(crate) fn row(&mut self, name: &str, measured: &Measured) {
        let [server, client] = measured
            .processor
            .map(|time| measured.microseconds_each(time));
        self.rows.push(format!(
            "{name:<22} {:>10.0} {:>9.3} {:>9.3} {:>9.2} {server:>10.0} {client:>10.0}",
            measured.per_second(),
            milliseconds(measured.percentile(50)),
            milliseconds(measured.percentile(99)),
            measured.per_second() / self.floor,
        ));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "callers: {}", self.callers)?;
        writeln!(
            out,
            "{:<22} {:>10} {:>9} {:>9} {:>9} {:>10} {:>10}",
            "request", "a second", "p50 ms", "p99 ms", "of floor", "server us", "client us"
        )?;
        for row in &self.rows {
            writeln!(out, "{row}")?;
        }
        Ok(())
    }
}

impl Measured {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of a few seconds are exact"
    )]
    fn count(&self) -> f64 {
        self.took.len() as f64
    }

    fn per_second(&self) -> f64 {
        self.count() / self.elapsed.as_secs_f64()
    }

    /// Of a time that all requests took together.
    fn microseconds_each(&self, all: Duration) -> f64 {
        all.as_secs_f64() * 1e6 / self.count()
    }

    fn percentile(&self, percent: usize) -> Duration {
        let at = (self.took.len() * percent).div_ceil(100);
        self.took[at.saturating_sub(1)]
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
