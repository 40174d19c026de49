use std::{io::Write, path::Path, time::Duration};

use nexus_raw::asset::{Sha256Digest, Verdict};

use crate::{
    args::VerifyArgs,
    client::Service,
    content::Content,
    failure::Failure,
    progress::Progress,
    render::{self, Verification},
};

/// Compares the file with the record, and then has the service compare the object.
pub(crate) async fn run(args: &VerifyArgs, out: &mut impl Write) -> Result<(), Failure> {
    let asset_id = args.id;
    let progress = Progress::on_terminal();
    let service = Service::new(&args.service, progress.clone())?;
    let file = args.file.as_deref();
    let found = file.map(|path| digest(path, &progress)).transpose()?;
    let record = service.asset(asset_id).await?.asset(asset_id)?;
    let recorded = record.facts();
    if let Some((path, found)) = file.zip(found)
        && found != recorded.sha256
    {
        return Err(Failure::FileDiffers {
            path: path.to_owned(),
            asset_id,
            found,
            recorded: recorded.sha256,
        });
    }
    let timeout = Duration::from_secs(args.wait_seconds.into());
    let answer = service.verify(asset_id, timeout).await?;
    let verification = Verification::read(&answer)?;
    // a reader that closes its pipe must not turn another verdict into success
    let printed = if args.json {
        render::document(out, &answer)
    } else {
        verification.write(out, recorded, file)
    };
    match verification.verdict {
        Verdict::Intact => printed,
        Verdict::Corrupt => Err(Failure::Corrupt { asset_id }),
        Verdict::Missing => Err(Failure::Missing { asset_id }),
    }
}

fn digest(path: &Path, progress: &Progress) -> Result<Sha256Digest, Failure> {
    progress.start("hashing", std::fs::metadata(path).map_or(0, |it| it.len()));
    let content = Content::read(path, |bytes| progress.advance(bytes));
    progress.end();
    match content {
        Ok(content) => Ok(content.sha256()),
        // its exit code would be that of other content
        Err(Failure::File { path, source }) => Err(Failure::Usage(format!(
            "cannot read {}: {source}",
            path.display()
        ))),
        Err(failure) => Err(failure),
    }
}
