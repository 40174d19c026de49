use std::{collections::BTreeMap, fs, time::Duration};

/// A server whose cost is measured.
pub(crate) trait Process {
    /// Its process, or the first of several.
    fn id(&self) -> u32;

    /// The processor time that it has used so far, with all processes that it started.
    fn used(&self) -> Duration {
        tree(self.id())
    }
}

/// This process: the callers.
pub(crate) struct Callers;

impl Process for Callers {
    fn id(&self) -> u32 {
        std::process::id()
    }

    /// Without the servers that this process has started.
    fn used(&self) -> Duration {
        let [own, _ended] = times(self.id());
        own
    }
}

/// What a process occupies, in KiB.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    pub(crate) peak: u64,
}

impl Memory {
    pub(crate) fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let of = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        Self {
            resident: of("VmRSS:"),
            peak: of("VmHWM:"),
        }
    }
}

/// The processor time of a process and of all that it started, also of those that have ended.
fn tree(process: u32) -> Duration {
    let [own, ended] = times(process);
    let children = descendants(process);
    let living = children.iter().flat_map(|&child| times(child));
    own + ended + living.sum::<Duration>()
}

/// All that a process has started and that still runs.
pub(crate) fn descendants(process: u32) -> Vec<u32> {
    let mut of: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // a process may end at any time
        if let Some(fields) = stat(id) {
            of.entry(fields[1].parse().unwrap()).or_default().push(id);
        }
    }
    let mut found = of.remove(&process).unwrap_or_default();
    let mut at = 0;
    while let Some(&next) = found.get(at) {
        found.extend(of.remove(&next).unwrap_or_default());
        at += 1;
    }
    found
}

/// The name of a process.
pub(crate) fn name(process: u32) -> String {
    fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default()
}

/// The time of a process, and of its children that have ended, to 10 ms (`proc(5)`: fields 14 to 17
/// of `stat`, in hundredths of a second).
fn times(process: u32) -> [Duration; 2] {
    let Some(fields) = stat(process) else {
        return [Duration::ZERO; 2];
    };
    [11, 13].map(|at| {
        let ticks = fields[at..at + 2]
            .iter()
            .map(|it| it.parse::<u64>().unwrap());
        Duration::from_millis(ticks.sum::<u64>() * 10)
    })
}

/// The fields of `stat` from the third on. The second is a name in parentheses, which may hold
/// anything.
fn stat(process: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}
