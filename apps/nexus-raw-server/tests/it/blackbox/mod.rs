//! What a caller sees from outside: the program, HTTP, a store. The same on every
//! [`House`](crate::house::House).

pub(crate) mod behind_its_back;
pub(crate) mod contents;
pub(crate) mod cors;
pub(crate) mod downloads;
pub(crate) mod ends_of_urls;
pub(crate) mod facts;
pub(crate) mod feed;
pub(crate) mod forgeries;
pub(crate) mod idempotency;
pub(crate) mod life;
pub(crate) mod main_job;
pub(crate) mod parts;
pub(crate) mod problems;
pub(crate) mod readers;
pub(crate) mod refusals;
pub(crate) mod restarts;

/// Makes a test on a house of each rule.
macro_rules! rules_on {
    ($house:ty => $($module:ident { $($rule:ident,)+ })+) => {$(
        mod $module {
            use crate::house::House as _;

            $(#[tokio::test]
            async fn $rule() {
                crate::blackbox::$module::$rule(<$house>::open()).await;
            })+
        }
    )+};
}

/// Every rule.
macro_rules! whole {
    ($house:ty) => {
        $crate::blackbox::rules_on! { $house =>
            behind_its_back {
                another_object_at_the_key_is_not_registered_and_each_difference_is_named,
                what_was_deleted_is_not_there_and_may_be_put_again,
                a_record_is_kept_whether_or_not_its_object_is,
            }
            contents {
                contents_names_and_types_come_back_as_they_were,
                sql_in_any_text_is_stored_and_returned_as_that_text,
                a_content_has_at_most_what_is_configured,
            }
            cors {
                a_page_of_a_configured_origin_presigns_uploads_and_registers,
                without_a_configured_origin_no_page_reads_an_answer,
            }
            downloads {
                a_registered_photograph_is_downloaded_under_its_name_and_type,
                a_download_url_is_refused_after_its_end,
            }
            ends_of_urls {
                after_its_end_a_url_opens_nothing_and_neither_does_its_intent,
            }
            facts {
                a_fact_is_in_force_for_every_descendant_also_after_a_restart,
            }
            feed {
                who_pulls_hears_of_everything_once_in_order_and_of_nothing_else,
                a_place_outlives_a_restart,
            }
            forgeries {
                every_part_of_a_signed_url_is_held,
                every_signed_header_is_held_and_none_may_be_added,
                a_url_to_put_is_a_url_for_nothing_else,
            }
            idempotency {
                a_key_finds_its_asset_again_after_races_and_restarts,
                a_key_is_free_when_the_time_to_upload_is_over,
            }
            life {
                a_session_of_photographs_is_kept_read_and_delivered_in_order,
            }
            main_job {
                a_photograph_goes_in_and_its_events_come_out,
                of_a_hundred_callers_at_once_one_registers_and_all_get_the_same_bytes,
                another_tenant_does_not_learn_that_an_asset_exists,
                everything_survives_a_restart,
            }
            parts {
                a_film_is_uploaded_in_parts_across_a_restart_and_registered_once,
                an_aborted_upload_leaves_nothing_and_takes_no_more,
                of_fifty_who_register_an_upload_in_parts_at_once_one_writes,
            }
            problems {
                every_problem_of_the_contract_that_a_caller_can_bring_about_is_answered_as_it_says,
            }
            readers {
                three_hundred_who_read_nothing_cost_little_memory_and_no_other_tenant_its_answers,
            }
            refusals {
                the_store_refuses_everything_that_was_not_promised,
                an_object_with_a_header_that_nobody_promised_is_not_registered,
                what_browsers_add_to_an_upload_by_themselves_keeps_nothing_from_being_registered,
            }
            restarts {
                of_many_who_register_across_a_kill_one_writes_and_all_get_the_same_bytes,
                a_url_outlives_the_server_that_signed_it,
            }
        }
    };
}

pub(crate) use {rules_on, whole};
