//! The contract of [`AssetCatalog`], [`CatalogCensus`], [`IntentClosing`] and
//! [`VerificationBacklog`].

mod aborts;
mod backlog;
mod census;
mod claims;
mod closing;
mod consent;
mod content;
mod downloads;
mod durability;
mod events;
mod facts;
mod feed;
mod fidelity;
mod imports;
mod intents;
mod isolation;
mod key_races;
mod keys;
mod lineage;
mod listing;
mod odd;
mod parents;
mod parts;
mod races;
mod registration;
mod verifications;

use std::sync::Arc;

use async_trait::async_trait;
use nexus_raw::{
    asset::{AssetId, Provenance, RawAsset, UploadIntent},
    event::{DatasetEvent, EventBody},
    ports::{
        AssetCatalog, CallerKey, CatalogCensus, EventOutbox, EventQuery, IntentClosing,
        IntentState, KeyedOutcome, NewAsset, ParkedEvents, RegisterOutcome, RepeatOutcome,
        StandingKey, VerificationBacklog, WorkLedger,
    },
    service::PresignRequest,
    tenancy::Scope,
};

pub use self::{
    aborts::*, backlog::*, census::*, claims::*, closing::*, consent::*, content::*, downloads::*,
    durability::*, events::*, facts::*, feed::*, fidelity::*, imports::*, intents::*, isolation::*,
    key_races::*, keys::*, lineage::*, listing::*, parents::*, parts::*, races::*, registration::*,
    verifications::*,
};
use crate::{sample, steps};

/// A catalogue, by its ports.
#[derive(Clone)]
pub struct OpenCatalog {
    /// The service's port.
    pub catalog: Arc<dyn AssetCatalog>,
    /// The relay's port.
    pub outbox: Arc<dyn EventOutbox>,
    /// The hasher's port.
    pub digests: Arc<dyn WorkLedger>,
    /// The operator's port for parked events.
    pub parked: Arc<dyn ParkedEvents>,
    /// The port for metrics.
    pub census: Arc<dyn CatalogCensus>,
    /// The operator's port for verifications.
    pub backlog: Arc<dyn VerificationBacklog>,
    /// The operator's port for intents that have ended.
    pub closing: Arc<dyn IntentClosing>,
}

impl OpenCatalog {
    /// The ports of one implementation.
    #[must_use]
    pub fn of<C>(catalog: Arc<C>) -> Self
    where
        C: AssetCatalog
            + EventOutbox
            + WorkLedger
            + CatalogCensus
            + IntentClosing
            + ParkedEvents
            + VerificationBacklog,
    {
        Self {
            catalog: catalog.clone(),
            outbox: catalog.clone(),
            digests: catalog.clone(),
            census: catalog.clone(),
            backlog: catalog.clone(),
            closing: catalog.clone(),
            parked: catalog,
        }
    }
}

/// The harness of an implementation, for the suites of the catalogue, the outbox and the digests.
#[async_trait]
pub trait CatalogHarness: Send + Sync {
    /// Opens a new, empty catalogue. Called once for each harness.
    async fn open(&self) -> OpenCatalog;

    /// Closes the catalogue of [`Self::open`], as the end of the process would, and opens it again
    /// on its stored state. The suite has no other handle to it.
    async fn reopen(&self, open: OpenCatalog) -> OpenCatalog;

    /// The number of random lineages that are checked.
    fn random_graphs(&self) -> u64 {
        30
    }
}

/// Runs the contract suite of `AssetCatalog`, `CatalogCensus`, `IntentClosing` and
/// `VerificationBacklog`. Takes an expression that returns a new [`CatalogHarness`](crate::contract::catalog::CatalogHarness).
#[macro_export]
macro_rules! catalog_contract {
    ($harness:expr) => {
        $crate::contract_tests!(
            catalog,
            $harness,
            [
                a_recorded_intent_is_found_pending_and_is_event_one,
                an_intent_with_a_repeated_asset_id_is_refused_without_event_or_gap,
                an_unrecorded_asset_is_not_found,
                an_open_catalogue_is_ready,
                a_registration_is_found_and_adds_an_event,
                a_registration_without_an_intent_writes_nothing,
                a_second_registration_returns_the_first_and_writes_nothing,
                a_registered_intent_is_not_recorded_again,
                an_import_is_a_record_with_one_event,
                an_import_again_returns_the_first_and_writes_nothing,
                an_import_with_unknown_parents_writes_no_intent,
                an_import_registers_a_pending_intent,
                of_racing_imports_of_an_asset_one_is_recorded,
                a_parent_may_be_imported_right_before_its_child,
                imports_among_others_leave_no_gap,
                an_ended_intent_may_still_be_registered,
                events_of_an_asset_are_in_order_and_match_what_was_written,
                events_of_an_asset_exclude_those_of_others,
                pages_of_an_assets_events_join,
                event_ids_are_stable_and_distinct_across_scopes,
                events_after_a_sequence_are_those_of_the_scope_above_it_in_order,
                pages_of_events_respect_the_limit_and_join_without_a_gap,
                a_page_after_the_last_event_or_of_an_unknown_scope_is_empty,
                events_after_a_sequence_are_of_one_scope_only,
                events_of_types_are_those_of_the_feed_that_have_them,
                a_reader_of_events_misses_none_while_others_write,
                events_after_a_sequence_are_the_same_after_reopening,
                intents_are_open_until_registered_in_any_scope,
                refused_or_repeated_calls_open_no_intent,
                open_intents_are_counted_after_reopening,
                ended_intents_are_closed_and_no_longer_open,
                a_closed_intent_is_registered_all_the_same,
                a_closed_upload_in_parts_takes_nothing_and_is_aborted,
                closed_intents_of_other_scopes_do_not_meet,
                of_racing_closings_and_registrations_each_intent_counts_once,
                closed_intents_are_closed_after_reopening,
                a_claimed_key_is_bound_to_one_body_until_its_end,
                claims_of_other_callers_do_not_meet,
                of_racing_claims_of_a_key_one_wins,
                the_oldest_asset_of_a_content_is_found_in_its_scope_only,
                a_recorded_download_is_an_event_and_is_kept_until_its_end,
                a_download_that_is_still_good_writes_nothing,
                downloads_of_other_scopes_users_assets_and_dispositions_do_not_meet,
                what_is_not_registered_is_not_downloaded,
                a_verification_is_an_event_and_the_latest,
                a_verification_based_on_an_older_fact_is_refused,
                a_verification_under_a_lost_claim_is_refused,
                what_is_not_registered_is_not_verified,
                a_content_is_found_as_its_latest_verification_says,
                corrupt_assets_are_counted,
                verifications_of_other_scopes_do_not_meet,
                of_racing_verifications_the_last_event_is_the_latest,
                one_of_many_racing_claims_of_a_verification_succeeds,
                the_longest_unverified_assets_come_first_in_pages_that_join,
                scopes_are_listed_with_the_number_of_their_records,
                however_many_downloads_race_one_is_an_event,
                downloads_are_there_after_reopening,
                a_download_shows_what_is_in_force_by_now,
                a_fact_is_an_event_and_in_force,
                a_write_based_on_an_older_fact_is_refused,
                of_racing_facts_of_an_asset_one_is_recorded,
                what_is_not_registered_has_no_facts,
                lists_are_filtered_by_what_is_in_force,
                consent_is_withheld_at_once_and_restored_at_the_end,
                a_withdrawal_reaches_many_children_in_small_steps,
                a_withdrawal_from_a_thousand_descendants_is_in_force_at_once,
                a_change_of_consent_goes_on_after_reopening,
                consent_is_that_of_all_ancestors_in_random_graphs,
                consent_is_never_true_too_long_while_others_read_and_register,
                refusals_are_reported_nearest_first,
                a_lineage_is_that_of_the_edges_within_depth_and_limit,
                a_lineage_is_of_one_scope_only,
                assets_are_listed_newest_registration_first,
                of_several_assets_those_of_the_scope_are_found,
                a_list_has_the_assets_that_match_all_filters,
                a_listed_asset_has_the_flags_in_force,
                a_list_is_of_one_scope_only,
                pages_neither_skip_nor_repeat_while_others_register,
                a_catalogue_keeps_its_cursor_key,
                an_upload_in_parts_reads_back_as_it_was_written,
                an_upload_has_one_id_at_a_time,
                what_is_closed_is_not_begun,
                a_declared_part_keeps_its_digest,
                what_is_closed_takes_no_parts,
                pages_of_declared_parts_join,
                uploads_of_other_scopes_do_not_meet,
                an_upload_in_parts_is_registered_with_a_digest_that_was_stated_late,
                an_abort_is_an_event_and_for_good,
                only_a_pending_upload_in_parts_is_aborted,
                an_abort_frees_its_key,
                of_racing_ids_of_an_upload_one_is_in_force,
                of_racing_digests_of_a_part_one_is_declared,
                an_abort_and_a_registration_exclude_each_other,
                uploads_in_parts_survive_reopening,
                parents_are_written_and_read_in_order,
                unregistered_parents_are_reported_by_position_and_nothing_is_written,
                a_parent_in_another_scope_is_unknown,
                an_asset_is_not_its_own_parent,
                an_asset_may_have_as_many_parents_as_the_domain_allows,
                another_scope_sees_nothing,
                one_id_in_two_scopes_is_two_assets,
                a_registration_does_not_affect_another_scope,
                each_scope_counts_its_own_events,
                a_key_is_in_use_until_its_intent_ends,
                a_key_in_use_prevents_every_write,
                a_key_outlives_registration_and_is_free_once_its_intent_has_ended,
                an_intent_with_a_repeated_asset_id_reserves_no_key,
                keys_of_other_scopes_users_and_routes_are_independent,
                a_repeated_presign_adds_one_event_only,
                only_a_pending_intent_is_presigned_again,
                an_intent_is_presigned_a_hundred_times_at_most,
                racing_repeats_presign_an_intent_a_hundred_times_at_most,
                one_of_a_hundred_callers_with_one_key_is_recorded_and_each_url_is_an_event,
                keyed_and_repeated_presigns_among_others_leave_no_gap,
                a_dropped_keyed_call_is_atomic,
                keys_survive_reopening,
                every_field_reads_back_as_it_was_written,
                values_valid_under_older_rules_are_read_and_delivered,
                an_unstated_provenance_reads_back_unstated,
                one_of_a_hundred_racing_registrations_writes,
                one_of_many_racing_intents_with_one_id_is_recorded,
                mixed_writers_in_many_scopes_leave_no_gap,
                a_dropped_call_is_atomic,
                everything_survives_reopening,
                a_reopened_catalogue_continues_the_sequence,
            ]
        );
    };
}

async fn presign(open: &OpenCatalog, intent: &UploadIntent) {
    steps::presign(&*open.catalog, intent).await;
}

async fn presign_and_register(
    open: &OpenCatalog,
    intent: &UploadIntent,
    provenance: Provenance,
) -> NewAsset {
    steps::presign_and_register(&*open.catalog, intent, provenance).await
}

async fn register(open: &OpenCatalog, new: &NewAsset) -> RegisterOutcome {
    open.catalog.register(new.clone()).await.unwrap()
}

async fn intent_state(open: &OpenCatalog, scope: &Scope, asset: AssetId) -> Option<IntentState> {
    open.catalog.find_intent(scope, asset).await.unwrap()
}

async fn record(open: &OpenCatalog, scope: &Scope, asset: AssetId) -> Option<RawAsset> {
    let found = open.catalog.find_asset(scope, asset).await.unwrap();
    found.map(|it| it.asset)
}

async fn events(open: &OpenCatalog, scope: &Scope, asset: AssetId) -> Vec<DatasetEvent> {
    let query = EventQuery::first(1000).of_asset(asset);
    open.catalog.events(scope, &query).await.unwrap()
}

async fn events_after(
    open: &OpenCatalog,
    scope: &Scope,
    after: u64,
    limit: u32,
) -> Vec<DatasetEvent> {
    let query = EventQuery::first(limit).after(after);
    let events = open.catalog.events(scope, &query).await;
    events.unwrap()
}

/// Returns the events of an asset, without their ids.
async fn bodies_of(open: &OpenCatalog, scope: &Scope, asset: AssetId) -> Vec<(u64, EventBody)> {
    let events = events(open, scope, asset).await.into_iter();
    events.map(|event| (event.sequence, event.body)).collect()
}

/// Records `intent` under `key`.
async fn presign_keyed(open: &OpenCatalog, key: &CallerKey, intent: &UploadIntent) -> KeyedOutcome {
    let new = sample::keyed(key, intent);
    open.catalog.record_keyed_intent(new).await.unwrap()
}

/// Records a repeated presign of `intent`, at another time.
async fn presign_again(open: &OpenCatalog, intent: &UploadIntent) -> RepeatOutcome {
    let event = presigned_again(intent);
    open.catalog.record_repeated_presign(event).await.unwrap()
}

/// Returns the event of a repeated presign of `intent`.
fn presigned_again(intent: &UploadIntent) -> EventBody {
    EventBody {
        occurred_at: sample::seconds_after(30),
        ..sample::presigned(intent)
    }
}

/// Returns the state of `key` before the end of [`sample::intent`]s.
async fn key_of(open: &OpenCatalog, key: &CallerKey) -> Option<StandingKey> {
    let now = sample::seconds_after(60);
    open.catalog.find_key(key, now).await.unwrap()
}

/// Returns the state of a key after `intent` was recorded with it.
fn pending_under_key(intent: &UploadIntent) -> StandingKey {
    let facts = intent.facts.clone();
    StandingKey {
        body_digest: PresignRequest::new(facts).digest(),
        state: IntentState::Pending(intent.clone()),
    }
}

/// Returns the state of `intent` after the registration of `new`.
fn registered(intent: &UploadIntent, new: &NewAsset) -> IntentState {
    IntentState::Registered {
        intent: intent.clone(),
        asset: Box::new(new.asset.clone()),
        provenance_digest: new.provenance_digest,
    }
}

/// Returns the outcome of a registration after that of `new`.
fn already_registered(new: &NewAsset) -> RegisterOutcome {
    RegisterOutcome::AlreadyRegistered {
        asset: Box::new(new.asset.clone()),
        provenance_digest: new.provenance_digest,
    }
}
