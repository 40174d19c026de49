use std::{io::Write, time::Duration};

use crate::{
    args::RegisterArgs,
    client::{RegisterRequest, Service},
    content::Content,
    failure::Failure,
    progress::Progress,
    render,
};

/// Registers what is in the store already, and prints its record.
pub(crate) async fn run(args: &RegisterArgs, out: &mut impl Write) -> Result<(), Failure> {
    let asset_id = args.id;
    let provenance = args.provenance.provenance()?;
    let progress = Progress::on_terminal();
    let service = Service::new(&args.service, progress.clone())?;
    let sha256 = match &args.file {
        Some(path) => {
            let content = Content::read(path, |bytes| progress.advance(bytes));
            progress.end();
            Some(content?.sha256())
        }
        None => args.sha256,
    };
    let request = RegisterRequest {
        asset_id,
        sha256,
        provenance,
    };
    let timeout = Duration::from_secs(args.wait_seconds.into());
    let record = service.register(&request, timeout).await;
    let record = record.map_err(|failure| match failure {
        Failure::Problem(problem) if problem.ends_upload() => {
            Failure::NotRegistrable { asset_id, problem }
        }
        other => other,
    })?;
    let printed = if args.json {
        render::document(out, &record)
    } else {
        render::record(out, &record, None)
    };
    printed
        .and_then(|()| Ok(out.flush()?))
        .map_err(|failure| failure.after(format!("asset {asset_id} is registered")))
}
