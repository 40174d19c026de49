use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use nexus_raw::{
    asset::{
        AssetId, ByteSize, Fact, IntegrityLevel, RawAsset, Sha256Digest, StatedFact, UploadIntent,
        Verdict,
    },
    event::{DatasetEvent, EventBody, EventType},
    ports::{
        Backlog, CallerKey, CatalogError, CatalogTotals, DownloadKey, DownloadOutcome, IntentState,
        KeptEvent, KeyClaim, KeyedIntent, KeyedOutcome, Lease, NewAsset, NewDownload, NewImport,
        ParkedEvent, ParkedFilter, Progress, ProgressChange, RegisterOutcome, RepeatOutcome,
        SinkName, StandingKey,
    },
    tenancy::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use super::{parts::Parts, verifications, works::WorkState};
use crate::sample;

/// The state of a catalogue. Each method is one transaction.
#[derive(Debug, Default)]
pub(super) struct State {
    scopes: BTreeMap<Scope, ScopeState>,
    keys: BTreeMap<CallerKey, KeptKey>,
    claims: BTreeMap<CallerKey, (Sha256Digest, Timestamp)>,
    closed: BTreeSet<(Scope, AssetId)>,
    pub(super) downloads: BTreeMap<DownloadKey, Timestamp>,
    lease: Option<HeldLease>,
    pub(super) works: BTreeMap<(Scope, AssetId), WorkState>,
    pub(super) parts: Parts,
    progress: BTreeMap<SinkName, SinkState>,
}

#[derive(Debug, Default)]
struct ScopeState {
    intents: BTreeMap<AssetId, IntentState>,
    /// The event of sequence `n` is at `n - 1`.
    events: Vec<DatasetEvent>,
    facts: BTreeMap<AssetId, Vec<StatedFact>>,
}

/// An idempotency key until `ends_at`.
#[derive(Debug)]
struct KeptKey {
    body_digest: Sha256Digest,
    asset_id: AssetId,
    ends_at: Timestamp,
}

#[derive(Debug)]
struct HeldLease {
    owner: Uuid,
    lease: Lease,
}

/// The progress of a sink.
#[derive(Debug, Default)]
struct SinkState {
    cursors: BTreeMap<Scope, u64>,
    parked: Vec<Parked>,
}

#[derive(Debug)]
struct Parked {
    event: ParkedEvent,
    retry_asked: bool,
}

impl SinkState {
    fn pass(&mut self, scope: Scope, sequence: u64) {
        let cursor = self.cursors.entry(scope).or_default();
        *cursor = sequence.max(*cursor);
    }

    fn park(&mut self, event: ParkedEvent) {
        let place = |it: &&mut Parked| {
            (&it.event.scope, it.event.sequence) == (&event.scope, event.sequence)
        };
        match self.parked.iter_mut().find(place) {
            Some(kept) if kept.retry_asked => {
                kept.event = event;
                kept.retry_asked = false;
            }
            // an already parked event stays unchanged
            Some(_) => {}
            None => self.parked.push(Parked {
                event,
                retry_asked: false,
            }),
        }
    }
}

fn is_meant(filter: &ParkedFilter, sink: &SinkName, event: &ParkedEvent) -> bool {
    filter.sink.as_ref().is_none_or(|it| it == sink)
        && filter
            .tenant
            .as_ref()
            .is_none_or(|it| *it == event.scope.tenant)
        && filter
            .environment
            .as_ref()
            .is_none_or(|it| *it == event.scope.environment)
        && filter.sequence.is_none_or(|it| it == event.sequence)
}

impl State {
    pub(super) fn intent(&self, scope: &Scope, asset: AssetId) -> Option<&IntentState> {
        self.scopes.get(scope)?.intents.get(&asset)
    }

    pub(super) fn scopes(&self) -> impl Iterator<Item = &Scope> {
        self.scopes.keys()
    }

    pub(super) fn intents(&self, scope: &Scope) -> impl Iterator<Item = &IntentState> {
        let state = self.scopes.get(scope).into_iter();
        state.flat_map(|it| it.intents.values())
    }

    pub(super) fn intent_mut(&mut self, scope: &Scope, asset: AssetId) -> Option<&mut IntentState> {
        self.scopes.get_mut(scope)?.intents.get_mut(&asset)
    }

    pub(super) fn append(&mut self, scope: &Scope, event: EventBody) {
        let state = self.scopes.entry(scope.clone()).or_default();
        state.append(scope, event);
    }

    pub(super) fn asset(&self, scope: &Scope, asset: AssetId) -> Option<&RawAsset> {
        match self.intent(scope, asset)? {
            IntentState::Registered { asset, .. } => Some(asset),
            IntentState::Pending(_) | IntentState::Aborted(_) => None,
        }
    }

    pub(super) fn content(
        &self,
        scope: &Scope,
        sha256: Sha256Digest,
        size_bytes: ByteSize,
    ) -> Option<&RawAsset> {
        let mut assets = self.registered_in(scope);
        assets.find(|asset| {
            let facts = asset.facts();
            (facts.sha256, facts.size_bytes) == (sha256, size_bytes)
                && match verifications::latest(self, scope, asset.asset_id()) {
                    Some(latest) => latest.verdict() == Verdict::Intact,
                    None => asset.integrity().level != IntegrityLevel::S3CompositeSha256,
                }
        })
    }

    /// The facts of an asset, in order of sequence.
    pub(super) fn facts_of(&self, scope: &Scope, asset: AssetId) -> &[StatedFact] {
        let facts = self.scopes.get(scope).and_then(|it| it.facts.get(&asset));
        facts.map_or(&[], Vec::as_slice)
    }

    /// The records of a scope, in order of registration.
    pub(super) fn registered_in(&self, scope: &Scope) -> impl Iterator<Item = &RawAsset> {
        let events = self.events_in(scope).iter();
        let registrations =
            events.filter(|event| event.body.event_type == EventType::RawAssetRegistered);
        registrations.filter_map(|it| self.asset(scope, it.body.asset_id))
    }

    /// Records a fact of a registered asset, and returns its sequence.
    pub(super) fn append_fact(
        &mut self,
        key: &Scope,
        asset: AssetId,
        fact: Fact,
        event: EventBody,
    ) -> u64 {
        let scope = self.scopes.entry(key.clone()).or_default();
        let (at, by) = (event.occurred_at, event.user_id.clone());
        scope.append(key, event);
        let sequence = scope.events.len().try_into().unwrap();
        let stated = StatedFact::new(sequence, at, by, fact);
        scope.facts.entry(asset).or_default().push(stated);
        sequence
    }

    pub(super) fn events_in(&self, scope: &Scope) -> &[DatasetEvent] {
        self.scopes
            .get(scope)
            .map_or(&[], |state| state.events.as_slice())
    }

    pub(super) fn totals(&self) -> CatalogTotals {
        let mut totals = CatalogTotals::default();
        let scopes = self.scopes.values();
        for state in scopes.flat_map(|scope| scope.intents.values()) {
            match state {
                IntentState::Pending(intent) if self.is_closed(intent) => {}
                IntentState::Pending(intent) => {
                    totals.open_intents += 1;
                    totals.open_bytes += intent.facts.size_bytes.get();
                }
                IntentState::Registered { asset, .. } => {
                    totals.corrupt_assets += u64::from(verifications::denies(self, asset));
                }
                IntentState::Aborted(_) => {}
            }
        }
        totals
    }

    /// Whether it was closed, and was not registered or aborted since.
    pub(super) fn is_closed(&self, intent: &UploadIntent) -> bool {
        let key = (intent.scope.clone(), intent.asset_id);
        self.closed.contains(&key)
            && matches!(self.intent(&key.0, key.1), Some(IntentState::Pending(_)))
    }

    /// Returns the intent if it is pending and not closed.
    pub(super) fn open_intent(&self, scope: &Scope, asset: AssetId) -> Option<&UploadIntent> {
        match self.intent(scope, asset)? {
            IntentState::Pending(intent) if !self.is_closed(intent) => Some(intent),
            _ => None,
        }
    }

    pub(super) fn close_intents(
        &mut self,
        scope: &Scope,
        assets: &[AssetId],
        now: Timestamp,
    ) -> u32 {
        let mut closed = 0;
        for asset in assets {
            let has_ended = |it: &UploadIntent| it.ends_at <= now;
            if self.open_intent(scope, *asset).is_some_and(has_ended) {
                self.closed.insert((scope.clone(), *asset));
                closed += 1;
            }
        }
        closed
    }

    pub(super) fn unknown_parents(&self, scope: &Scope, parents: &[AssetId]) -> Vec<usize> {
        let unknown = |parent: AssetId| self.asset(scope, parent).is_none();
        (0..parents.len())
            .filter(|&at| unknown(parents[at]))
            .collect()
    }

    pub(super) fn record_intent(
        &mut self,
        intent: UploadIntent,
        event: EventBody,
    ) -> Result<(), CatalogError> {
        let scope = self.scopes.entry(intent.scope.clone()).or_default();
        if scope.intents.contains_key(&intent.asset_id) {
            return Err(CatalogError::AlreadyExists);
        }
        scope.append(&intent.scope, event);
        scope
            .intents
            .insert(intent.asset_id, IntentState::Pending(intent));
        Ok(())
    }

    pub(super) fn key(&self, key: &CallerKey, now: Timestamp) -> Option<StandingKey> {
        let kept = self.keys.get(key).filter(|kept| kept.ends_at > now)?;
        let state = self.intent(&key.scope, kept.asset_id)?.clone();
        (!matches!(state, IntentState::Aborted(_))).then_some(StandingKey {
            body_digest: kept.body_digest,
            state,
        })
    }

    pub(super) fn record_keyed_intent(
        &mut self,
        new: KeyedIntent,
    ) -> Result<KeyedOutcome, CatalogError> {
        if self.key(&new.key, new.intent.requested_at).is_some() {
            return Ok(KeyedOutcome::KeyStands);
        }
        let kept = KeptKey {
            body_digest: new.body_digest,
            asset_id: new.intent.asset_id,
            ends_at: new.intent.ends_at,
        };
        self.record_intent(new.intent, new.event)?;
        self.keys.insert(new.key, kept);
        Ok(KeyedOutcome::Recorded)
    }

    pub(super) fn claim_key(&mut self, claim: KeyClaim) -> Sha256Digest {
        let standing = self.claims.get(&claim.key);
        let standing = standing.filter(|(_, ends_at)| *ends_at > claim.claimed_at);
        if let Some((body_digest, _)) = standing {
            return *body_digest;
        }
        let kept = (claim.body_digest, claim.ends_at);
        self.claims.insert(claim.key, kept);
        claim.body_digest
    }

    pub(super) fn record_repeated_presign(&mut self, event: EventBody) -> RepeatOutcome {
        let key = event.scope();
        if self.open_intent(&key, event.asset_id).is_none() {
            return RepeatOutcome::NotPending;
        }
        let scope = self.scopes.entry(key.clone()).or_default();
        let presigns = scope.events.iter().filter(|stored| {
            stored.body.asset_id == event.asset_id
                && stored.body.event_type == EventType::RawAssetPresigned
        });
        if presigns.count() >= UploadIntent::MAX_PRESIGNS.try_into().unwrap() {
            return RepeatOutcome::Exhausted;
        }
        scope.append(&key, event);
        RepeatOutcome::Recorded
    }

    pub(super) fn record_download(&mut self, new: NewDownload) -> DownloadOutcome {
        let key = &new.key;
        if self.asset(&key.scope, key.asset_id).is_none() {
            return DownloadOutcome::UnknownAsset;
        }
        let last = self.facts_of(&key.scope, key.asset_id).last();
        let is_changed = last.map(|it| it.sequence) != new.last_fact;
        match self.downloads.get(key) {
            Some(end) if *end >= new.enough_until => DownloadOutcome::Granted(*end),
            _ if is_changed => DownloadOutcome::Changed,
            _ => {
                let scope = self.scopes.entry(key.scope.clone()).or_default();
                scope.append(&key.scope, new.event);
                self.downloads.insert(new.key, new.ends_at);
                DownloadOutcome::Recorded
            }
        }
    }

    pub(super) fn register(&mut self, new: NewAsset) -> RegisterOutcome {
        let asset = &new.asset;
        let (key, id) = (asset.scope().clone(), asset.asset_id());
        let parents = asset.provenance().lineage.derived_from.as_slice();
        let intent = match self.intent(&key, id) {
            None => return RegisterOutcome::UnknownIntent,
            Some(IntentState::Registered {
                asset,
                provenance_digest,
                ..
            }) => {
                return RegisterOutcome::AlreadyRegistered {
                    asset: asset.clone(),
                    provenance_digest: *provenance_digest,
                };
            }
            Some(IntentState::Aborted(_)) => return RegisterOutcome::Aborted,
            Some(IntentState::Pending(intent)) => intent.clone(),
        };
        let unknown = self.unknown_parents(&key, parents);
        if !unknown.is_empty() {
            return RegisterOutcome::UnknownParents(unknown);
        }
        let scope = self.scopes.entry(key.clone()).or_default();
        scope.append(&key, new.event);
        let registered = IntentState::Registered {
            intent,
            asset: Box::new(new.asset),
            provenance_digest: new.provenance_digest,
        };
        scope.intents.insert(id, registered);
        RegisterOutcome::Registered
    }

    pub(super) fn record_import(&mut self, import: NewImport) -> RegisterOutcome {
        let NewImport { intent, new } = import;
        let (scope, id) = (intent.scope.clone(), intent.asset_id);
        let parents = new.asset.provenance().lineage.derived_from.as_slice();
        if self.intent(&scope, id).is_none() && self.unknown_parents(&scope, parents).is_empty() {
            let state = self.scopes.entry(scope).or_default();
            state.intents.insert(id, IntentState::Pending(intent));
        }
        match self.register(new.clone()) {
            RegisterOutcome::UnknownIntent => {
                let asset = &new.asset;
                let parents = asset.provenance().lineage.derived_from.as_slice();
                RegisterOutcome::UnknownParents(self.unknown_parents(asset.scope(), parents))
            }
            outcome => outcome,
        }
    }

    pub(super) fn lease(&mut self, owner: Uuid, now: Timestamp, ttl: Duration) -> Option<Lease> {
        let until = now.saturating_add(ttl);
        let epoch = match &self.lease {
            None => 1,
            Some(held) if held.owner == owner => held.lease.epoch,
            Some(held) if held.lease.until > now => return None,
            Some(held) => held.lease.epoch + 1,
        };
        let lease = Lease { epoch, until };
        self.lease = Some(HeldLease { owner, lease });
        Some(lease)
    }

    pub(super) fn undelivered(
        &self,
        sink: &SinkName,
        limit: usize,
        held: &[Scope],
    ) -> Vec<DatasetEvent> {
        let mut pending: Vec<_> = self
            .scopes
            .iter()
            .filter(|(scope, _)| !held.contains(scope))
            .map(|(scope, state)| state.events[self.cursor(sink, scope)..].iter())
            .collect();
        // round robin over scopes, so that a busy scope does not starve the others
        let mut turn = Vec::new();
        while turn.len() < limit {
            let round: Vec<_> = pending.iter_mut().filter_map(Iterator::next).collect();
            if round.is_empty() {
                break;
            }
            turn.extend(round.into_iter().cloned());
        }
        turn.truncate(limit);
        turn
    }

    pub(super) fn oldest_undelivered(&self, sink: &SinkName) -> Option<Timestamp> {
        let undelivered = self
            .scopes
            .iter()
            .flat_map(|(scope, state)| &state.events[self.cursor(sink, scope)..]);
        undelivered.map(|event| event.body.occurred_at).min()
    }

    pub(super) fn backlog(&self, sink: &SinkName) -> Backlog {
        let before = self.scopes.iter();
        let before = before.map(|(scope, state)| state.events.len() - self.cursor(sink, scope));
        Backlog {
            undelivered: before.sum::<usize>().try_into().unwrap(),
            oldest: self.oldest_undelivered(sink),
            parked: self.parked(sink).len().try_into().unwrap(),
        }
    }

    pub(super) fn advance(&mut self, reported: Progress) -> bool {
        let is_current = |held: &HeldLease| held.lease.epoch == reported.epoch;
        if !self.lease.as_ref().is_some_and(is_current) {
            return false;
        }
        let progress = self.progress.entry(reported.sink).or_default();
        match reported.change {
            ProgressChange::Delivered(cursors) => {
                for (scope, sequence) in cursors {
                    progress.pass(scope, sequence);
                }
            }
            ProgressChange::Parked(event) => {
                progress.pass(event.scope.clone(), event.sequence);
                progress.park(event);
            }
            ProgressChange::Retried { scope, sequence } => progress
                .parked
                .retain(|it| (&it.event.scope, it.event.sequence) != (&scope, sequence)),
        }
        true
    }

    pub(super) fn parked(&self, sink: &SinkName) -> Vec<ParkedEvent> {
        let progress = self.progress.get(sink).into_iter();
        let parked = progress.flat_map(|progress| &progress.parked);
        parked.map(|parked| parked.event.clone()).collect()
    }

    pub(super) fn kept(&self, filter: &ParkedFilter, limit: usize) -> Vec<KeptEvent> {
        let mut kept: Vec<_> = self
            .progress
            .iter()
            .flat_map(|(sink, progress)| progress.parked.iter().map(move |it| (sink, it)))
            .filter(|(sink, it)| is_meant(filter, sink, &it.event))
            .map(|(sink, it)| KeptEvent {
                sink: sink.clone(),
                parked: it.event.clone(),
                retry_asked: it.retry_asked,
            })
            .collect();
        kept.sort_by(|one, other| {
            let place =
                |it: &KeptEvent| (it.sink.clone(), it.parked.scope.clone(), it.parked.sequence);
            place(one).cmp(&place(other))
        });
        kept.truncate(limit);
        kept
    }

    pub(super) fn ask_retry(&mut self, filter: &ParkedFilter) -> u64 {
        let mut asked = 0;
        for (sink, progress) in &mut self.progress {
            for it in &mut progress.parked {
                if is_meant(filter, sink, &it.event) {
                    it.retry_asked = true;
                    asked += 1;
                }
            }
        }
        asked
    }

    pub(super) fn retries(&self, sink: &SinkName, limit: usize) -> Vec<DatasetEvent> {
        let filter = ParkedFilter {
            sink: Some(sink.clone()),
            ..ParkedFilter::default()
        };
        self.kept(&filter, usize::MAX)
            .into_iter()
            .filter(|it| it.retry_asked)
            .take(limit)
            .map(|it| {
                let place = usize::try_from(it.parked.sequence).unwrap() - 1;
                self.events_in(&it.parked.scope)[place].clone()
            })
            .collect()
    }

    /// Returns the number of events of a scope before the sink's cursor.
    fn cursor(&self, sink: &SinkName, scope: &Scope) -> usize {
        let cursor = self
            .progress
            .get(sink)
            .and_then(|progress| progress.cursors.get(scope));
        let behind = usize::try_from(cursor.copied().unwrap_or(0)).unwrap();
        behind.min(self.events_in(scope).len())
    }
}

impl ScopeState {
    fn append(&mut self, scope: &Scope, body: EventBody) {
        let sequence = u64::try_from(self.events.len()).unwrap() + 1;
        self.events.push(DatasetEvent {
            event_id: DatasetEvent::id_at(sample::log_id(scope), sequence),
            sequence,
            body,
        });
    }
}
