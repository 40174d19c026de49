//! Storing files and directories: a plan first, then the work.

mod described;
mod groups;
mod own_parts;
mod parts;
mod plan;
mod report;
mod session;
mod single;
mod standing;
mod state;
mod stated;

use std::{cell::Cell, env, future::ready, io::Write, path::PathBuf, sync::Arc};

use bytesize::ByteSize;
use futures_util::{StreamExt as _, stream};
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::sync::Semaphore;

use self::{
    described::MetadataRules,
    own_parts::OwnParts,
    plan::{Item, Plan},
    report::Report,
    session::{MAX_GROUPED_BYTES, Outcome, Session, blocking, request},
    state::StateDirectory,
};
use crate::{
    args::PutArgs,
    client::{Service, new_key},
    content::Content,
    failure::Failure,
    progress::{Progress, STORING},
    render::Escaped,
    settings::Settings,
    token_claims::claims,
};

/// The maximum number of small files in a group, and of their bytes together.
const MAX_GROUP: usize = 256;
const MAX_GROUP_BYTES: u64 = 8 * 1024 * 1024;

/// How many groups, files or uploads in parts are under way at a time. Their requests to the store are
/// bounded together.
const AT_ONCE: usize = 4;

/// A piece of work.
enum Job<'p> {
    Group(&'p [Item]),
    One(&'p Item),
    Parts(&'p Item),
}

/// Stores all files. One that fails does not stop the others, unless all of them would.
pub(crate) async fn run(args: &PutArgs, out: &mut impl Write) -> Result<(), Failure> {
    let provenance = args.provenance.provenance()?;
    let progress = if args.quiet {
        Progress::silent()
    } else if args.no_progress {
        Progress::none()
    } else {
        Progress::on_terminal()
    };
    let settings = Settings::resolve(&args.service.sources)?;
    let service = Service::of(&settings, args.service.retries, progress.clone())?;
    let mut plan = Plan::make(args)?;
    let user = claims(settings.token.value.expose_secret()).and_then(|it| it.sub);
    let scope = format!(
        "{}\n{}\n{}\n{}",
        settings.server.value,
        settings.tenant.value,
        settings.env.value,
        user.as_deref().unwrap_or_default()
    );
    let (state, made) = StateDirectory::open(state_directory(), scope);
    let session = Session {
        args,
        service,
        progress: progress.clone(),
        provenance,
        rules: MetadataRules::new(args),
        state,
        uploads: Semaphore::new(args.concurrency.into()),
        user,
        own_parts: OwnParts::default(),
    };
    let mut report = Report::new(args, progress.clone(), plan.is_one_file);
    report.plan(&plan);
    if let Err(error) = made {
        session.note(&format!(
            "uploads cannot be resumed by a later run: {error}"
        ));
    }
    let planned = plan.items.len() + plan.faults.len();
    for (path, failure) in std::mem::take(&mut plan.faults) {
        report.failure(out, &path, &failure)?;
    }
    if args.dry_run {
        return session.would_do(&plan, out).await;
    }
    progress.start(STORING, plan.size_bytes());
    let ended = session.all(&plan, &mut report, out).await;
    progress.end();
    ended?;
    report.end(planned)
}

impl Session<'_> {
    async fn all(
        &self,
        plan: &Plan,
        report: &mut Report<'_>,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let largest = self.largest_single(plan);
        let refused = match self.check(largest).await {
            Ok(refused) => refused,
            Err(failure) => return report.failure_of_all(out, plan, &failure),
        };
        let refused = largest.zip(refused);
        if let Some((item, failure)) = &refused {
            report.failure(out, &item.path, failure)?;
        }
        let is_refused = |job: &Job<'_>| match (job, &refused) {
            (Job::One(item), Some((refused, _))) => std::ptr::eq(*item, *refused),
            _ => false,
        };
        let mut jobs = jobs(&plan.items, self.args.part_threshold.as_u64());
        jobs.retain(|job| !is_refused(job));
        let must_stop = Cell::new(false);
        let mut work = stream::iter(jobs)
            .take_while(|_| ready(!must_stop.get()))
            .map(|job| self.done(job))
            .buffer_unordered(AT_ONCE);
        // what is under way goes on to its end, since it may be registered already
        while let Some(outcomes) = work.next().await {
            for outcome in outcomes {
                report.item(out, outcome)?;
            }
            must_stop.set(report.must_stop());
        }
        Ok(())
    }

    async fn done<'p>(&self, job: Job<'p>) -> Vec<Outcome<'p>> {
        let (item, result) = match job {
            Job::Group(items) => {
                let mut outcomes = self.group(items).await;
                // they are neighbours, so this is the order of the plan
                outcomes.sort_unstable_by_key(|it| std::ptr::from_ref(it.item).addr());
                return outcomes;
            }
            Job::One(item) => (item, self.one(item).await),
            Job::Parts(item) => (item, self.in_parts(item).await),
        };
        vec![Outcome {
            item,
            result: result.map_err(Arc::new),
        }]
    }

    /// Returns the largest of the files that are hashed before their upload, if it is worth a request.
    fn largest_single<'p>(&self, plan: &'p Plan) -> Option<&'p Item> {
        let threshold = self.args.part_threshold.as_u64();
        let single = plan.items.iter().filter(|it| it.size_bytes < threshold);
        let largest = single.max_by_key(|it| it.size_bytes);
        largest.filter(|it| it.size_bytes > MAX_GROUPED_BYTES)
    }

    /// Asks the service for what it would refuse at the end, before anything is hashed or sent. Returns
    /// why it refuses the largest file.
    async fn check(&self, largest: Option<&Item>) -> Result<Option<Failure>, Failure> {
        for parent in self.provenance.lineage.derived_from.as_slice() {
            self.service.asset(*parent).await?;
        }
        let Some(largest) = largest else {
            return Ok(None);
        };
        // without a digest nothing is begun, and every other fault is named
        let content_type = self.rules.content_type(&largest.filename);
        let request = request(largest, content_type, largest.size_bytes, None);
        match self.service.presign(&request, &new_key()?).await {
            Err(Failure::Problem(mut problem)) if problem.code == "validation-failed" => {
                problem.errors.retain(|fault| fault.pointer != "/sha256");
                let is_refused = !problem.errors.is_empty();
                Ok(is_refused.then_some(Failure::Problem(problem)))
            }
            Err(failure) => Err(failure),
            Ok(_) => Err(session::unexpected()),
        }
    }

    /// Prints what would be done with each file.
    async fn would_do(&self, plan: &Plan, out: &mut impl Write) -> Result<(), Failure> {
        let work = stream::iter(&plan.items).map(|item| async move {
            let is_standing = self.is_standing(item).await?;
            Ok::<_, Failure>((item, is_standing))
        });
        let mut work = work.buffered(AT_ONCE);
        while let Some(looked_at) = work.next().await {
            let (item, is_standing) = looked_at?;
            let doing = if is_standing {
                "skip"
            } else if item.size_bytes >= self.args.part_threshold.as_u64() {
                "store in parts"
            } else {
                "store"
            };
            let path = item.path.to_string_lossy();
            if self.args.json {
                let size_bytes = item.size_bytes;
                let line = json!({"path": path, "would": doing, "size_bytes": size_bytes});
                writeln!(out, "{line}")?;
            } else {
                let size = ByteSize::b(item.size_bytes);
                writeln!(out, "{doing:<14}  {size:>10}  {}", Escaped(&path))?;
            }
        }
        Ok(())
    }

    async fn is_standing(&self, item: &Item) -> Result<bool, Failure> {
        let may_stand = item.size_bytes > 0 && !self.args.again;
        if !may_stand || !self.has_size(item.size_bytes).await? {
            return Ok(false);
        }
        let path = item.path.clone();
        let content = blocking(move || Content::read(&path, drop)).await?;
        Ok(self.standing(item, content.sha256()).await?.is_some())
    }
}

/// Divides the work: groups of small files first, then the others.
fn jobs(items: &[Item], threshold: u64) -> Vec<Job<'_>> {
    let is_small =
        |item: &Item| item.size_bytes < threshold && item.size_bytes <= MAX_GROUPED_BYTES;
    let (mut groups, mut others) = (Vec::new(), Vec::new());
    for run in items.chunk_by(|one, next| is_small(one) && is_small(next)) {
        let mut rest = run;
        while let Some(first) = rest.first() {
            if !is_small(first) {
                others.push(if first.size_bytes < threshold {
                    Job::One(first)
                } else {
                    Job::Parts(first)
                });
                rest = &rest[1..];
                continue;
            }
            let mut bytes = 0;
            let fits = rest.iter().take(MAX_GROUP).take_while(|it| {
                bytes += it.size_bytes;
                bytes <= MAX_GROUP_BYTES
            });
            let (group, after) = rest.split_at(fits.count().max(1));
            groups.push(match group {
                [item] => Job::One(item),
                group => Job::Group(group),
            });
            rest = after;
        }
    }
    groups.extend(others);
    groups
}

/// Returns the directory of what is remembered, by the XDG Base Directory Specification.
#[expect(
    clippy::disallowed_methods,
    reason = "the variables are those of the specification, and not settings of this command"
)]
fn state_directory() -> Option<PathBuf> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|it| it.is_absolute())
    };
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    Some(state?.join("nexus-raw"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(sizes: &[u64]) -> Vec<Item> {
        let item = |size_bytes: &u64| Item {
            path: size_bytes.to_string().into(),
            filename: size_bytes.to_string(),
            label: None,
            size_bytes: *size_bytes,
        };
        sizes.iter().map(item).collect()
    }

    /// The jobs, as their kinds and numbers of files.
    fn divided(sizes: &[u64], threshold: u64) -> Vec<(&'static str, usize)> {
        let items = items(sizes);
        let jobs = jobs(&items, threshold);
        let jobs = jobs.iter().map(|job| match job {
            Job::Group(items) => ("group", items.len()),
            Job::One(_) => ("one", 1),
            Job::Parts(_) => ("parts", 1),
        });
        jobs.collect()
    }

    #[test]
    fn small_files_are_grouped_within_bounds_and_come_first() {
        const MIB: u64 = 1024 * 1024;
        let threshold = 64 * MIB;
        assert_eq!(divided(&[], threshold), []);
        assert_eq!(divided(&[7], threshold), [("one", 1)]);
        assert_eq!(
            divided(&[threshold, 1, 0, MIB + 1, 2, 3, threshold - 1], threshold),
            [
                ("group", 2),
                ("group", 2),
                ("parts", 1),
                ("one", 1),
                ("one", 1)
            ]
        );
        assert_eq!(
            divided(&vec![1; MAX_GROUP + 1], threshold),
            [("group", MAX_GROUP), ("one", 1)]
        );
        assert_eq!(divided(&[MIB; 9], threshold), [("group", 8), ("one", 1)]);
        // a threshold below the size of a group
        assert_eq!(
            divided(&[1, 10, 9, 9], 10),
            [("one", 1), ("group", 2), ("parts", 1)]
        );
    }
}
