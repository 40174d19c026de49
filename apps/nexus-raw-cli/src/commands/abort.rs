use std::io::Write;

use crate::{args::AbortArgs, client::Service, failure::Failure, progress::Progress};

/// Aborts an upload in parts, and says what holds now: the service answers the same to a repeat.
pub(crate) async fn run(args: &AbortArgs, out: &mut impl Write) -> Result<(), Failure> {
    let asset_id = args.id;
    let service = Service::new(&args.service, Progress::none())?;
    let aborted = service.abort(asset_id).await;
    aborted.map_err(|failure| match failure {
        Failure::Problem(problem) if problem.code == "asset-conflict" => {
            Failure::NotAborted { asset_id, problem }
        }
        other => other,
    })?;
    let done = format!("the upload of asset {asset_id} is aborted");
    writeln!(
        out,
        "{done}: its parts are removed from the store, and it can never be registered"
    )
    .and_then(|()| out.flush())
    .map_err(|error| Failure::from(error).after(done))
}
