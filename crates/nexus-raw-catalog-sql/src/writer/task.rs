use std::{sync::Arc, time::Instant};

use tokio::sync::{mpsc, oneshot};

use super::{Message, Pending, Signals, Write, Written};
use crate::{
    backend::{GroupWriter, WriteError},
    error::Failure,
};

/// The maximum number of calls in a transaction. Each call delays the others, and beyond this
/// number saves almost nothing.
const GROUP: usize = 256;

/// Writes what is queued until all handles are dropped, a close is requested, or the medium fails.
/// After that all queued calls fail, since the queue is dropped.
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
                "catalogue medium failed, writes stopped"
            );
            signals.fail();
            return;
        }
    }
    drop(queue);
    backend.close().await;
    if let Some(closed) = closing {
        // the receiver may be gone
        let _ = closed.send(());
    }
}

/// Takes the queued calls, up to a request to close. A call whose caller is gone is dropped: it has
/// not begun, so it has no effect.
fn gather(
    first: Message,
    queue: &mut mpsc::Receiver<Message>,
    closing: &mut Option<oneshot::Sender<()>>,
) -> Vec<Pending> {
    let mut batch = Vec::new();
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Message::Write(pending) if pending.reply.is_closed() => {}
            Message::Write(pending) => batch.push(*pending),
            Message::Close(closed) => {
                *closing = Some(closed);
                break;
            }
        }
        next = if batch.len() < GROUP {
            queue.try_recv().ok()
        } else {
            None
        };
    }
    batch
}

/// Writes a batch; if it is refused as a whole, retries each of its calls alone, once.
///
/// # Errors
/// If the medium failed.
async fn write(
    backend: &mut dyn GroupWriter,
    batch: Vec<Pending>,
    signals: &Signals,
) -> Result<(), Failure> {
    let Some((batch, failure)) = attempt(backend, batch, signals).await? else {
        return Ok(());
    };
    if batch.len() == 1 {
        refuse(batch, &failure);
        return Ok(());
    }
    for single in batch {
        if let Some((single, failure)) = attempt(backend, vec![single], signals).await? {
            refuse(single, &failure);
        }
    }
    Ok(())
}

/// Writes a batch as one transaction and replies to its calls; returns the batch if it was refused.
async fn attempt(
    backend: &mut dyn GroupWriter,
    batch: Vec<Pending>,
    signals: &Signals,
) -> Result<Option<(Vec<Pending>, Failure)>, Failure> {
    if batch.is_empty() {
        return Ok(None);
    }
    let began = Instant::now();
    let group: Vec<&Write> = batch.iter().map(|it| &it.write).collect();
    let written = backend.write(&group).await;
    signals.attempted(&batch, began.elapsed(), &written);
    match written {
        Ok(outcomes) => {
            if outcomes.iter().flatten().any(Written::concerns_relay) {
                signals.commit();
            }
            for (pending, outcome) in batch.into_iter().zip(outcomes) {
                match outcome {
                    Ok(written) => pending.answer(Ok(written)),
                    Err(failure) => pending.answer(Err(&failure)),
                }
            }
            Ok(None)
        }
        Err(WriteError::Unavailable(failure)) => {
            refuse(batch, &failure);
            Ok(None)
        }
        Err(WriteError::Refused(failure)) => Ok(Some((batch, failure))),
        Err(WriteError::Fatal(failure)) => {
            refuse(batch, &failure);
            Err(failure)
        }
    }
}

fn refuse(batch: Vec<Pending>, failure: &Failure) {
    for pending in batch {
        pending.answer(Err(failure));
    }
}
