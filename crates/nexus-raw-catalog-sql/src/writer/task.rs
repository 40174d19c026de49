use std::{sync::Arc, time::Instant};

use tokio::sync::{mpsc, oneshot};

use super::{
    Signals,
    batch::{Batch, Message},
};
use crate::{
    backend::{GroupWriter, WriteError},
    error::Failure,
};

/// How many calls share a transaction at most. What a call adds to a group costs others time, and
/// beyond this it saves next to nothing.
const GROUP: usize = 256;

/// Writes what is queued until there is nobody left to queue, somebody closes, or the medium
/// fails. After that everything queued is refused, since nobody takes it any more.
pub(super) async fn run(
    mut backend: Box<dyn GroupWriter>,
    mut queue: mpsc::Receiver<Message>,
    signals: Arc<Signals>,
) {
    let mut closing = None;
    while closing.is_none() {
        let Some(first) = queue.recv().await else {
            break;
        };
        let batch = gather(first, &mut queue, &mut closing);
        if let Err(failure) = write(&mut *backend, batch, &signals).await {
            tracing::error!(
                error = %failure,
                "the catalogue's medium has failed; nothing is written any more"
            );
            signals.fail();
            return;
        }
    }
    drop(queue);
    backend.close().await;
    if let Some(closed) = closing {
        // whoever asked may have gone
        let _ = closed.send(());
    }
}

/// The calls that wait now, up to a wish to close.
fn gather(
    first: Message,
    queue: &mut mpsc::Receiver<Message>,
    closing: &mut Option<oneshot::Sender<()>>,
) -> Batch {
    let mut batch = Batch::default();
    *closing = batch.add(first);
    while closing.is_none() && batch.len() < GROUP {
        match queue.try_recv() {
            Ok(message) => *closing = batch.add(message),
            Err(_) => break,
        }
    }
    batch
}

/// Writes a batch; where it is refused as a whole, each of its calls alone, once.
///
/// # Errors
/// When the medium failed.
async fn write(
    backend: &mut dyn GroupWriter,
    batch: Batch,
    signals: &Signals,
) -> Result<(), Failure> {
    let Some((batch, failure)) = attempt(backend, batch, signals).await? else {
        return Ok(());
    };
    if batch.len() == 1 {
        batch.refuse(&failure);
        return Ok(());
    }
    for single in batch.into_singles() {
        if let Some((single, failure)) = attempt(backend, single, signals).await? {
            single.refuse(&failure);
        }
    }
    Ok(())
}

/// Writes a batch as one transaction and answers its calls; gives it back where it was refused.
async fn attempt(
    backend: &mut dyn GroupWriter,
    batch: Batch,
    signals: &Signals,
) -> Result<Option<(Batch, Failure)>, Failure> {
    if batch.len() == 0 {
        return Ok(None);
    }
    let began = Instant::now();
    let written = backend.write(batch.group()).await;
    signals.attempted(batch.len(), began.elapsed(), &written);
    match written {
        Ok(outcomes) => {
            if outcomes.has_event() {
                signals.commit();
            }
            batch.answer(outcomes);
            Ok(None)
        }
        Err(WriteError::Unavailable(failure)) => {
            batch.refuse(&failure);
            Ok(None)
        }
        Err(WriteError::Refused(failure)) => Ok(Some((batch, failure))),
        Err(WriteError::Fatal(failure)) => {
            batch.refuse(&failure);
            Err(failure)
        }
    }
}
