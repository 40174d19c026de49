//! What becomes of uploads in parts.

use crate::{
    promises::{forbidden, name_of, not_found},
    texts::{self, Happening},
    words::{Declaration, PARTS, PartUpload, Place},
    world::{Answer, Asset, Bytes, Call, Cut, Object, Parts, Problem, Put, Task, URL_TTL, World},
};

impl World {
    pub(crate) fn declare(
        &mut self,
        by: usize,
        place: Place,
        asset: Option<usize>,
        parts: &[Declaration],
    ) -> Task {
        let file = asset.map(|asset| self.assets[asset].file);
        let call = Call {
            by,
            place,
            method: "POST",
            path: format!("/nexus/raw/{}/parts", name_of(asset)),
            key: None,
            body: Some(texts::declaration(parts, file)),
        };
        if !self.writes(by, place) {
            return Task::Call(call, forbidden());
        }
        let here = asset.filter(|asset| self.assets[*asset].place == place);
        let Some(number) = here else {
            return Task::Call(call, not_found());
        };
        let now = self.now;
        let asset = &mut self.assets[number];
        let (file, ends) = (asset.file, asset.ends.min(now + URL_TTL));
        let answer = match asset.open_parts(now) {
            Err(problem) => Answer::Problem(problem),
            Ok(upload) => match upload.declare(parts, file.content, file.other_content(), ends) {
                Err(problem) => Answer::Problem(problem),
                Ok(()) => Answer::Parts {
                    asset: number,
                    text: texts::part_uploads(parts, file, ends),
                },
            },
        };
        Task::Call(call, answer)
    }

    pub(crate) fn upload_parts(&mut self, number: usize, parts: &[usize], how: PartUpload) -> Task {
        let (now, store_proves) = (self.now, self.store_proves);
        let asset = &mut self.assets[number];
        let other = asset.file.other_content();
        let mine = asset.file.content;
        let Some(upload) = &mut asset.parts else {
            return Task::Look;
        };
        let puts = parts.iter().filter_map(|part| {
            let (declared, (ends, of)) = (upload.declared[*part]?, upload.urls[*part]?);
            let content = match how {
                PartUpload::OtherBytes if declared == mine => other,
                PartUpload::OtherBytes => mine,
                PartUpload::AsSigned | PartUpload::OtherLength => declared,
            };
            let put = Put::Part {
                asset: number,
                part: *part,
                content,
                how,
            };
            let open = upload.open.as_mut().filter(|_| upload.begun == of);
            let is_refused = content != declared && store_proves;
            let statuses = match (how, open) {
                _ if now >= ends => vec![403],
                (PartUpload::OtherLength, _) => vec![403],
                // the store chooses which of two faults it reports
                (_, None) if is_refused => vec![400, 404],
                (_, None) => vec![404],
                (_, Some(_)) if is_refused => vec![400],
                (_, Some(open)) => {
                    open[*part] = Some(content);
                    vec![200]
                }
            };
            Some((put, statuses))
        });
        Task::Put(puts.collect())
    }

    /// What a reader of its place gets of the parts of an asset.
    pub(crate) fn held(&mut self, number: usize) -> Answer {
        match self.assets[number].open_parts(self.now) {
            Err(problem) => Answer::Problem(problem),
            Ok(upload) => {
                let held = upload.open.unwrap_or_default();
                Answer::Held(texts::held(upload.declared, held))
            }
        }
    }

    pub(crate) fn abort(&mut self, by: usize, place: Place, asset: Option<usize>) -> Task {
        let call = Call {
            by,
            place,
            method: "DELETE",
            path: format!("/nexus/raw/{}/upload", name_of(asset)),
            key: None,
            body: None,
        };
        if !self.writes(by, place) {
            return Task::Call(call, forbidden());
        }
        let here = asset.filter(|asset| self.assets[*asset].place == place);
        let Some(number) = here else {
            return Task::Call(call, not_found());
        };
        let conflict = Answer::Problem(Problem::plain(409, "asset-conflict"));
        let asset = &mut self.assets[number];
        let answer = match &mut asset.parts {
            _ if asset.record.is_some() => conflict,
            None => conflict,
            Some(upload) if upload.aborted => Answer::Aborted { again: true },
            // it counts as completed
            Some(_) if asset.object.is_some() => conflict,
            Some(upload) => {
                (upload.aborted, upload.open) = (true, None);
                self.record_event(number, by, Happening::Aborted);
                Answer::Aborted { again: false }
            }
        };
        Task::Call(call, answer)
    }
}

impl Asset {
    pub(crate) fn is_aborted(&self) -> bool {
        self.parts.as_ref().is_some_and(|it| it.aborted)
    }

    /// What has become of an upload in parts, if it takes no more.
    pub(crate) fn state(&self) -> Option<&'static str> {
        let upload = self.parts.as_ref()?;
        match self.record {
            Some(_) => Some("registered in parts"),
            None if upload.aborted => Some("aborted"),
            None if upload.begun > 0 && self.object.is_some() => Some("completed"),
            None => None,
        }
    }

    /// The upload, if it still takes parts.
    fn open_parts(&mut self, now: u64) -> Result<&mut Parts, Problem> {
        let is_aborted = self.is_aborted();
        match &mut self.parts {
            _ if self.record.is_some() => Err(Problem::plain(409, "asset-conflict")),
            None => Err(Problem::plain(409, "asset-conflict")),
            Some(_) if is_aborted || now >= self.ends => Err(Problem::plain(410, "upload-expired")),
            Some(upload) => Ok(upload),
        }
    }

    /// What is at its key, where the parts are put together if nothing is.
    pub(crate) fn found_or_completed(&mut self) -> Result<Object, Problem> {
        if let Some(object) = self.object {
            return Ok(object);
        }
        let Some(upload) = &mut self.parts else {
            return Err(Problem::plain(409, "object-not-uploaded"));
        };
        let cut = upload.complete()?;
        let object = Object {
            size: self.file.content().bytes.len(),
            bytes: Bytes::Parts(cut),
            content_type: self.file.content_type(),
            has_its_metadata: true,
            has_a_foreign_header: false,
        };
        self.object = Some(object);
        Ok(object)
    }
}

impl Parts {
    fn declare(
        &mut self,
        parts: &[Declaration],
        content: usize,
        other: usize,
        ends: u64,
    ) -> Result<(), Problem> {
        let outside: Vec<_> = (0..parts.len())
            .filter(|at| parts[*at].number > PARTS)
            .map(|at| format!("/parts/{at}/part_number"))
            .collect();
        if !outside.is_empty() {
            return Err(Problem::at(422, "validation-failed", outside));
        }
        let wanted =
            |part: &Declaration| (part.number - 1, [content, other][usize::from(part.other)]);
        let mut wanted_parts = parts.iter().map(wanted);
        if wanted_parts.any(|(at, content)| self.declared[at].is_some_and(|it| it != content)) {
            return Err(Problem::plain(409, "asset-conflict"));
        }
        if self.begun == 0 {
            (self.begun, self.open) = (1, Some(Cut::default()));
        }
        for (at, content) in parts.iter().map(wanted) {
            self.declared[at] = Some(content);
            self.urls[at] = Some((ends, self.begun));
        }
        Ok(())
    }

    /// Which content each part of the object is of.
    fn complete(&mut self) -> Result<[usize; PARTS], Problem> {
        let held = self.open.unwrap_or_default();
        let missing = (0..PARTS).filter(|at| held[*at].is_none());
        let missing: Vec<_> = missing.map(|at| format!("/parts/{}", at + 1)).collect();
        if missing.is_empty() {
            self.open = None;
            return Ok(held.map(Option::unwrap_or_default));
        }
        if self.begun > 0 && self.open.is_none() {
            // the store has lost it: another is begun
            (self.begun, self.open) = (self.begun + 1, Some(Cut::default()));
        }
        Err(Problem::at(409, "object-not-uploaded", missing))
    }
}
