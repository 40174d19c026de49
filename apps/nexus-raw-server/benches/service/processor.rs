use std::{fs, time::Duration};

/// A process whose use of the processor is measured.
pub(crate) trait Process {
    fn id(&self) -> u32;
}

/// The processor time that a process has used so far, its children's not among it, to 10 ms
/// (`proc(5)`: fields 14 and 15 of `stat`, in hundredths of a second).
pub(crate) fn time(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // the second field is a name in parentheses, which may hold anything
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}
