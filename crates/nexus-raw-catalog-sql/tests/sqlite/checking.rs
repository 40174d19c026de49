use std::fs;

use crate::{
    shared::{
        checking::{
            differences, fill, finds_nothing_in_an_untouched_catalogue,
            finds_the_one_difference_among_many,
        },
        tamperings::{TAMPERINGS, Tampering, statement},
    },
    support::Home,
};

#[tokio::test]
async fn an_untouched_catalogue_has_no_difference() {
    let home = Home::new();
    let catalog = home.open().await;
    finds_nothing_in_an_untouched_catalogue(&catalog, &home.url()).await;
    catalog.close().await;
}

#[tokio::test]
async fn each_change_behind_the_services_back_is_found_and_nothing_else() {
    let first = Home::new();
    let catalog = first.open().await;
    fill(&catalog).await;
    catalog.close().await;
    let mut wrong = Vec::new();
    for (sql, expected) in TAMPERINGS.iter().chain(OF_SQLITE) {
        let home = Home::new();
        fs::copy(first.file(), home.file()).unwrap();
        home.tamper(&statement(sql)).await;
        let (_, found) = differences(&home.url()).await;
        let expected = expected.iter().map(|it| (*it).to_owned()).collect();
        if found != expected {
            wrong.push((*sql, found));
        }
    }
    assert_eq!(wrong, []);
}

#[tokio::test]
async fn a_difference_is_found_beyond_the_first_page() {
    let home = Home::new();
    let catalog = home.open().await;
    let tamper = async |sql: String| home.tamper(&sql).await;
    finds_the_one_difference_among_many(&catalog, &home.url(), tamper).await;
    catalog.close().await;
}

/// The ids of events are kept there, and checked.
const OF_SQLITE: &[Tampering] = &[
    (
        "UPDATE event SET sequence = 17 WHERE {a} AND sequence = 14",
        &[
            "- scope.last_sequence differs",
            "-#14 event missing",
            "2#17 event.event_id invalid",
        ],
    ),
    (
        "UPDATE event SET event_id = {no} WHERE {a} AND sequence = 11",
        &["1#11 event.event_id invalid"],
    ),
    (
        "UPDATE scope_log SET log_id = {no} WHERE {a}",
        &[
            "1#1 event.event_id invalid",
            "1#10 event.event_id invalid",
            "1#11 event.event_id invalid",
            "1#13 event.event_id invalid",
            "1#2 event.event_id invalid",
            "1#9 event.event_id invalid",
            "2#12 event.event_id invalid",
            "2#14 event.event_id invalid",
            "2#3 event.event_id invalid",
            "2#4 event.event_id invalid",
            "3#5 event.event_id invalid",
            "4#6 event.event_id invalid",
            "5#7 event.event_id invalid",
            "5#8 event.event_id invalid",
            "6#15 event.event_id invalid",
            "6#16 event.event_id invalid",
        ],
    ),
];
