use std::{collections::VecDeque, sync::Arc, time::Instant};

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
    let mut steps = Steps::default();
    while closing.is_none() || !steps.held.is_empty() {
        let first = if closing.is_some() {
            None
        } else if steps.held.is_empty() {
            queue.recv().await
        } else {
            // what is held back does not wait for others
            queue.try_recv().ok()
        };
        if first.is_none() && steps.held.is_empty() {
            break;
        }
        let gathered = gather(first, &mut queue, &mut closing);
        let batch = steps.spread(gathered);
        if let Err(failure) = write(&mut *backend, batch, &signals).await {
            tracing::error!(
                error = %failure,
                "catalogue medium failed, writes stopped"
            );
            // first, so that whoever is notified finds that writes are refused
            drop(queue);
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
    first: Option<Message>,
    queue: &mut mpsc::Receiver<Message>,
    closing: &mut Option<oneshot::Sender<()>>,
) -> Vec<Pending> {
    let mut batch = Vec::new();
    let mut next = first;
    while let Some(message) = next {
        match message {
            Message::Write(pending) if pending.reply.is_closed() => {}
            Message::Write(pending) => batch.push(pending),
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

/// Steps of changes of consent that are held back. A batch has at most one, and the batch after it
/// none if it has other calls, so that these are not slowed down to less than half.
#[derive(Default)]
struct Steps {
    held: VecDeque<Pending>,
    /// Whether the last batch had a step.
    had_one: bool,
}

impl Steps {
    fn spread(&mut self, gathered: Vec<Pending>) -> Vec<Pending> {
        let is_step = |it: &Pending| matches!(*it.write, Write::Advance(_));
        let (steps, mut batch): (Vec<_>, Vec<_>) = gathered.into_iter().partition(is_step);
        self.held.extend(steps);
        let may_have_one = !self.had_one || batch.is_empty();
        let step = may_have_one.then(|| self.held.pop_front()).flatten();
        self.had_one = step.is_some();
        batch.extend(step);
        batch
    }
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
    let group: Vec<&Write> = batch.iter().map(|it| &*it.write).collect();
    let change = signals.changing(&batch);
    let written = backend.write(&group).await;
    drop(change);
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

#[cfg(test)]
mod tests {
    use nexus_raw::ports::KeyClaim;
    use nexus_raw_testkit::sample;

    use super::*;
    use crate::writer::{ConsentStep, Kind};

    fn pending(write: Write) -> Pending {
        let (reply, _) = oneshot::channel();
        let write = Box::new(write);
        Pending { write, reply }
    }

    fn step() -> Pending {
        let scope = sample::scope("t_a", "dev");
        pending(
            ConsentStep {
                scope,
                max_changes: 1,
            }
            .into_write(),
        )
    }

    fn other() -> Pending {
        let key = sample::key(&sample::scope("t_b", "dev"), "k");
        let claim = KeyClaim {
            key,
            body_digest: nexus_raw::asset::Sha256Digest::of(b""),
            claimed_at: sample::now(),
            ends_at: sample::now(),
        };
        pending(claim.into_write())
    }

    #[test]
    fn every_second_batch_of_others_is_free_of_steps() {
        let mut steps = Steps::default();
        let shape = |batch: Vec<Pending>| {
            let is_step = |it: &Pending| matches!(*it.write, Write::Advance(_));
            let count = batch.iter().filter(|it| is_step(it)).count();
            (count, batch.len() - count)
        };
        assert_eq!(shape(steps.spread(vec![step(), other(), step()])), (1, 1));
        assert_eq!(shape(steps.spread(vec![other(), step()])), (0, 1));
        assert_eq!(shape(steps.spread(vec![other()])), (1, 1));
        assert_eq!(shape(steps.spread(vec![other(), other()])), (0, 2));
        // alone, they need not wait
        assert_eq!(shape(steps.spread(vec![step()])), (1, 0));
        assert_eq!(shape(steps.spread(vec![])), (1, 0));
        assert_eq!(shape(steps.spread(vec![])), (0, 0));
        assert!(steps.held.is_empty());
    }
}
