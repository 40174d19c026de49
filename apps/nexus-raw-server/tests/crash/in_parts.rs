//! What the kill left of an upload in parts, its caller goes on with.

use crate::{
    Lives, check,
    client::{self, Client, ENV, TENANTS},
    common::parts,
};

const TENANT: &str = TENANTS[0];

/// What has no answer, since the kill came.
#[derive(Debug, Clone, Copy)]
enum Lost {
    Declaration,
    Registration,
    Abort,
}

/// How far an upload was when the program was killed.
#[derive(Debug, Clone, Copy)]
enum Kill {
    /// At a point that the call comes by.
    At(&'static str, Lost),
    Presigned,
    Declared,
    /// So many of the parts were uploaded, the last first.
    Uploaded(usize),
}

const KILLS: [Kill; 14] = [
    Kill::At("after-begin", Lost::Declaration),
    Kill::At("after-signing", Lost::Declaration),
    Kill::At("after-intent", Lost::Declaration),
    Kill::At("after-head", Lost::Registration),
    Kill::At("after-completion", Lost::Registration),
    Kill::At("in-register", Lost::Registration),
    Kill::At("after-commit", Lost::Registration),
    Kill::At("after-abort", Lost::Abort),
    Kill::At("in-presign", Lost::Abort),
    Kill::Presigned,
    Kill::Declared,
    Kill::Uploaded(1),
    Kill::Uploaded(2),
    Kill::Uploaded(3),
];

#[tokio::test]
async fn an_upload_in_parts_goes_on_after_a_kill_at_any_point() {
    let mut lives = Lives::new();
    let content = parts::content(2);
    let (server, client) = lives.start();
    let waiting = client.presign_in_parts(TENANT, &content).await.unwrap();
    let declared = client.declare(TENANT, &waiting, &content).await.unwrap();
    client::put(&declared[1], &content).await.unwrap();
    lives.audit.take(&server.kill());

    for kill in KILLS {
        let asset_id = killed(&mut lives, kill, &content).await;
        let (server, client) = lives.start();
        if let Kill::Uploaded(count) = kill {
            let sent = client.upload_parts(TENANT, &asset_id, &content).await;
            assert_eq!(sent, Some(3 - count), "the store holds {count}");
        }
        let assets = lives.ledger.assets();
        lives.check(&server, &client, &assets).await;
        lives.audit.take(&server.kill());
    }

    // an upload that was begun and not recorded is removed, and one that is waited for is not
    let (server, client) = lives.start();
    let store = lives.machine.store(&server);
    let key = format!("tenants/{TENANT}/{ENV}/raw/{waiting}/crash.bin");
    parts::wait_until_open(&store, "nexus-raw", &[&key]).await;
    let sent = client.upload_parts(TENANT, &waiting, &content).await;
    assert_eq!(sent, Some(2));
    let answer = client.register(TENANT, &waiting).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.json());
    check::every_object_is_what_was_uploaded(&store, &lives.ledger.assets());
}

/// Takes an upload to where the kill comes; its asset's id.
async fn killed(lives: &mut Lives, kill: Kill, content: &[u8]) -> String {
    let (server, client) = lives.start();
    let asset_id = client.presign_in_parts(TENANT, content).await.unwrap();
    lives.ledger.presigned(&asset_id, (TENANT, ENV));
    lives.ledger.in_parts(&asset_id, content);
    let output = match kill {
        Kill::At(point, lost) => {
            if !matches!(lost, Lost::Declaration) {
                let sent = client.upload_parts(TENANT, &asset_id, content).await;
                assert_eq!(sent, Some(3));
            }
            lives.arm(point);
            let answered = lost_call(lives, &client, lost, (&asset_id, content)).await;
            assert_eq!(answered, None, "{point}");
            lives.died_at(server, point)
        }
        Kill::Presigned => server.kill(),
        Kill::Declared => {
            client.declare(TENANT, &asset_id, content).await.unwrap();
            server.kill()
        }
        Kill::Uploaded(count) => {
            let declared = client.declare(TENANT, &asset_id, content).await.unwrap();
            for part in declared.iter().rev().take(count) {
                client::put(part, content).await.unwrap();
            }
            server.kill()
        }
    };
    lives.audit.take(&output);
    asset_id
}

async fn lost_call(
    lives: &Lives,
    client: &Client,
    lost: Lost,
    (asset_id, content): (&str, &[u8]),
) -> Option<()> {
    match lost {
        Lost::Declaration => client.declare(TENANT, asset_id, content).await.map(drop),
        Lost::Registration => {
            lives.ledger.uploaded(asset_id);
            client.register(TENANT, asset_id).await.map(drop)
        }
        Lost::Abort => {
            lives.ledger.aborting(asset_id);
            client.abort(TENANT, asset_id).await
        }
    }
}
