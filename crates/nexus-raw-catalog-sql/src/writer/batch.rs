use nexus_raw::ports::{CatalogError, Lease, Progress, RegisterOutcome, RepeatOutcome};
use tokio::sync::oneshot;

use super::group::{
    Group, HashingAnswer, HashingRequest, IntentOutcome, LeaseRequest, NewIntent, Outcomes,
    Registration, RepeatedPresign, RetryRequest,
};
use crate::error::Failure;

/// A request, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Call<Q, A> {
    pub(super) request: Q,
    pub(super) reply: oneshot::Sender<Result<A, CatalogError>>,
}

/// What comes through the queue.
#[derive(Debug)]
pub(crate) enum Message {
    Intent(Call<NewIntent, IntentOutcome>),
    Repeat(Call<RepeatedPresign, RepeatOutcome>),
    Register(Call<Registration, RegisterOutcome>),
    Lease(Call<LeaseRequest, Option<Lease>>),
    Progress(Call<Progress, bool>),
    Hashing(Call<HashingRequest, HashingAnswer>),
    Retry(Call<RetryRequest, u64>),
    /// No more is to be written; the reply says that the database was let go of.
    Close(oneshot::Sender<()>),
}

/// The calls that are written together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    intents: Vec<Call<NewIntent, IntentOutcome>>,
    repeats: Vec<Call<RepeatedPresign, RepeatOutcome>>,
    registrations: Vec<Call<Registration, RegisterOutcome>>,
    leases: Vec<Call<LeaseRequest, Option<Lease>>>,
    progress: Vec<Call<Progress, bool>>,
    hashings: Vec<Call<HashingRequest, HashingAnswer>>,
    retries: Vec<Call<RetryRequest, u64>>,
}

impl Batch {
    /// Takes a call; gives back a wish to close, which is none. A call whose caller has gone is
    /// let go of too: it was not begun, so it has not happened.
    pub(super) fn add(&mut self, message: Message) -> Option<oneshot::Sender<()>> {
        match message {
            Message::Intent(call) => add(&mut self.intents, call),
            Message::Repeat(call) => add(&mut self.repeats, call),
            Message::Register(call) => add(&mut self.registrations, call),
            Message::Lease(call) => add(&mut self.leases, call),
            Message::Progress(call) => add(&mut self.progress, call),
            Message::Hashing(call) => add(&mut self.hashings, call),
            Message::Retry(call) => add(&mut self.retries, call),
            Message::Close(closed) => return Some(closed),
        }
        None
    }

    pub(super) fn len(&self) -> usize {
        self.intents.len()
            + self.repeats.len()
            + self.registrations.len()
            + self.leases.len()
            + self.progress.len()
            + self.hashings.len()
            + self.retries.len()
    }

    /// The requests alone.
    pub(super) fn group(&self) -> Group<'_> {
        Group {
            intents: requests(&self.intents),
            repeats: requests(&self.repeats),
            registrations: requests(&self.registrations),
            leases: requests(&self.leases),
            progress: requests(&self.progress),
            hashings: requests(&self.hashings),
            retries: requests(&self.retries),
        }
    }

    /// Each call as a batch of its own.
    pub(super) fn into_singles(self) -> impl Iterator<Item = Self> {
        let intents = self.intents.into_iter().map(Message::Intent);
        let repeats = self.repeats.into_iter().map(Message::Repeat);
        let registrations = self.registrations.into_iter().map(Message::Register);
        let leases = self.leases.into_iter().map(Message::Lease);
        let progress = self.progress.into_iter().map(Message::Progress);
        let hashings = self.hashings.into_iter().map(Message::Hashing);
        let retries = self.retries.into_iter().map(Message::Retry);
        let all = intents.chain(repeats).chain(registrations);
        let all = all
            .chain(leases)
            .chain(progress)
            .chain(hashings)
            .chain(retries);
        all.map(|message| {
            let mut single = Self::default();
            single.add(message);
            single
        })
    }

    /// Answers each call with its outcome.
    pub(super) fn answer(self, outcomes: Outcomes) {
        answer(self.intents, outcomes.intents);
        answer(self.repeats, outcomes.repeats);
        for (call, outcome) in self.registrations.into_iter().zip(outcomes.registrations) {
            let _ = call.reply.send(outcome.map_err(|failure| failure.told()));
        }
        answer(self.leases, outcomes.leases);
        answer(self.progress, outcomes.progress);
        answer(self.hashings, outcomes.hashings);
        answer(self.retries, outcomes.retries);
    }

    /// Answers every call with a failure.
    pub(super) fn refuse(self, failure: &Failure) {
        refuse(self.intents, failure);
        refuse(self.repeats, failure);
        refuse(self.registrations, failure);
        refuse(self.leases, failure);
        refuse(self.progress, failure);
        refuse(self.hashings, failure);
        refuse(self.retries, failure);
    }
}

fn add<Q, A>(calls: &mut Vec<Call<Q, A>>, call: Call<Q, A>) {
    if !call.reply.is_closed() {
        calls.push(call);
    }
}

fn requests<Q, A>(calls: &[Call<Q, A>]) -> Vec<&Q> {
    calls.iter().map(|call| &call.request).collect()
}

fn answer<Q, A>(calls: Vec<Call<Q, A>>, outcomes: Vec<A>) {
    for (call, outcome) in calls.into_iter().zip(outcomes) {
        // a caller that has gone does not hear of it
        let _ = call.reply.send(Ok(outcome));
    }
}

fn refuse<Q, A>(calls: Vec<Call<Q, A>>, failure: &Failure) {
    for call in calls {
        let _ = call.reply.send(Err(failure.told()));
    }
}
