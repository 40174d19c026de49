use std::{
    collections::BTreeMap,
    io::{Write, stderr},
    path::{Component, Path, PathBuf},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use nexus_raw::asset::AssetId;
use reqwest::StatusCode;

use crate::{
    args::GetArgs,
    client::Service,
    failure::{Failure, Peer},
    incoming::{Destination, Expected, Incoming, Partial},
    progress::Progress,
    render::{self, Escaped},
};

/// Downloads the assets, after all their records are read and all names are free. One that fails
/// does not stop the others; the first failure is the command's.
pub(crate) async fn run(args: GetArgs, out: &mut impl Write) -> Result<(), Failure> {
    let service = Service::new(&args.service, Progress::none())?;
    let mut ids = args.ids.clone();
    ids.sort_unstable();
    ids.dedup();
    let place = args.output.as_deref();
    if ids.len() > 1 && place.is_some_and(|it| !it.is_dir()) {
        let fault = "for several assets -o must be an existing directory";
        return Err(Failure::Usage(fault.to_owned()));
    }
    let at_once = usize::from(args.concurrency);
    let records: Vec<_> = stream::iter(ids)
        .map(|id| record(&service, id))
        .buffered(at_once)
        .try_collect()
        .await?;
    if let (Some("-"), [(expected, _)]) = (place.and_then(Path::to_str), &*records) {
        let mut incoming = Incoming::new(*expected, Destination::Output(out));
        service.download(expected.asset_id, &mut incoming).await?;
        return incoming.publish(false).await;
    }
    let files = files(records, place, args.force)?;
    let mut downloads = stream::iter(files)
        .map(|(path, expected)| save(&service, path, expected, args.force))
        .buffer_unordered(at_once);
    let mut first = None;
    let mut printed = Ok(());
    while let Some(saved) = downloads.next().await {
        match saved {
            // a reader that closes its pipe does not stop the downloads
            Ok(path) => {
                if printed.is_ok() {
                    printed = writeln!(out, "{}", Escaped(&path.to_string_lossy()));
                }
            }
            Err(failure) if first.is_none() => first = Some(failure),
            // without standard error, the exit code still reports the first
            Err(failure) => drop(render::failure(&mut stderr().lock(), &failure)),
        }
    }
    match first {
        Some(failure) => Err(failure),
        None => Ok(printed?),
    }
}

/// Returns what the record says of an asset's content, and its file name.
async fn record(service: &Service, id: AssetId) -> Result<(Expected, String), Failure> {
    let record = service.asset(id).await?.asset(id)?;
    let facts = record.facts();
    let expected = Expected {
        asset_id: id,
        size_bytes: facts.size_bytes.get(),
        sha256: facts.sha256,
    };
    Ok((expected, facts.filename.as_str().to_owned()))
}

/// Returns the file of each asset: no two are the same, and none is there unless it may be replaced.
fn files(
    records: Vec<(Expected, String)>,
    place: Option<&Path>,
    force: bool,
) -> Result<BTreeMap<PathBuf, Expected>, Failure> {
    let mut files = BTreeMap::new();
    for (expected, name) in records {
        let path = match place {
            Some(place) if !place.is_dir() => place.to_owned(),
            Some(directory) => directory.join(plain(&name)?),
            None => plain(&name)?.to_owned(),
        };
        if path.is_dir() || (!force && path.symlink_metadata().is_ok()) {
            return Err(Failure::Exists { path });
        }
        let asset_id = expected.asset_id;
        if let Some(other) = files.insert(path, expected) {
            return Err(Failure::Usage(format!(
                "assets {} and {asset_id} have the same file name; get them one by one with -o",
                other.asset_id
            )));
        }
    }
    Ok(files)
}

/// Returns a file name as a path of one part, which does not leave its directory.
fn plain(name: &str) -> Result<&Path, Failure> {
    let path = Path::new(name);
    let mut parts = path.components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(part)), None) if part == name => Ok(path),
        _ => Err(Failure::UnexpectedResponse {
            from: Peer::Service,
            status: StatusCode::OK,
        }),
    }
}

async fn save(
    service: &Service,
    path: PathBuf,
    expected: Expected,
    force: bool,
) -> Result<PathBuf, Failure> {
    let partial = Partial::create(path.clone())?;
    let mut incoming = Incoming::new(expected, Destination::File(partial));
    service.download(expected.asset_id, &mut incoming).await?;
    incoming.publish(force).await?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leaves_its_directory() {
        assert_eq!(plain("DSCN0010.jpg").unwrap(), Path::new("DSCN0010.jpg"));
        for name in ["", ".", "..", "/etc/passwd", "../x", "a/b", "a/", "./a"] {
            assert!(plain(name).is_err(), "{name}");
        }
    }
}
