use std::time::Duration;

use super::*;
use crate::BodyLength;

const HEAD: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

fn ends(connection: &Connection, from: Instant) -> Option<(u64, End)> {
    let (at, end) = connection.deadline()?;
    Some(((at - from).as_secs(), end))
}

#[tokio::test(start_paused = true)]
async fn every_head_has_ten_seconds_from_its_first_byte_and_the_first_from_the_opening() {
    let opened = Instant::now();
    let connection = Connection::new(opened, Deadlines::default(), None);
    assert_eq!(ends(&connection, opened), Some((10, End::Unused)));
    let later = opened + Duration::from_secs(4);
    assert_eq!(connection.head_within(&HEAD[..5], later), 5);
    assert_eq!(ends(&connection, opened), Some((10, End::SlowHead)));
    assert_eq!(connection.head_within(&HEAD[5..], later), HEAD.len() - 5);
    assert!(connection.serve(BodyLength::Known(0)));
    assert_eq!(ends(&connection, opened), None);
    connection.request_done(false, false);
    let served = Instant::now();
    assert_eq!(ends(&connection, served), Some((75, End::Unused)));
    // empty lines before a head are none of it
    let idle = served + Duration::from_secs(30);
    assert_eq!(connection.head_within(b"\r\n", idle), 2);
    assert_eq!(ends(&connection, served), Some((75, End::Unused)));
    assert_eq!(connection.head_within(b"G", idle), 1);
    // a byte now and then does not prolong it
    let dripped = idle + Duration::from_secs(9);
    assert_eq!(connection.head_within(b"E", dripped), 1);
    assert_eq!(ends(&connection, idle), Some((10, End::SlowHead)));
}

#[tokio::test(start_paused = true)]
async fn one_request_at_a_time_is_let_through() {
    let now = Instant::now();
    let connection = Connection::new(now, Deadlines::default(), None);
    let two = [HEAD, HEAD].concat();
    assert_eq!(connection.gate(), Gate::Head);
    assert_eq!(connection.head_within(&two, now), HEAD.len());
    assert_eq!(connection.gate(), Gate::Shut);
    assert!(connection.serve(BodyLength::Known(3)));
    assert!(connection.rouse() && !connection.rouse());
    assert_eq!(connection.gate(), Gate::Bytes(3));
    connection.gave(3);
    assert_eq!(connection.gate(), Gate::Bytes(0));
    connection.request_done(false, false);
    assert_eq!(connection.gate(), Gate::Head);
}

#[tokio::test(start_paused = true)]
async fn after_the_last_answer_nothing_is_served() {
    let now = Instant::now();
    for (drain, gate) in [(false, Gate::Shut), (true, Gate::Bytes(MAX_CHUNKED_BYTES))] {
        let connection = Connection::new(now, Deadlines::default(), None);
        connection.head_within(HEAD, now);
        assert!(connection.serve(BodyLength::Chunked));
        connection.request_done(true, drain);
        assert_eq!(connection.gate(), gate);
        assert_eq!(ends(&connection, now), Some((1, End::Unused)));
        assert!(!connection.is_cut() && !connection.serve(BodyLength::Known(0)));
        assert!(connection.is_cut());
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_all_framing_is_reported() {
    let connection = Connection::new(Instant::now(), Deadlines::default(), None);
    assert!(connection.serve(BodyLength::Chunked) && !connection.has_ended());
    connection.gave(MAX_CHUNKED_BYTES);
    assert!(connection.has_ended());
}

#[tokio::test(start_paused = true)]
async fn a_caller_has_thirty_seconds_to_take_something_of_an_answer() {
    let now = Instant::now();
    let connection = Connection::new(now, Deadlines::default(), None);
    connection.taking(false, now);
    connection.taking(false, now + Duration::from_secs(20));
    assert_eq!(ends(&connection, now), Some((30, End::SlowTaker)));
    connection.taking(true, now + Duration::from_secs(20));
    assert_eq!(ends(&connection, now), Some((10, End::Unused)));
}

#[tokio::test(start_paused = true)]
async fn a_counted_answer_is_taken_in_its_time_and_what_is_kept_for_it_goes_once_it_is_sent() {
    let now = Instant::now();
    let connection = Connection::new(now, Deadlines::default(), None);
    let kept = Rc::new(());
    connection.set_send_timeout(Duration::from_secs(50));
    connection.sent();
    assert_eq!(ends(&connection, now), Some((50, End::SlowTaker)));
    // a byte now and then does not prolong it
    connection.taking(false, now + Duration::from_secs(10));
    connection.taking(true, now + Duration::from_secs(39));
    assert_eq!(ends(&connection, now), Some((50, End::SlowTaker)));
    connection.taking(false, now);
    assert_eq!(ends(&connection, now), Some((30, End::SlowTaker)));
    connection.hold_until_sent(Rc::clone(&kept));
    assert_eq!(Rc::strong_count(&kept), 2);
    connection.taking(true, now);
    connection.sent();
    assert_eq!(Rc::strong_count(&kept), 1);
    assert_eq!(ends(&connection, now), Some((10, End::Unused)));
}
