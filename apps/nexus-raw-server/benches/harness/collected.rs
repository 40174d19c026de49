use super::figures::{Figure, Goal, median, spread};

/// Values of one figure, one of each round.
struct Values {
    name: String,
    unit: &'static str,
    goal: Option<Goal>,
    rounds: Vec<f64>,
}

/// Figures in the order in which they come.
pub(crate) struct Collected {
    part: &'static str,
    all: Vec<Values>,
}

impl Collected {
    pub(crate) fn of(part: &'static str) -> Self {
        let all = Vec::new();
        Self { part, all }
    }

    pub(crate) fn add(&mut self, name: &str, unit: &'static str, goal: Option<Goal>, value: f64) {
        let mut known = self.all.iter_mut();
        let known = known.find(|it| it.name == name && it.unit == unit);
        match known {
            Some(known) => known.rounds.push(value),
            None => self.all.push(Values {
                name: name.to_owned(),
                unit,
                goal,
                rounds: vec![value],
            }),
        }
    }

    pub(crate) fn figures(self) -> Vec<Figure> {
        let part = self.part;
        let figure = |it: Values| Figure {
            part: part.to_owned(),
            name: it.name,
            unit: it.unit,
            spread: spread(&it.rounds),
            value: median(it.rounds),
            goal: it.goal,
        };
        self.all.into_iter().map(figure).collect()
    }
}
