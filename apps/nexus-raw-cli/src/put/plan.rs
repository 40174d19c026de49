//! What is to be stored: the files of the command line, and of the directories among them.

use std::{
    borrow::Cow,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read, stdin},
    path::{Path, PathBuf},
};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use nexus_raw::asset::{Filename, RawAsset};
use tempfile::NamedTempFile;
use walkdir::{DirEntry, WalkDir};

use crate::{
    args::PutArgs,
    content,
    failure::Failure,
    metadata::composed,
    option_faults::{OptionFault, OptionFaults},
};

/// The maximum number of files in a run, each of which takes some memory.
const MAX_FILES: usize = 500_000;

/// The maximum size of a list of paths.
const MAX_LIST_BYTES: u64 = 256 * 1024 * 1024;

/// The label of a file's path in its directory.
pub(super) const PATH_LABEL: &str = "path";

/// The maximum size of a label's value, as in the service.
const MAX_LABEL_BYTES: usize = 256;

/// A file to store.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Where it is read.
    pub(super) path: PathBuf,
    /// Its name in the store.
    pub(super) filename: String,
    /// Its label `path`: the path relative to the directory that was given, or what is stated.
    pub(super) label: Option<String>,
    pub(super) size_bytes: u64,
}

impl Item {
    /// Reads a record of the same content, if it has the same name and path.
    pub(super) fn matching(&self, json: &[u8]) -> Option<RawAsset> {
        let record: RawAsset = serde_json::from_slice(json).ok()?;
        let path = record.provenance().labels.as_map().get(PATH_LABEL);
        let is_same =
            record.facts().filename.as_str() == self.filename && path == self.label.as_ref();
        is_same.then_some(record)
    }
}

/// The files to store, and those that cannot be.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) items: Vec<Item>,
    /// What is wrong with a file of a directory. The others are stored.
    pub(super) faults: Vec<(PathBuf, Failure)>,
    pub(super) notes: Vec<String>,
    /// Whether the command line is one file.
    pub(super) is_one_file: bool,
    /// Removed when the plan is dropped.
    spooled: Option<NamedTempFile>,
    hidden: usize,
}

/// Which files of directories are taken.
struct Selection {
    include: GlobSet,
    exclude: GlobSet,
    hidden: bool,
}

impl Plan {
    /// Looks at all paths and opens each file once. Nothing is sent.
    ///
    /// # Errors
    /// If a path of the command line cannot be stored; all of them are named.
    pub(super) fn make(args: &PutArgs) -> Result<Self, Failure> {
        let selection = Selection::of(args)?;
        let paths = paths(args)?;
        let mut plan = Self::default();
        let mut faults = OptionFaults::default();
        for path in &paths {
            let added = plan.add(path, args, &selection);
            if let Some(Err(failure)) = faults.check(path.display(), added) {
                return Err(failure);
            }
        }
        plan.is_one_file = matches!(&*paths, [path] if path == Path::new("-") || !path.is_dir());
        if let Err(faults) = faults.finish(Some(())) {
            return Err(match &*faults {
                [OptionFault { option, rule }] => Failure::Usage(format!("{option} {rule}")),
                _ => Failure::Options(faults),
            });
        }
        if args.filename.is_some() && !plan.is_one_file {
            return Err(Failure::Usage("--filename is for one file".to_owned()));
        }
        let has_paths = plan.items.iter().any(|it| it.label.is_some());
        if has_paths
            && args
                .provenance
                .label
                .iter()
                .any(|(key, _)| key == PATH_LABEL)
        {
            let rule = "--label path is set to the path of each file in its directory";
            return Err(Failure::Usage(rule.to_owned()));
        }
        // so that it is compared, too
        let stated = args
            .provenance
            .label
            .iter()
            .find(|(key, _)| key == PATH_LABEL);
        if let Some((_, path)) = stated {
            for item in &mut plan.items {
                item.label = Some(path.clone());
            }
        }
        if plan.hidden > 0 {
            let count = plan.hidden;
            plan.notes
                .push(format!("{count} hidden left out; --hidden stores them"));
        }
        Ok(plan)
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.items.iter().map(|it| it.size_bytes).sum()
    }

    /// Adds a path of the command line. The outer error is that of the path.
    fn add(
        &mut self,
        path: &Path,
        args: &PutArgs,
        selection: &Selection,
    ) -> Result<Result<(), Failure>, String> {
        if path == Path::new("-") {
            return Ok(self.add_stdin(args));
        }
        if path.is_dir() {
            fs::read_dir(path).map_err(|error| format!("cannot be read: {error}"))?;
            return Ok(self.add_directory(path, args, selection));
        }
        let name = args.filename.as_deref().map(Cow::Borrowed);
        let name = match name.or_else(|| Some(path.file_name()?.to_string_lossy())) {
            Some(Cow::Owned(_)) if path.file_name().is_some_and(|it| it.to_str().is_none()) => {
                return Err("has a name that is not UTF-8; set one with --filename".to_owned());
            }
            Some(name) => name.into_owned(),
            None => return Err("has no file name".to_owned()),
        };
        let size_bytes = readable(path)?;
        let filename = self.filename(&name, args)?;
        Ok(self.push(Item {
            path: path.to_owned(),
            filename,
            label: None,
            size_bytes,
        }))
    }

    fn push(&mut self, item: Item) -> Result<(), Failure> {
        if self.items.len() + self.faults.len() >= MAX_FILES {
            return Err(Failure::Usage(format!(
                "more than {MAX_FILES} files; store them in several runs"
            )));
        }
        self.items.push(item);
        Ok(())
    }

    /// Copies standard input into a temporary file, since its length and digest come first.
    fn add_stdin(&mut self, args: &PutArgs) -> Result<(), Failure> {
        let Some(name) = &args.filename else {
            return Err(Failure::Usage("- needs --filename".to_owned()));
        };
        let filename = self.filename(name, args);
        let filename =
            filename.map_err(|rule| Failure::Usage(format!("--filename {name} {rule}")))?;
        if self.spooled.is_some() {
            return Err(Failure::Usage("- can be given once".to_owned()));
        }
        let cannot_spool = |source| Failure::File {
            path: PathBuf::from("-"),
            source,
        };
        let mut spooled = NamedTempFile::new().map_err(cannot_spool)?;
        let size_bytes = io::copy(&mut stdin().lock(), &mut spooled).map_err(cannot_spool)?;
        let path = spooled.path().to_owned();
        self.spooled = Some(spooled);
        self.push(Item {
            path,
            filename,
            label: None,
            size_bytes,
        })
    }

    /// Adds the files of a directory and those below, in the order of their names.
    fn add_directory(
        &mut self,
        root: &Path,
        args: &PutArgs,
        selection: &Selection,
    ) -> Result<(), Failure> {
        let mut entries = WalkDir::new(root).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) if entry.depth() == 0 => continue,
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_owned();
                    let rule = error.io_error().map(ToString::to_string);
                    let rule = rule.unwrap_or_else(|| error.to_string());
                    let rule = format!("cannot be read: {rule}");
                    self.fault(path, &rule)?;
                    continue;
                }
            };
            let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
            if !self.selects(&entry, relative, selection) {
                if entry.file_type().is_dir() {
                    entries.skip_current_dir();
                }
                continue;
            }
            if entry.file_type().is_dir() {
                continue;
            }
            if entry.path_is_symlink() && entry.path().is_dir() {
                let path = entry.path().display();
                self.notes.push(format!(
                    "{path} is a link to a directory, and is not followed"
                ));
                continue;
            }
            match self.member(&entry, relative, args) {
                Ok(item) => self.push(item)?,
                Err(rule) => self.fault(entry.into_path(), &rule)?,
            }
        }
        Ok(())
    }

    fn fault(&mut self, path: PathBuf, rule: &str) -> Result<(), Failure> {
        if self.faults.len() >= MAX_FILES {
            return Err(Failure::Usage(format!(
                "more than {MAX_FILES} files have faults"
            )));
        }
        let failure = Failure::Usage(rule.to_owned());
        self.faults.push((path, failure));
        Ok(())
    }

    fn selects(&mut self, entry: &DirEntry, relative: &Path, selection: &Selection) -> bool {
        if selection.exclude.is_match(relative) {
            return false;
        }
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if is_hidden && !selection.hidden {
            self.hidden += 1;
            return false;
        }
        entry.file_type().is_dir()
            || selection.include.is_empty()
            || selection.include.is_match(relative)
    }

    /// Returns a file of a directory, or what is wrong with it.
    fn member(
        &mut self,
        entry: &DirEntry,
        relative: &Path,
        args: &PutArgs,
    ) -> Result<Item, String> {
        let size_bytes = readable(entry.path())?;
        let names: Option<Vec<_>> = relative.iter().map(|it| it.to_str()).collect();
        let names = names.ok_or("has a path that is not UTF-8")?;
        let label = composed(&names.join("/")).into_owned();
        if label.len() > MAX_LABEL_BYTES {
            return Err(format!(
                "has a path of {} bytes in its directory, more than the {MAX_LABEL_BYTES} of a label",
                label.len()
            ));
        }
        let filename = self.filename(names.last().unwrap_or(&""), args)?;
        Ok(Item {
            path: entry.path().to_owned(),
            filename,
            label: Some(label),
            size_bytes,
        })
    }

    /// Returns the name to store, which is composed (NFC), as most systems but those of Apple write it.
    fn filename(&mut self, name: &str, args: &PutArgs) -> Result<String, String> {
        let composed = composed(name);
        if composed != name {
            if args.strict_names {
                return Err("is not in Unicode Normalization Form C".to_owned());
            }
            self.notes
                .push(format!("{name} is stored with its name composed (NFC)"));
        }
        Filename::parse(&composed).map_err(|rule| format!("has a file name that {rule}"))?;
        Ok(composed.into_owned())
    }
}

impl Selection {
    fn of(args: &PutArgs) -> Result<Self, Failure> {
        let mut faults = OptionFaults::default();
        let include = globs("--include", &args.include, &mut faults);
        let exclude = globs("--exclude", &args.exclude, &mut faults);
        let selection = include.zip(exclude).map(|(include, exclude)| Self {
            include,
            exclude,
            hidden: args.hidden,
        });
        faults.finish(selection).map_err(Failure::Options)
    }
}

/// A pattern without `/` is for the name of a file or directory, at any depth.
fn globs(option: &str, patterns: &[String], faults: &mut OptionFaults) -> Option<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let anywhere = if pattern.contains('/') {
            pattern.trim_start_matches('/').to_owned()
        } else {
            format!("**/{pattern}")
        };
        let glob = GlobBuilder::new(&anywhere).literal_separator(true).build();
        set.add(faults.check(format!("{option} {pattern}"), glob)?);
    }
    faults.check(option, set.build())
}

/// Returns the paths of the command line and of `--files-from`.
fn paths(args: &PutArgs) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = args.paths.clone();
    let Some(list) = &args.files_from else {
        return Ok(paths);
    };
    let cannot_read =
        |source: io::Error| Failure::Usage(format!("--files-from {}: {source}", list.display()));
    let reader: Box<dyn Read> = if list == Path::new("-") {
        if paths.iter().any(|path| path == Path::new("-")) {
            let rule = "standard input is either a file or a list of paths";
            return Err(Failure::Usage(rule.to_owned()));
        }
        Box::new(stdin().lock())
    } else {
        Box::new(File::open(list).map_err(cannot_read)?)
    };
    for line in BufReader::new(reader.take(MAX_LIST_BYTES)).lines() {
        let line = line.map_err(cannot_read)?;
        if !line.is_empty() {
            paths.push(line.into());
        }
    }
    if paths.is_empty() {
        let rule = format!("--files-from {}: no path in it", list.display());
        return Err(Failure::Usage(rule));
    }
    Ok(paths)
}

/// Opens a regular file and returns its size, or why it cannot be read.
fn readable(path: &Path) -> Result<u64, String> {
    let metadata = fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?;
    if !metadata.is_file() {
        return Err("is not a regular file".to_owned());
    }
    match content::open(path) {
        Ok((_, stamp)) => Ok(stamp.size_bytes),
        Err(Failure::File { source, .. }) => Err(format!("cannot be read: {source}")),
        Err(failure) => Err(failure.to_string()),
    }
}
