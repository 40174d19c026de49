use std::{collections::VecDeque, thread};

use super::*;

/// Takes what its script allows, write by write, and everything once the script has ended.
#[derive(Clone, Default)]
struct Medium(Arc<Mutex<Tape>>);

#[derive(Default)]
struct Tape {
    script: VecDeque<io::Result<usize>>,
    writes: Vec<Vec<u8>>,
}

impl Medium {
    fn scripted(script: Vec<io::Result<usize>>) -> Self {
        Self(Arc::new(Mutex::new(Tape {
            script: script.into(),
            writes: Vec::new(),
        })))
    }

    fn writes(&self) -> Vec<String> {
        let writes = &self.0.lock().unwrap().writes;
        writes
            .iter()
            .map(|bytes| String::from_utf8(bytes.clone()).unwrap())
            .collect()
    }
}

impl Write for Medium {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Tape { script, writes } = &mut *self.0.lock().unwrap();
        let taken = script
            .pop_front()
            .unwrap_or(Ok(bytes.len()))?
            .min(bytes.len());
        writes.push(bytes[..taken].to_vec());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(lines: &mut LineWriter, text: &str) -> Result<(), ErrorKind> {
    lines.write_all(text.as_bytes()).unwrap();
    lines.flush().map_err(|error| error.kind())
}

#[test]
fn a_line_written_in_pieces_is_one_write_of_the_output() {
    let medium = Medium::default();
    let mut lines = SharedOutput::new(medium.clone()).lines();
    for piece in ["{", "\"a\"", ":", "1", "}", "\n"] {
        lines.write_all(piece.as_bytes()).unwrap();
    }
    assert_eq!(medium.writes(), [""; 0]);
    lines.flush().unwrap();
    assert_eq!(medium.writes(), ["{\"a\":1}\n"]);
}

#[test]
fn what_is_no_whole_line_waits_for_its_end() {
    let medium = Medium::default();
    let mut lines = SharedOutput::new(medium.clone()).lines();
    assert_eq!(write(&mut lines, "one\ntw"), Ok(()));
    assert_eq!(write(&mut lines, "o\n"), Ok(()));
    assert_eq!(medium.writes(), ["one\n", "two\n"]);
}

#[test]
fn an_interrupted_write_goes_on_where_it_was() {
    let medium = Medium::scripted(vec![
        Err(ErrorKind::Interrupted.into()),
        Ok(2),
        Err(ErrorKind::Interrupted.into()),
    ]);
    let mut lines = SharedOutput::new(medium.clone()).lines();
    assert_eq!(write(&mut lines, "one\n"), Ok(()));
    assert_eq!(medium.writes(), ["on", "e\n"]);
}

#[test]
fn a_line_that_failed_does_not_turn_up_later() {
    let medium = Medium::scripted(vec![Err(ErrorKind::BrokenPipe.into())]);
    let mut lines = SharedOutput::new(medium.clone()).lines();
    assert_eq!(write(&mut lines, "one\n"), Err(ErrorKind::BrokenPipe));
    assert_eq!(write(&mut lines, "two\n"), Ok(()));
    assert_eq!(medium.writes(), ["two\n"]);
}

#[test]
fn the_fragment_of_a_torn_line_is_ended_before_the_next_line_of_anybody() {
    let medium = Medium::scripted(vec![
        Ok(2),
        Err(ErrorKind::StorageFull.into()),
        Err(ErrorKind::StorageFull.into()),
    ]);
    let output = SharedOutput::new(medium.clone());
    let (mut one, mut other) = (output.lines(), output.lines());
    assert_eq!(write(&mut one, "one\n"), Err(ErrorKind::StorageFull));
    assert_eq!(write(&mut one, "one\n"), Err(ErrorKind::StorageFull));
    assert_eq!(write(&mut other, "other\n"), Ok(()));
    assert_eq!(write(&mut one, "one\n"), Ok(()));
    assert_eq!(medium.writes(), ["on", "\n", "other\n", "one\n"]);
}

#[test]
fn an_output_that_takes_nothing_is_an_error() {
    let medium = Medium::scripted(vec![Ok(0)]);
    let mut lines = SharedOutput::new(medium).lines();
    assert_eq!(write(&mut lines, "one\n"), Err(ErrorKind::WriteZero));
}

#[test]
fn lines_of_many_writers_never_mix() {
    // takes a few bytes at a time, so that a lock for each write would not be enough
    let medium = Medium::scripted((0..20_000).map(|at| Ok(1 + at % 7)).collect());
    let output = SharedOutput::new(medium.clone());
    thread::scope(|scope| {
        for writer in ["a", "b", "c", "d"] {
            let mut lines = output.lines();
            scope.spawn(move || {
                for _ in 0..200 {
                    write(&mut lines, &format!("{}\n", writer.repeat(40))).unwrap();
                }
            });
        }
    });
    let text = medium.writes().concat();
    assert_eq!(text.lines().count(), 800);
    for line in text.lines() {
        assert_eq!(line, line[..1].repeat(40));
    }
}

#[test]
fn what_hides_reorders_or_breaks_a_line_is_escaped_and_reads_back() {
    let text = "a\u{7f}\u{85}\u{9b}\u{202e}\u{2028}\u{2066}\u{200d}\u{feff}\u{ffff}\u{e0041}\u{e9}\u{1f4f7}\u{fe0f}";
    let line = format!("{}\n", serde_json::to_string(text).unwrap());
    let medium = Medium::default();
    let mut lines = SharedOutput::new(medium.clone()).lines();
    assert_eq!(write(&mut lines, &line), Ok(()));
    let written = medium.writes().concat();
    assert_eq!(
        written,
        "\"a\\u007f\\u0085\\u009b\\u202e\\u2028\\u2066\\u200d\\ufeff\\uffff\\udb40\\udc41\u{e9}\u{1f4f7}\u{fe0f}\"\n"
    );
    assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
}
