use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value, json};

use crate::{
    cases::{CASES, Case, Measure},
    figures::{Figure, median, spread},
    house::Mode,
    load::Measured,
};

/// One measurement of one request, in one round.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) rate: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Processor time of a request in microseconds: of the server, the database and the callers.
    pub(crate) server: f64,
    pub(crate) database: Option<f64>,
    pub(crate) callers: f64,
    /// What the server occupied at the end, in KiB.
    pub(crate) resident: u64,
}

/// What the rounds of one mode have shown.
pub(crate) struct Report {
    pub(crate) mode: Mode,
    samples: BTreeMap<String, Vec<Sample>>,
    /// In the order of the first round.
    names: Vec<String>,
}

impl Report {
    pub(crate) fn new(mode: Mode) -> Self {
        Self {
            mode,
            samples: BTreeMap::new(),
            names: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, name: &str, sample: Sample) {
        if !self.names.iter().any(|it| it == name) {
            self.names.push(name.to_owned());
        }
        self.samples
            .entry(name.to_owned())
            .or_default()
            .push(sample);
    }

    pub(crate) fn table(&self) -> String {
        let mut out = format!(
            "{}, 64 connections (lists and events 8, batches 4), medians of {} rounds\n\
             {:<30} {:>9} {:>8} {:>8} {:>9} {:>7} {:>7} {:>7} {:>8} {:>7}\n",
            self.mode.name(),
            self.samples.values().map(Vec::len).max().unwrap_or(0),
            "request",
            "a second",
            "p50 ms",
            "p99 ms",
            "server us",
            "floors",
            "of rate",
            "db us",
            "client us",
            "RSS MiB",
        );
        for name in &self.names {
            let of = |value: &dyn Fn(&Sample) -> f64| self.median(name, value);
            let case = case(name);
            let compared = |measure| {
                case.and_then(|case| self.values(case, measure))
                    .map_or_else(String::new, |values| format!("{:.2}", median(values)))
            };
            let database = self.samples[name][0].database.map(|_| {
                let value = of(&|it| it.database.unwrap_or_default());
                format!("{value:.1}")
            });
            #[expect(clippy::cast_precision_loss, reason = "a memory is below 2^53")]
            let resident = of(&|it| it.resident as f64) / 1024.0;
            let _ = writeln!(
                out,
                "{name:<30} {:>9.0} {:>8.3} {:>8.3} {:>9.1} {:>7} {:>7} {:>7} {:>8.1} {resident:>7.0}",
                of(&|it| it.rate),
                of(&|it| it.p50),
                of(&|it| it.p99),
                of(&|it| it.server),
                compared(Measure::Floors),
                compared(Measure::OfFloor),
                database.unwrap_or_default(),
                of(&|it| it.callers),
            );
        }
        out
    }

    /// What is compared with a goal.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let mut figures = Vec::new();
        for case in CASES {
            for &(mode, measure, goal) in case.goals {
                if mode != self.mode {
                    continue;
                }
                let Some(values) = self.values(case, measure) else {
                    continue;
                };
                figures.push(Figure {
                    part: mode.name().to_owned(),
                    name: case.name.to_owned(),
                    unit: measure.unit(),
                    spread: spread(&values),
                    value: median(values),
                    goal: Some(goal),
                });
            }
        }
        figures
    }

    /// Every sample of every round.
    pub(crate) fn json(&self) -> Value {
        let rows = self.names.iter().map(|name| {
            let samples = self.samples[name].iter().map(|it| {
                json!({
                    "per_second": it.rate,
                    "p50_ms": it.p50,
                    "p99_ms": it.p99,
                    "server_us": it.server,
                    "database_us": it.database,
                    "client_us": it.callers,
                    "resident_kib": it.resident,
                })
            });
            let floors = case(name).and_then(|case| self.values(case, Measure::Floors));
            json!({
                "request": name,
                "floors": floors.map(median),
                "server_us_spread": spread(&self.of(name, &|it| it.server)),
                "rounds": samples.collect::<Vec<_>>(),
            })
        });
        json!({"mode": self.mode.name(), "requests": rows.collect::<Vec<_>>()})
    }

    /// Of each round, since the machine is not the same in all.
    fn values(&self, case: &Case, measure: Measure) -> Option<Vec<f64>> {
        let samples = self.samples.get(case.name)?;
        let of = |value: &dyn Fn(&Sample) -> f64| Some(samples.iter().map(value).collect());
        let against = |other: &str, value: &dyn Fn(&Sample) -> f64| {
            let others = self.samples.get(other)?;
            let pairs = samples.iter().zip(others);
            Some(pairs.map(|(it, other)| value(it) / value(other)).collect())
        };
        match measure {
            Measure::Floors => against(case.floor, &|it| it.server),
            Measure::OfFloor => against(case.floor, &|it| it.rate),
            Measure::OfFastApi => against(&format!("FastAPI: {}", case.name), &|it| it.rate),
            Measure::P99 => of(&|it| it.p99),
            Measure::Rate => of(&|it| it.rate),
        }
    }

    fn of(&self, name: &str, value: &dyn Fn(&Sample) -> f64) -> Vec<f64> {
        self.samples[name].iter().map(value).collect()
    }

    fn median(&self, name: &str, value: &dyn Fn(&Sample) -> f64) -> f64 {
        median(self.of(name, value))
    }
}

fn case(name: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.name == name)
}

impl Measure {
    fn unit(self) -> &'static str {
        match self {
            Self::Floors => "floors",
            Self::OfFloor => "of the rate",
            Self::OfFastApi => "of FastAPI's",
            Self::P99 => "ms, p99",
            Self::Rate => "a second",
        }
    }
}

impl Measured {
    /// Of requests that have so many items each.
    #[expect(clippy::cast_precision_loss, reason = "counts of seconds are exact")]
    pub(crate) fn sample(&self, items: usize, resident: u64) -> Sample {
        let count = (self.took.len() * items) as f64;
        let each = |time: std::time::Duration| time.as_secs_f64() * 1e6 / count;
        Sample {
            rate: count / self.elapsed.as_secs_f64(),
            p50: self.percentile(50),
            p99: self.percentile(99),
            server: self.processor.first().copied().map_or(0.0, each),
            database: self.processor.get(1).copied().map(each),
            callers: each(self.callers),
            resident,
        }
    }

    /// In milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "hours of nanoseconds are exact")]
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let at = (self.took.len() * percent).div_ceil(100);
        self.took[at.saturating_sub(1)] as f64 / 1e6
    }
}
