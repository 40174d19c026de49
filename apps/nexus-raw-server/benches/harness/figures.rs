use std::fmt;

use serde_json::{Value, json};

/// What a figure is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

/// One thing that was measured, and what it is to be.
pub(crate) struct Figure {
    /// Of which part of the benchmark.
    pub(crate) part: String,
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    /// How far the rounds are apart, as a part of their median.
    pub(crate) spread: Option<f64>,
    pub(crate) goal: Option<Goal>,
}

impl Figure {
    pub(crate) fn is_met(&self) -> Option<bool> {
        self.goal.map(|goal| match goal {
            Goal::AtMost(most) => self.value <= most,
            Goal::AtLeast(least) => self.value >= least,
        })
    }

    pub(crate) fn json(&self) -> Value {
        let goal = self.goal.map(|goal| match goal {
            Goal::AtMost(most) => json!({"at_most": most}),
            Goal::AtLeast(least) => json!({"at_least": least}),
        });
        json!({
            "part": self.part,
            "name": self.name,
            "unit": self.unit,
            "value": self.value,
            "spread": self.spread,
            "goal": goal,
            "met": self.is_met(),
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spread = self
            .spread
            .map_or_else(String::new, |it| format!("{:.0} %", it * 100.0));
        let goal = match self.goal {
            Some(Goal::AtMost(most)) => format!("at most {most}"),
            Some(Goal::AtLeast(least)) => format!("at least {least}"),
            None => String::new(),
        };
        let met = match self.is_met() {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        };
        let line = format!(
            "{:<56} {:>10.2} {:<14} {spread:>7}  {goal:<14} {met}",
            format!("{}: {}", self.part, self.name),
            self.value,
            self.unit
        );
        out.write_str(line.trim_end())
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How far values are apart, as a part of their median.
pub(crate) fn spread(values: &[f64]) -> Option<f64> {
    let least = values.iter().copied().min_by(f64::total_cmp)?;
    let most = values.iter().copied().max_by(f64::total_cmp)?;
    let median = median(values.to_vec());
    (values.len() > 1 && median > 0.0).then_some((most - least) / median)
}
