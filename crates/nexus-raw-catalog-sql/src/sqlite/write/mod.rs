//! The writes of a group, inside its transaction.

mod assets;
mod consent;
mod downloads;
mod ends;
mod events;
mod facts;
mod intents;
mod keys;
mod ledger;
mod parts;
mod registrations;
mod relay;
mod repeats;
mod verifications;
mod work;

use nexus_raw::{
    asset::UploadIntent,
    event::DatasetEvent,
    ports::{DownloadOutcome, FactOutcome, RepeatOutcome},
};

pub(in crate::sqlite) use self::relay::deliver;
pub(in crate::sqlite) use self::work::END_CLAIMS;
use self::{assets::NewRecord, events::SequencedEvent, ledger::Ledger};
use crate::{
    backend::WriteError,
    error::Failure,
    object_store::ObjectStoreIdentity,
    registration::AssetKey,
    sqlite::connection::SqliteConnection,
    writer::{
        IntentOutcome, Members, NewIntent, Outcomes, OutcomesDiffer, RecordedDownload,
        RecordedFact, RecordedVerification, Registration, RepeatedPresign, UploadAbort, Write,
        Written,
    },
};

/// A written group.
pub(in crate::sqlite) struct WrittenGroup {
    pub(in crate::sqlite) outcomes: Vec<Result<Written, Failure>>,
    /// The events, if they are wanted, per scope in the order of their sequences.
    pub(in crate::sqlite) events: Vec<DatasetEvent>,
}

/// Writes a group, each row by a prepared statement: intents first, with their keys,
/// then repeated presigns, registrations, aborts, downloads, verifications and facts, each with its
/// event, then the others.
pub(in crate::sqlite) fn group(
    connection: &mut SqliteConnection,
    store: &ObjectStoreIdentity,
    group: &[&Write],
    events_are_wanted: bool,
) -> Result<WrittenGroup, WriteError> {
    let intents: Members<'_, NewIntent> = Members::of(group);
    let repeats: Members<'_, RepeatedPresign> = Members::of(group);
    let registrations: Members<'_, Registration> = Members::of(group);
    let aborts: Members<'_, UploadAbort> = Members::of(group);
    let downloads: Members<'_, RecordedDownload> = Members::of(group);
    let verifications: Members<'_, RecordedVerification> = Members::of(group);
    let facts: Members<'_, RecordedFact> = Members::of(group);
    let new = keys::record(connection, store, &intents.requests)?;
    let recorded = chosen(&intents.requests, &new, &IntentOutcome::Recorded);
    let again = repeats::decide(connection, &repeats.requests, &recorded)?;
    let (decided, closed) = registrations::decide(connection, &registrations.requests)?;
    let stated = facts::decide(connection, &facts.requests)?;
    let registered = decided.registered(&registrations.requests);
    let imported = record_imports(connection, store, &registered)?;
    let aborted = parts::decide(connection, &aborts.requests, &registered)?;
    let repeated = chosen(&repeats.requests, &again, &RepeatOutcome::Recorded);
    let granted = downloads::decide(connection, &downloads.requests)?;
    let downloaded = chosen(&downloads.requests, &granted, &DownloadOutcome::Recorded);
    let verified = verifications::decide(connection, &verifications.requests)?;
    let new_facts = facts.requests.iter().zip(&stated);
    let new_facts: Vec<_> = new_facts
        .filter_map(|(it, outcome)| outcome.is_none().then_some(*it))
        .collect();
    let state = GroupState {
        recorded: &recorded,
        repeated: &repeated,
        imported: &imported,
        registered: &registered,
        closed: &closed,
        aborted: &aborted.written,
        downloaded: &downloaded,
        verified: &verified.written,
        facts: &new_facts,
    };
    let (written, events) = write_state(connection, state, events_are_wanted)?;
    let mut written = written.into_iter();
    let stated = stated.into_iter();
    let stated = stated.map(|it| it.or_else(|| written.next()).ok_or(OutcomesDiffer));
    let stated = stated.collect::<Result<_, _>>()?;
    let mut outcomes = Outcomes::of(group);
    outcomes.set_all(&intents, new)?;
    outcomes.set_all(&repeats, again)?;
    outcomes.set_all(&registrations, decided.outcomes)?;
    outcomes.set_all(&aborts, aborted.outcomes)?;
    outcomes.set_all(&downloads, granted)?;
    outcomes.set_all(&verifications, verified.outcomes)?;
    outcomes.set_all(&facts, stated)?;
    for (index, write) in group.iter().enumerate() {
        let written = match write {
            Write::Intent(_)
            | Write::Repeat(_)
            | Write::Register(_)
            | Write::Abort(_)
            | Write::Download(_)
            | Write::Verify(_)
            | Write::Fact(_) => continue,
            Write::Advance(it) => Written::Advance(consent::advance(connection, it)?),
            Write::Lease(it) => Written::Lease(relay::lease(connection, it)?),
            Write::Progress(it) => Written::Progress(relay::progress(connection, it)?),
            Write::Work(it) => Written::Work(work::step(connection, it)?),
            Write::Begin(it) => Written::Begin(parts::begin(connection, it)?),
            Write::Parts(it) => Written::Parts(parts::declare(connection, it)?),
            Write::Claim(it) => Written::Claim(keys::claim(connection, it)?),
            Write::Close(it) => Written::Close(ends::close(connection, it)?),
            Write::Retry(it) => Written::Retry(relay::ask_retry(connection, it)?),
        };
        outcomes.set(index, Ok(written))?;
    }
    Ok(WrittenGroup {
        outcomes: outcomes.finish()?,
        events,
    })
}

/// Writes the intents of imports that have none, and returns them.
fn record_imports<'a>(
    connection: &mut SqliteConnection,
    store: &ObjectStoreIdentity,
    registered: &[(&'a Registration, bool)],
) -> Result<Vec<&'a UploadIntent>, WriteError> {
    let intents = registered.iter();
    let intents: Vec<_> = intents.filter_map(|(it, _)| it.intent.as_deref()).collect();
    let outcomes = intents::insert(connection, store, &intents)?;
    Ok(chosen(&intents, &outcomes, &IntentOutcome::Recorded))
}

/// The members of a group that are written.
struct GroupState<'a> {
    recorded: &'a [&'a NewIntent],
    repeated: &'a [&'a RepeatedPresign],
    /// The intents of imports, which are no events of their own.
    imported: &'a [&'a UploadIntent],
    registered: &'a [(&'a Registration, bool)],
    /// Intents of these that were closed.
    closed: &'a [AssetKey],
    aborted: &'a [(&'a UploadAbort, Option<i64>)],
    downloaded: &'a [&'a RecordedDownload],
    verified: &'a [(&'a RecordedVerification, i64)],
    facts: &'a [&'a RecordedFact],
}

/// Assigns every event its sequence, and writes events, records, verifications and facts. Returns
/// the outcomes of the facts, and the events if they are wanted.
fn write_state(
    connection: &mut SqliteConnection,
    GroupState {
        recorded,
        repeated,
        imported,
        registered,
        closed,
        aborted,
        downloaded,
        verified,
        facts,
    }: GroupState<'_>,
    events_are_wanted: bool,
) -> Result<(Vec<FactOutcome>, Vec<DatasetEvent>), WriteError> {
    let mut ledger = Ledger::default();
    for it in recorded {
        ledger.open(&it.intent);
    }
    for it in repeated {
        ledger.add_event(&it.scope);
    }
    for it in imported {
        ledger.promise(it);
    }
    for (it, _) in registered {
        let asset = &it.new.asset;
        let is_it = |(scope, id): &AssetKey| scope == asset.scope() && *id == asset.asset_id();
        ledger.register(asset, closed.iter().any(is_it));
    }
    for (it, size) in aborted {
        ledger.abort(&it.scope, *size);
    }
    for it in downloaded {
        ledger.add_event(&it.new.key.scope);
    }
    for (it, corrupt) in verified {
        ledger.verify(&it.new.scope, *corrupt);
    }
    for it in facts {
        ledger.add_event(&it.new.scope);
    }
    if ledger.is_empty() {
        return Ok(<_>::default());
    }
    ledger.write(connection)?;
    let mut events = Vec::new();
    for it in recorded {
        events.push(ledger.assign(&it.intent.scope, &it.event)?);
    }
    for it in repeated {
        events.push(ledger.assign(&it.scope, &it.event)?);
    }
    let mut records = Vec::with_capacity(registered.len());
    for (it, train_ok_effective) in registered {
        let event = ledger.assign(it.new.asset.scope(), &it.event)?;
        records.push(NewRecord {
            new: &it.new,
            sequence: event.sequence,
            train_ok_effective: *train_ok_effective,
        });
        events.push(event);
    }
    for (it, _) in aborted {
        events.push(ledger.assign(&it.scope, &it.event)?);
    }
    for it in downloaded {
        events.push(ledger.assign(&it.new.key.scope, &it.event)?);
    }
    for (it, _) in verified {
        events.push(ledger.assign(&it.new.scope, &it.event)?);
    }
    let mut stated = Vec::with_capacity(facts.len());
    for it in facts {
        let event = ledger.assign(&it.new.scope, &it.event)?;
        stated.push((*it, event.sequence));
        events.push(event);
    }
    events::insert(connection, &events)?;
    registrations::insert(connection, &records)?;
    parts::abort(connection, aborted)?;
    downloads::insert(connection, downloaded)?;
    verifications::apply(connection, verified)?;
    let stated = facts::insert(connection, &stated)?;
    let wanted = events.iter().filter(|_| events_are_wanted);
    Ok((stated, wanted.map(SequencedEvent::committed).collect()))
}

/// Returns the members with this outcome.
fn chosen<'a, Q, A: PartialEq>(members: &[&'a Q], outcomes: &[A], outcome: &A) -> Vec<&'a Q> {
    let decided = members.iter().zip(outcomes);
    decided
        .filter_map(|(member, it)| (it == outcome).then_some(*member))
        .collect()
}

/// The statements here that search for rows.
#[cfg(test)]
pub(in crate::sqlite) const ALL: &[&str] = &[
    keys::KEYS_IN_USE,
    keys::ENDED,
    keys::CLAIM,
    keys::CLAIMED,
    ledger::WRITE,
    intents::STORE,
    registrations::MARK,
    parts::UPLOADS,
    parts::BEGIN,
    parts::OPEN,
    parts::DIFFERING,
    ends::CLOSE,
    ends::COUNT,
    repeats::PRESIGNS,
    consent::NOTE_WITHDRAWAL,
    consent::WITHDRAW,
    consent::NOTE_RESTORATION,
    consent::NOTE_SCOPE,
    consent::FRONT_OF,
    consent::CHILDREN,
    consent::REMOVE,
    consent::REMOVE_THESE,
    consent::MAKE_FALSE,
    consent::MAKE_TRUE,
    consent::NOTE,
    facts::LAST,
    facts::APPLY,
    facts::RETIRE_LABELS,
    facts::REMOVE_LABELS,
    facts::STATE_LABELS,
    downloads::STANDING,
    downloads::ENDED,
    verifications::STANDING,
    verifications::APPLY,
    work::CLAIM_STATE,
    work::CLAIM,
    work::ENDED,
    work::RENEW,
    work::RELEASE,
    work::END_CLAIMS,
];
