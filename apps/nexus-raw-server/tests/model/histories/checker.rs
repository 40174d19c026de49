//! One asset as an object: what each call may be answered, in which state.

use todc_utils::{Action, History, Specification, WGLChecker};

use crate::words::PARTS;

/// What a caller does to one asset. Provenances are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    /// With what the store then holds of it.
    Presign(Stored),
    Register(u8),
    Abort,
    /// Declares all parts.
    Declare,
    Parts,
    Read,
    Events,
}

/// What the store holds of a pending upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Stored {
    /// The object, of one request or put together.
    Object,
    /// Every part.
    Parts,
    /// No part.
    Nothing,
}

/// What it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Presigned,
    Created,
    Same,
    Conflict,
    NotFound,
    /// Parts are missing.
    Missing,
    Aborted,
    /// The upload was aborted before.
    Gone,
    Declared,
    /// How many parts the store holds.
    Held(usize),
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
    Promised(Stored),
    Registered(u8),
    Aborted,
}

/// What happens at one moment: what a call does to the record, or what a registration or an abort
/// does to the parts before that. Others see the second before the first: once parts are put
/// together the upload cannot be aborted, and once they are dropped it cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Recorded(Op),
    Completed,
    Emptied,
}

impl Effect {
    /// What the call does to the parts.
    fn on_parts(op: Op) -> Option<Self> {
        match op {
            Op::Register(_) => Some(Self::Completed),
            Op::Abort => Some(Self::Emptied),
            _ => None,
        }
    }
}

struct Asset;

impl Specification for Asset {
    type State = State;
    type Operation = (Effect, Reply);

    fn init() -> State {
        State::Absent
    }

    fn apply((effect, reply): &(Effect, Reply), state: &State) -> (bool, State) {
        let op = match (*effect, *state) {
            (Effect::Recorded(op), _) => op,
            (Effect::Completed, State::Promised(Stored::Parts)) => {
                return (true, State::Promised(Stored::Object));
            }
            (Effect::Emptied, State::Promised(Stored::Parts)) => {
                return (true, State::Promised(Stored::Nothing));
            }
            (Effect::Completed | Effect::Emptied, _) => return (true, *state),
        };
        let (due, next) = match (op, *state) {
            (Op::Presign(stored), _) => (Reply::Presigned, State::Promised(stored)),
            (_, State::Absent) | (Op::Read, State::Promised(_) | State::Aborted) => {
                (Reply::NotFound, *state)
            }
            // the effect on the store comes first
            (Op::Register(_) | Op::Abort, State::Promised(Stored::Parts)) => {
                (Reply::Unknown, *state)
            }
            (Op::Register(_), State::Promised(Stored::Nothing)) => (Reply::Missing, *state),
            (Op::Register(said), State::Promised(Stored::Object)) => {
                (Reply::Created, State::Registered(said))
            }
            (Op::Abort, State::Promised(Stored::Nothing) | State::Aborted) => {
                (Reply::Aborted, State::Aborted)
            }
            (Op::Register(_) | Op::Declare | Op::Parts, State::Aborted) => (Reply::Gone, *state),
            (Op::Declare, State::Promised(_)) => (Reply::Declared, *state),
            (Op::Parts, State::Promised(Stored::Parts)) => (Reply::Held(PARTS), *state),
            (Op::Parts, State::Promised(_)) => (Reply::Held(0), *state),
            (Op::Register(said), State::Registered(recorded)) if said == recorded => {
                (Reply::Same, *state)
            }
            (Op::Register(_) | Op::Declare | Op::Parts, State::Registered(_))
            | (Op::Abort, State::Promised(Stored::Object) | State::Registered(_)) => {
                (Reply::Conflict, *state)
            }
            (Op::Read, State::Registered(recorded)) => (Reply::Record(recorded), *state),
            (Op::Events, State::Promised(_)) => (Reply::Events(1), *state),
            (Op::Events, State::Registered(_) | State::Aborted) => (Reply::Events(2), *state),
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
///
/// What becomes of the parts happens once. It is of a registration or an abort that nobody knows:
/// of each kind one effect begins with the first call. None can be answered before it, and so it
/// has no other end.
pub(super) fn is_linearizable(history: &[Moment]) -> bool {
    let in_parts = is_in_parts(history);
    let (mut actions, mut left, mut on_store) = (Vec::new(), Vec::new(), Vec::new());
    for moment in history {
        match *moment {
            Moment::Call(call, op) => {
                let answer = answer_of(history, call);
                let changes = matches!(op, Op::Presign(_) | Op::Register(_) | Op::Abort);
                if answer.is_none() && !changes {
                    continue;
                }
                let on_parts = Effect::on_parts(op).filter(|_| in_parts);
                if let Some(effect) = on_parts.filter(|it| !on_store.contains(it)) {
                    let (process, what) =
                        (history.len() + on_store.len(), (effect, Reply::Unknown));
                    on_store.push(effect);
                    actions.push((process, Action::Call(what)));
                    left.push((process, Action::Response(what)));
                }
                let what = (Effect::Recorded(op), answer.unwrap_or(Reply::Unknown));
                actions.push((call, Action::Call(what)));
                if answer.is_none() {
                    left.push((call, Action::Response(what)));
                }
            }
            Moment::Answer(call, reply) => {
                let effect = Effect::Recorded(op_of(history, call));
                actions.push((call, Action::Response((effect, reply))));
            }
        }
    }
    actions.extend(left);
    actions.is_empty() || WGLChecker::<Asset>::is_linearizable(History::from_actions(actions))
}

fn is_in_parts(history: &[Moment]) -> bool {
    let presign = Op::Presign(Stored::Parts);
    let mut moments = history.iter();
    moments.any(|it| matches!(it, Moment::Call(_, op) if *op == presign))
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
    /// Aborts that ran while a registration of the same upload in parts did.
    pub(super) aborts: usize,
    /// Whether it was aborted, so that a caller knows.
    pub(super) aborted: bool,
    /// Whether it was in parts, and registered.
    pub(super) registered_in_parts: bool,
}

pub(super) fn meetings(history: &[Moment]) -> Meetings {
    let mut meetings = Meetings::default();
    let mut running: Vec<(usize, Op)> = Vec::new();
    let in_parts = is_in_parts(history);
    for moment in history {
        match *moment {
            Moment::Answer(call, reply) => {
                running.retain(|(it, _)| *it != call);
                meetings.aborted |= reply == Reply::Aborted;
                meetings.registered_in_parts |= in_parts && reply == Reply::Created;
            }
            Moment::Call(call, op) => {
                let is_register = |op: Op| matches!(op, Op::Register(_));
                let others = running.iter().filter(|(_, other)| is_register(*other));
                match op {
                    Op::Register(_) => {
                        let reads = running.iter().filter(|(_, it)| *it == Op::Read);
                        meetings.reads += reads.count();
                        meetings.registrations += others.count();
                        let aborts = running.iter().filter(|(_, it)| *it == Op::Abort);
                        meetings.aborts += aborts.count() * usize::from(in_parts);
                    }
                    Op::Read => meetings.reads += others.count(),
                    Op::Abort => meetings.aborts += others.count() * usize::from(in_parts),
                    Op::Presign(_) | Op::Declare | Op::Parts | Op::Events => {}
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
mod tests;
