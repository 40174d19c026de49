//! The rules of the [black box](crate::blackbox) that `make test` takes to the engines of a platform.

/// What an engine could do otherwise, and its own contract would not show: the job from end to end,
/// and what the store and the catalogue have to keep together. The rest runs on the engines in
/// `make soak PARTS=houses`.
macro_rules! smoke {
    ($house:ty) => {
        $crate::blackbox::rules_on! { $house =>
            behind_its_back {
                another_object_at_the_key_is_not_registered_and_each_difference_is_named,
            }
            cors {
                a_page_of_a_configured_origin_presigns_uploads_and_registers,
            }
            downloads {
                a_registered_photograph_is_downloaded_under_its_name_and_type,
            }
            facts {
                a_fact_is_in_force_for_every_descendant_also_after_a_restart,
            }
            feed {
                who_pulls_hears_of_everything_once_in_order_and_of_nothing_else,
            }
            main_job {
                a_photograph_goes_in_and_its_events_come_out,
                of_a_hundred_callers_at_once_one_registers_and_all_get_the_same_bytes,
                another_tenant_does_not_learn_that_an_asset_exists,
            }
            refusals {
                the_store_refuses_everything_that_was_not_promised,
            }
            restarts {
                of_many_who_register_across_a_kill_one_writes_and_all_get_the_same_bytes,
            }
        }
    };
}

pub(crate) use smoke;
