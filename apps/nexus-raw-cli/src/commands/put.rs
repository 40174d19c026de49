use std::{io::Write, path::Path, time::Duration};

use crate::{
    args::PutArgs,
    client::{PresignRequest, RegisterRequest, Service},
    content::{self, Content},
    failure::Failure,
    progress::Progress,
    render,
};

/// Hashes, presigns, uploads and registers.
pub(crate) async fn run(args: PutArgs, out: &mut impl Write) -> Result<(), Failure> {
    let progress = Progress::on_terminal();
    let service = Service::new(&args.service, progress.clone())?;
    let filename = filename(&args)?;
    let outcome = store(&args, filename, &service, &progress).await;
    progress.end();
    let record = outcome?;
    if args.json {
        render::document(out, &record)
    } else {
        render::record(out, &record, None)
    }
}

async fn store(
    args: &PutArgs,
    filename: String,
    service: &Service,
    progress: &Progress,
) -> Result<bytes::Bytes, Failure> {
    let provenance = args.provenance.provenance()?;
    let content = Content::read(&args.path, progress)?;
    let content_type = args
        .content_type
        .clone()
        .unwrap_or_else(|| content::media_type(Path::new(&filename)));
    let presigned = service
        .presign(&PresignRequest {
            filename,
            content_type,
            size_bytes: content.size_bytes,
            sha256: content.sha256(),
        })
        .await?;
    service.upload(&presigned.upload, &content).await?;
    let request = RegisterRequest {
        asset_id: presigned.asset_id,
        provenance,
    };
    let timeout = Duration::from_secs(args.wait_seconds.into());
    service.register(&request, timeout).await
}

/// Returns the name to store; the service checks it.
fn filename(args: &PutArgs) -> Result<String, Failure> {
    match (&args.filename, args.path.file_name()) {
        (Some(name), _) => Ok(name.clone()),
        (None, Some(name)) => name.to_str().map(str::to_owned).ok_or_else(|| {
            Failure::Usage("the file's name is not UTF-8; set one with --filename".to_owned())
        }),
        (None, None) => Err(Failure::Usage(format!(
            "{} has no file name",
            args.path.display()
        ))),
    }
}
