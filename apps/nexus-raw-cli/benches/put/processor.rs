use std::{collections::HashMap, fs, ops::Sub, process};

/// The clock of `/proc` on Linux, whatever the kernel's own.
const TICKS_A_SECOND: f64 = 100.0;

/// Processor time that has been used.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ProcessorTime {
    /// By programs that have ended.
    pub(crate) tool: f64,
    /// By the service; with the embedded store by both.
    pub(crate) service: f64,
    pub(crate) store: f64,
}

/// A line of `/proc/PID/stat`.
struct Stat {
    parent: u32,
    name: String,
    own_ticks: u32,
    ended_ticks: u32,
}

impl ProcessorTime {
    /// Reads what this process and those below it have used so far.
    pub(crate) fn now() -> Self {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let ids = entries.filter_map(|it| it.file_name().to_str()?.parse().ok());
        let all: HashMap<u32, Stat> = ids.filter_map(|id| Some((id, stat(id)?))).collect();
        let of = |program: &str| {
            let ours = all.values().filter(|it| is_below(it, &all));
            let ours = ours.filter(|it| it.name == program);
            ours.map(|it| f64::from(it.own_ticks)).sum::<f64>() / TICKS_A_SECOND
        };
        let ended = all[&process::id()].ended_ticks;
        Self {
            tool: f64::from(ended) / TICKS_A_SECOND,
            // as long as such a name can be
            service: of("nexus-raw-serve"),
            store: of("weed"),
        }
    }
}

/// Whether this process has started it, or what has started it.
fn is_below(process: &Stat, all: &HashMap<u32, Stat>) -> bool {
    let parents = std::iter::successors(Some(process.parent), |id| Some(all.get(id)?.parent));
    parents.into_iter().any(|id| id == process::id())
}

impl Sub for ProcessorTime {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            tool: self.tool - before.tool,
            service: self.service - before.service,
            store: self.store - before.store,
        }
    }
}

/// `None` if the process has ended.
fn stat(id: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // a name may have spaces and parentheses
    let (start, rest) = text.rsplit_once(')')?;
    let fields: Vec<_> = rest.split_whitespace().collect();
    // by proc(5), whose third field is the first here
    let number = |field: usize| fields.get(field - 3)?.parse::<u32>().ok();
    Some(Stat {
        parent: number(4)?,
        name: start.split_once('(')?.1.to_owned(),
        own_ticks: number(14)? + number(15)?,
        ended_ticks: number(16)? + number(17)?,
    })
}
