//! The example of an embedding, on the real adapters.

use nexus_raw::event::EventType;

#[expect(dead_code, reason = "its `main` is for who runs it by hand")]
#[path = "../../../examples/embed.rs"]
mod embed;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_takes_in_a_content_with_the_real_adapters_and_again_in_the_same_place() {
    let directory = tempfile::tempdir().unwrap();
    let mut ids = Vec::new();
    for content in [&b"a photograph"[..], b"another photograph"] {
        let (asset, events) = embed::take_in(directory.path(), content).await.unwrap();
        assert_eq!(
            usize::try_from(asset.facts().size_bytes.get()),
            Ok(content.len())
        );
        assert_eq!(
            events
                .iter()
                .map(|it| it.body.event_type)
                .collect::<Vec<_>>(),
            [EventType::RawAssetPresigned, EventType::RawAssetRegistered]
        );
        ids.push(asset.asset_id());
    }
    assert!(ids[0] < ids[1], "ids follow the time: {ids:?}");
}
