use super::{
    Moment::{Answer, Call},
    Op::{Abort, Declare, Events, Parts, Read, Register},
    Reply::{
        Aborted, Conflict, Created, Declared, Gone, Held, Missing, NotFound, Presigned, Record,
        Same,
    },
    *,
};

const PRESIGN: Op = Op::Presign(Stored::Object);
const PRESIGN_PARTS: Op = Op::Presign(Stored::Parts);

/// Calls that do not meet.
fn in_turn(calls: &[(Op, Reply)]) -> Vec<Moment> {
    let calls = calls.iter().enumerate();
    calls
        .flat_map(|(call, (op, reply))| [Call(call, *op), Answer(call, *reply)])
        .collect()
}

#[test]
fn what_is_as_promised_is_linearizable() {
    assert!(is_linearizable(&in_turn(&[
        (Read, NotFound),
        (PRESIGN, Presigned),
        (Events, Reply::Events(1)),
        (Read, NotFound),
        (Register(1), Created),
        (Register(1), Same),
        (Register(2), Conflict),
        (Read, Record(1)),
        (Events, Reply::Events(2)),
    ])));
}

#[test]
fn what_breaks_a_promise_is_not() {
    let registered = [(PRESIGN, Presigned), (Register(1), Created)];
    for (what, then) in [
        ("a stale read after a registration", (Read, NotFound)),
        ("a stale list of events", (Events, Reply::Events(1))),
        ("an event too many", (Events, Reply::Events(3))),
        ("two registrations of one asset", (Register(1), Created)),
        ("another one that wins later", (Register(2), Created)),
        ("a conflict with oneself", (Register(1), Conflict)),
        ("another provenance that passes", (Register(2), Same)),
        ("a record that nobody wrote", (Read, Record(2))),
        ("an asset that has gone", (Register(1), NotFound)),
    ] {
        let history = in_turn(&[&registered[..], &[then]].concat());
        assert!(is_linearizable(&history[..4]));
        assert!(!is_linearizable(&history), "{what}");
    }
}

#[test]
fn an_upload_in_parts_is_registered_or_aborted() {
    let presigned = [(PRESIGN_PARTS, Presigned), (Parts, Held(PARTS))];
    let after = |calls: &[(Op, Reply)]| in_turn(&[&presigned[..], calls].concat());
    assert!(is_linearizable(&after(&[
        (Declare, Declared),
        (Abort, Aborted),
        (Abort, Aborted),
        (Register(1), Gone),
        (Declare, Gone),
        (Parts, Gone),
        (Read, NotFound),
        (Events, Reply::Events(2)),
    ])));
    assert!(is_linearizable(&after(&[
        (Register(1), Created),
        (Abort, Conflict),
        (Declare, Conflict),
        (Parts, Conflict),
    ])));
    let nothing = (Op::Presign(Stored::Nothing), Presigned);
    let refused = [nothing, (Register(1), Missing), (Parts, Held(0))];
    assert!(is_linearizable(&in_turn(&refused)));
    for wrong in [
        [(Abort, Aborted), (Register(1), Created)],
        [(Abort, Aborted), (Register(1), Missing)],
        [(Abort, Aborted), (Declare, Declared)],
        [(Abort, Aborted), (Parts, Held(0))],
        [(Abort, Aborted), (Events, Reply::Events(1))],
        [(Abort, Aborted), (Abort, Conflict)],
        [(Register(1), Created), (Abort, Aborted)],
        [(Register(1), Created), (Parts, Held(PARTS))],
        [(Declare, Declared), (Register(1), Missing)],
        [(Declare, Declared), (Parts, Held(0))],
        [(Declare, Declared), (Abort, Conflict)],
    ] {
        assert!(!is_linearizable(&after(&wrong)), "{wrong:?}");
    }
}

#[test]
fn of_an_abort_and_a_registration_at_once_one_succeeds() {
    let meet = |abort: Reply, registration: Reply, then: &[(Op, Reply)]| {
        let mut history = in_turn(&[(PRESIGN_PARTS, Presigned)]);
        history.extend([
            Call(1, Abort),
            Call(2, Register(2)),
            Answer(1, abort),
            Answer(2, registration),
        ]);
        let then = then.iter().zip(3..);
        history
            .extend(then.flat_map(|((op, reply), call)| [Call(call, *op), Answer(call, *reply)]));
        is_linearizable(&history)
    };
    assert!(meet(Aborted, Gone, &[(Register(1), Gone)]));
    // it found the parts gone, and the abort not yet recorded
    assert!(meet(Aborted, Missing, &[(Register(1), Gone)]));
    assert!(meet(Conflict, Created, &[(Read, Record(2))]));
    assert!(!meet(Aborted, Created, &[]));
    assert!(!meet(Conflict, Gone, &[]));
    assert!(!meet(Conflict, Missing, &[]));
    assert!(!meet(Aborted, Missing, &[(Register(1), Missing)]));
}

#[test]
fn a_record_that_was_seen_during_its_registration_does_not_go_again() {
    let mut history = in_turn(&[(PRESIGN, Presigned)]);
    history.extend([
        Call(1, Register(1)),
        Call(2, Read),
        Answer(2, Record(1)),
        Call(3, Read),
        Answer(3, NotFound),
        Answer(1, Created),
    ]);
    assert!(!is_linearizable(&history));
    let ended = history.len();
    history[ended - 2] = Answer(3, Record(1));
    assert!(is_linearizable(&history));
}

#[test]
fn calls_that_meet_may_come_in_either_order_but_in_one() {
    let meet = |first: Reply, second: Reply| {
        let mut history = in_turn(&[(PRESIGN, Presigned)]);
        history.extend([
            Call(1, Register(1)),
            Call(2, Register(2)),
            Answer(1, first),
            Answer(2, second),
        ]);
        is_linearizable(&history)
    };
    assert!(meet(Created, Conflict));
    assert!(meet(Conflict, Created));
    assert!(!meet(Created, Created));
    assert!(!meet(Conflict, Conflict));
}

#[test]
fn what_a_caller_left_has_happened_or_has_not_but_not_both() {
    let promised = in_turn(&[(PRESIGN, Presigned)]);
    let left = |then: &[Moment]| {
        let history = [&promised[..], &[Call(1, Register(1))], then].concat();
        is_linearizable(&history)
    };
    assert!(left(&[]));
    assert!(left(&[Call(2, Read), Answer(2, NotFound)]));
    assert!(left(&[Call(2, Register(2)), Answer(2, Created)]));
    assert!(left(&[Call(2, Register(2)), Answer(2, Conflict)]));
    let gone = [Call(2, Read), Answer(2, Record(1)), Call(3, Read)];
    assert!(left(&gone));
    assert!(!left(&[&gone[..], &[Answer(3, NotFound)]].concat()));
    assert!(!left(&[Call(2, Read), Answer(2, Record(2))]));
}
