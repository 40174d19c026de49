use nexus_raw::{
    asset::{DeclaredPart, PartNumber},
    ports::{CompletionOutcome, OpenUpload},
};

use super::{
    list::upload_parts,
    requests::{Completion, ListedPart, UploadRef},
};
use crate::{failure::RequestFailure, store::Store};

/// Puts the parts of an upload together, each as it was declared.
pub(crate) async fn complete(
    store: &Store,
    upload: &OpenUpload,
    declared: &[DeclaredPart],
) -> Result<CompletionOutcome, RequestFailure> {
    let named = match name_parts(store, upload, declared).await? {
        Named::All(parts) => parts,
        Named::Missing(parts) => return Ok(CompletionOutcome::MissingParts(parts)),
        Named::UnknownUpload => return look(store, upload).await,
    };
    let completion = Completion {
        size_bytes: upload.size_bytes.get(),
        parts: &named,
    };
    let completed = store
        .complete_upload(UploadRef::of(upload), completion)
        .await;
    let Err(failure) = completed else {
        return Ok(CompletionOutcome::Completed);
    };
    if failure.is_taken_key() {
        return Ok(CompletionOutcome::Completed);
    }
    if failure.is_unknown_upload() {
        return look(store, upload).await;
    }
    match failure.code() {
        Some("InvalidPart" | "InvalidPartOrder" | "EntityTooSmall" | "BadDigest") => {
            refused(store, upload, declared, &named).await
        }
        _ => Err(failure),
    }
}

/// The parts that a completion names, with their entity tags.
enum Named {
    All(Vec<(DeclaredPart, String)>),
    /// Some are not there as they were declared.
    Missing(Vec<PartNumber>),
    UnknownUpload,
}

async fn name_parts(
    store: &Store,
    upload: &OpenUpload,
    declared: &[DeclaredPart],
) -> Result<Named, RequestFailure> {
    let listed = upload_parts(store, UploadRef::of(upload), 0, PartNumber::MAX).await?;
    let Some(listed) = listed else {
        return Ok(Named::UnknownUpload);
    };
    let mut named = Vec::with_capacity(declared.len());
    let mut missing = Vec::new();
    for part in declared {
        let at = listed.binary_search_by_key(&part.number, |it| it.number);
        match at.ok().and_then(|at| listed.get(at)) {
            Some(held) if is_as_declared(held, part) => named.push((*part, held.etag.clone())),
            _ => missing.push(part.number),
        }
    }
    Ok(if missing.is_empty() {
        Named::All(named)
    } else {
        Named::Missing(missing)
    })
}

/// Few stores list digests; the store itself has compared them with the signed ones.
fn is_as_declared(held: &ListedPart, part: &DeclaredPart) -> bool {
    held.size_bytes == part.size_bytes.get()
        && held.sha256.is_none_or(|digest| digest == part.sha256)
}

/// The outcome of a completion for which some part does not do: one that has changed since it was
/// named, or any.
async fn refused(
    store: &Store,
    upload: &OpenUpload,
    declared: &[DeclaredPart],
    named: &[(DeclaredPart, String)],
) -> Result<CompletionOutcome, RequestFailure> {
    let missing = match name_parts(store, upload, declared).await? {
        Named::UnknownUpload => return look(store, upload).await,
        Named::Missing(parts) => parts,
        Named::All(again) => {
            let changed = again
                .iter()
                .zip(named)
                .filter(|(now, then)| now.1 != then.1);
            changed.map(|(now, _)| now.0.number).collect()
        }
    };
    Ok(CompletionOutcome::MissingParts(if missing.is_empty() {
        declared.iter().map(|part| part.number).collect()
    } else {
        missing
    }))
}

/// The outcome for an upload that the store does not know: it was completed, or is lost.
async fn look(store: &Store, upload: &OpenUpload) -> Result<CompletionOutcome, RequestFailure> {
    let found = store.head(upload.address.key.as_str()).await?;
    Ok(match found {
        Some(_) => CompletionOutcome::Completed,
        None => CompletionOutcome::UnknownUpload,
    })
}
