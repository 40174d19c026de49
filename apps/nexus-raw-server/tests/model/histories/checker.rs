//! One asset as an object: what each call may be answered, in which state.

use todc_utils::{Action, History, Specification, WGLChecker};

/// What a caller does to one asset. Provenances are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Presign,
    Register(u8),
    Read,
    Events,
}

/// What it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Presigned,
    Created,
    Same,
    Conflict,
    NotFound,
    /// The record, with the provenance that it says.
    Record(u8),
    /// How many events there are.
    Events(usize),
    /// The caller left before the answer came.
    Unknown,
}

/// A beginning or an end of a call, in the order in which they came. Each call has its number; one
/// that has no end was left by its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Call(usize, Op),
    Answer(usize, Reply),
}

/// What has become of the asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum State {
    Absent,
    Promised,
    Registered(u8),
}

struct Asset;

impl Specification for Asset {
    type State = State;
    type Operation = (Op, Reply);

    fn init() -> State {
        State::Absent
    }

    fn apply((op, reply): &(Op, Reply), state: &State) -> (bool, State) {
        let (due, next) = match (*op, *state) {
            (Op::Presign, _) => (Reply::Presigned, State::Promised),
            (Op::Register(_) | Op::Read | Op::Events, State::Absent)
            | (Op::Read, State::Promised) => (Reply::NotFound, *state),
            (Op::Register(said), State::Promised) => (Reply::Created, State::Registered(said)),
            (Op::Register(said), State::Registered(recorded)) if said == recorded => {
                (Reply::Same, *state)
            }
            (Op::Register(_), State::Registered(_)) => (Reply::Conflict, *state),
            (Op::Read, State::Registered(recorded)) => (Reply::Record(recorded), *state),
            (Op::Events, State::Promised) => (Reply::Events(1), *state),
            (Op::Events, State::Registered(_)) => (Reply::Events(2), *state),
        };
        if *reply == due || *reply == Reply::Unknown {
            (true, next)
        } else {
            (false, *state)
        }
    }
}

/// Whether the calls can be put into one order, each between its beginning and its end, in which
/// every answer is the one due.
///
/// What a caller left may have happened at any time after, or never. Never is the same as after
/// everything else, where nobody has seen it: so its end is the end of the history.
pub(super) fn is_linearizable(history: &[Moment]) -> bool {
    let (mut actions, mut left) = (Vec::new(), Vec::new());
    for moment in history {
        match *moment {
            Moment::Call(call, op) => match (answer_of(history, call), op) {
                (None, Op::Read | Op::Events) => {}
                (None, Op::Presign | Op::Register(_)) => {
                    actions.push((call, Action::Call((op, Reply::Unknown))));
                    left.push((call, Action::Response((op, Reply::Unknown))));
                }
                (Some(reply), _) => actions.push((call, Action::Call((op, reply)))),
            },
            Moment::Answer(call, reply) => {
                actions.push((call, Action::Response((op_of(history, call), reply))));
            }
        }
    }
    actions.extend(left);
    actions.is_empty() || WGLChecker::<Asset>::is_linearizable(History::from_actions(actions))
}

fn op_of(history: &[Moment], call: usize) -> Op {
    let ops = history.iter().find_map(|moment| match *moment {
        Moment::Call(it, op) if it == call => Some(op),
        _ => None,
    });
    ops.unwrap()
}

fn answer_of(history: &[Moment], call: usize) -> Option<Reply> {
    history.iter().find_map(|moment| match *moment {
        Moment::Answer(it, reply) if it == call => Some(reply),
        _ => None,
    })
}

/// How often calls met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Meetings {
    /// Pairs of registrations, of which one began before the other was answered.
    pub(super) registrations: usize,
    /// Reads that ran while a registration did.
    pub(super) reads: usize,
    /// Calls that were left.
    pub(super) left: usize,
}

pub(super) fn meetings(history: &[Moment]) -> Meetings {
    let mut meetings = Meetings::default();
    let mut running: Vec<(usize, Op)> = Vec::new();
    for moment in history {
        match *moment {
            Moment::Answer(call, _) => running.retain(|(it, _)| *it != call),
            Moment::Call(call, op) => {
                let is_register = |op: Op| matches!(op, Op::Register(_));
                let others = running.iter().filter(|(_, other)| is_register(*other));
                match op {
                    Op::Register(_) => {
                        let reads = running.iter().filter(|(_, it)| *it == Op::Read);
                        meetings.reads += reads.count();
                        meetings.registrations += others.count();
                    }
                    Op::Read => meetings.reads += others.count(),
                    Op::Presign | Op::Events => {}
                }
                if answer_of(history, call).is_some() {
                    running.push((call, op));
                } else {
                    meetings.left += 1;
                }
            }
        }
    }
    meetings
}

#[cfg(test)]
mod tests {
    use super::{
        Moment::{Answer, Call},
        Op::{Events, Presign, Read, Register},
        Reply::{Conflict, Created, NotFound, Presigned, Record, Same},
        *,
    };

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
            (Presign, Presigned),
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
        let registered = [(Presign, Presigned), (Register(1), Created)];
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
    fn a_record_that_was_seen_during_its_registration_does_not_go_again() {
        let mut history = in_turn(&[(Presign, Presigned)]);
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
            let mut history = in_turn(&[(Presign, Presigned)]);
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
        let promised = in_turn(&[(Presign, Presigned)]);
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
}
