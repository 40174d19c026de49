//! A reader that lists the assets of a scope again and again, each page at another replica.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::task::JoinHandle;

use crate::{
    check::{self, Scope},
    fleet::Fleet,
    reader::ScopeReader,
};

/// Small, so that others register between the pages of a list.
const LIMIT: usize = 7;

/// The ids of each list, newest first.
pub(crate) type Lists = Vec<Vec<String>>;

/// One for each scope; returns the lists that it read until `stop` is set, and one more.
pub(crate) fn of_every_scope(
    fleet: &Arc<Fleet>,
    stop: &Arc<AtomicBool>,
) -> Vec<JoinHandle<(Scope, Lists)>> {
    let list = |scope| {
        let mut reader = ScopeReader::of(scope, Arc::clone(fleet));
        let stop = Arc::clone(stop);
        tokio::spawn(async move {
            let mut lists = Lists::new();
            loop {
                let stopping = stop.load(Ordering::Relaxed);
                lists.push(list(&mut reader).await);
                if stopping {
                    return (reader.scope, lists);
                }
            }
        })
    };
    check::scopes().map(list).collect()
}

async fn list(reader: &mut ScopeReader) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let body = reader
            .get(&format!("/nexus/raw?limit={LIMIT}{cursor}"))
            .await;
        let assets = body["assets"].as_array().unwrap();
        ids.extend(
            assets
                .iter()
                .map(|it| it["asset_id"].as_str().unwrap().to_owned()),
        );
        match body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}
