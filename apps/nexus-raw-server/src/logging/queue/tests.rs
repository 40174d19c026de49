use std::sync::mpsc::{Receiver, Sender, channel};

use proptest::prelude::*;
use serde_json::Value;

use super::{super::Lines, *};

/// An output that reports each write, and takes it once it may.
struct SlowOutput {
    begun: Sender<()>,
    may_end: Receiver<()>,
    written: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl io::Write for SlowOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // an error in both cases: the test no longer asks, or takes everything from now on
        let _ = self.begun.send(());
        let _ = self.may_end.recv();
        self.written.lock().unwrap().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct SlowLog {
    queue: Arc<LineQueue>,
    writer: QueueWriter,
    begun: Receiver<()>,
    may_end: Sender<()>,
    written: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl SlowLog {
    fn start() -> Self {
        let (begins, begun) = channel();
        let (may_end, ends) = channel();
        let written = Arc::default();
        let output = SlowOutput {
            begun: begins,
            may_end: ends,
            written: Arc::clone(&written),
        };
        let (queue, writer) = LineQueue::to(output).unwrap();
        Self {
            queue,
            writer,
            begun,
            may_end,
            written,
        }
    }

    /// Ends the log, and returns what each write was of.
    fn writes(self) -> Vec<String> {
        drop(self.may_end);
        drop(self.writer);
        let writes = self.written.lock().unwrap();
        let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
        writes.iter().map(text).collect()
    }
}

fn member(number: usize) -> Vec<u8> {
    format!(",\"n\":{number}}}").into_bytes()
}

fn records(text: &str) -> Vec<Value> {
    let records = text.lines().map(serde_json::from_str);
    records.collect::<Result<_, _>>().unwrap()
}

#[test]
fn lines_of_many_threads_are_whole_and_each_threads_are_in_order() {
    let lines = Lines::default();
    let (queue, writer) = LineQueue::to(lines.clone()).unwrap();
    thread::scope(|scope| {
        for one in 0..4 {
            let queue = &queue;
            scope.spawn(move || (0..500).for_each(|at| queue.push(&member(one * 1000 + at))));
        }
    });
    drop(writer);
    queue.push(&member(9));
    let records = records(&lines.text());
    for one in 0..4 {
        let numbers = records.iter().map(|it| it["n"].as_u64().unwrap());
        let numbers = numbers.filter(|number| number / 1000 == one);
        assert!(numbers.eq(one * 1000..one * 1000 + 500), "{one}");
    }
    assert_eq!(records.len(), 2000, "nothing after the end");
    let times = records.iter().map(|it| it["ts"].as_str().unwrap());
    let seconds: Vec<_> = times.map(|time| &time[..19]).collect();
    assert!(seconds.is_sorted(), "{seconds:?}");
}

#[test]
fn lines_that_gather_while_one_is_written_share_writes_of_whole_lines() {
    let log = SlowLog::start();
    log.queue.push(&member(0));
    log.begun.recv().unwrap();
    (1..=200).for_each(|number| log.queue.push(&member(number)));
    let writes = log.writes();
    // 200 lines of 41 to 45 bytes
    assert_eq!(writes.len(), 4, "{writes:?}");
    for text in &writes {
        assert!(text.len() <= MAX_WRITE && text.ends_with("}\n"), "{text}");
    }
    let numbers = records(&writes.concat()).into_iter();
    let numbers = numbers.map(|it| it["n"].as_u64().unwrap());
    assert!(numbers.eq(0..=200));
}

#[test]
fn what_does_not_fit_is_dropped_and_counted_where_it_was() {
    let log = SlowLog::start();
    log.queue.push(&member(0));
    log.begun.recv().unwrap();
    let lengthy = format!(",\"text\":\"{}\"}}", "x".repeat(1000)).into_bytes();
    (0..1500).for_each(|_| log.queue.push(&lengthy));
    let waiting = log.queue.lock().text.len();
    // the line under way, and the first of those that gathered
    log.may_end.send(()).unwrap();
    log.begun.recv().unwrap();
    log.queue.push(&member(1));
    let records = records(&log.writes().concat());
    assert!(waiting <= MAX_BYTES + 64, "{waiting}");
    let counted = records.iter().position(|it| it["msg"] == DROPPED).unwrap();
    assert_eq!(records.len(), counted + 2);
    assert_eq!(records[counted]["level"], "ERROR");
    assert_eq!(records[counted]["count"], 1500 - (counted - 1));
    assert_eq!(records[counted + 1]["n"], 1);
    assert!(counted > 900, "{counted}");
}

proptest! {
    #[test]
    fn a_piece_is_of_whole_lines_and_short_unless_a_line_is_long(
        lengths in prop::collection::vec(prop_oneof![0_usize..300, 4000_usize..5000], 0..60),
    ) {
        let lines = lengths.iter().map(|length| "x".repeat(*length) + "\n");
        let text: String = lines.collect();
        let pieces: Vec<_> = Pieces(text.as_bytes()).collect();
        prop_assert_eq!(pieces.concat(), text.as_bytes());
        for piece in pieces {
            prop_assert!(piece.ends_with(b"\n"));
            let lines = str::from_utf8(piece).unwrap().lines().count();
            prop_assert!(piece.len() <= MAX_WRITE || lines == 1);
        }
    }
}
