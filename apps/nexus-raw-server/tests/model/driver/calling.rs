//! Requests to the service, and what its answers come to in the model's words.

use std::collections::BTreeMap;

use actix_web::{http::header::HeaderMap, test};
use nexus_raw::{
    asset::AssetId,
    ports::{PresignedUpload, SignedUrl},
};
use serde_json::Value;

use super::{Driver, Known, count, without_event_id};
use crate::{
    promises::not_found,
    texts::{self, TRACE_ID, UNKNOWN},
    words::{PEOPLE, Place, TENANTS},
    world::{Answer, Call, Problem, World, id},
};

impl Driver {
    pub(super) async fn call(&mut self, world: &World, call: &Call, expected: &Answer) {
        let grants = TENANTS.map(|tenant| {
            let place = Place { tenant, env: "" };
            let role = world.grant(call.by, place).role()?;
            Some(format!("{tenant}={role}"))
        });
        let grants: Vec<_> = grants.into_iter().flatten().collect();
        let token = format!("{}|{}", PEOPLE[call.by], grants.join("|"));
        let request = self.request(call, &token, world.steps);
        let (status, headers, body) = (self.service)(request).await;
        let text = String::from_utf8(body.clone()).unwrap();
        let code = match expected {
            Answer::Problem(problem) => problem.code,
            Answer::Presigned { asset, .. } if *asset < self.assets.len() => "presigned again",
            Answer::Presigned { .. } => "presigned",
            Answer::Events(_) => "events",
            Answer::Record { .. } => "record",
            Answer::Fact { .. } => "fact",
            Answer::Parts { .. } => "parts",
            Answer::Held(_) => "held",
            Answer::Aborted { again: false } => "aborted",
            Answer::Aborted { again: true } => "aborted again",
        };
        count(format!("{} {status} {code}", call.method));
        count_finer(world, call, expected);
        let answer = match expected {
            Answer::Presigned { asset, .. } if status == 200 => self.presigned(*asset, &text),
            Answer::Record { asset, created, .. } if [200, 201].contains(&status) => {
                let location = location(&headers);
                assert_eq!(location, created.then(|| self.path(*asset)));
                self.same_record(*asset, &body);
                if call.method == "GET" {
                    check_effective(world, *asset, &headers);
                }
                Answer::Record {
                    asset: *asset,
                    created: status == 201,
                    text: self.masked(&text, &["/integrity/etag"]),
                }
            }
            Answer::Fact { .. } if [200, 201].contains(&status) => Answer::Fact {
                created: status == 201,
                text: self.masked(&text, &[]),
            },
            Answer::Parts { asset, .. } if status == 200 => self.part_uploads(*asset, &text),
            Answer::Held(_) if status == 200 => Answer::Held(self.masked(&text, &[])),
            Answer::Aborted { .. } if status == 204 => {
                assert_eq!(text, "");
                expected.clone()
            }
            Answer::Events(_) if status == 200 => {
                let body = self.masked(&text, &[]);
                assert_eq!(body.as_object().unwrap().len(), 1);
                let events = body["events"].as_array().unwrap().iter().cloned();
                Answer::Events(events.map(without_event_id).collect())
            }
            _ => Answer::Problem(self.problem(status, &headers, &text)),
        };
        assert_eq!(answer, *expected, "{} {}: {text}", call.method, call.path);
    }

    /// Reads an asset in a place, as one who may.
    pub(super) async fn look_up(&mut self, world: &World, asset: usize, place: Place) {
        let call = Call {
            by: 0,
            place,
            method: "GET",
            path: format!("/nexus/raw/{}", id(asset)),
            key: None,
            body: None,
        };
        let expected = if world.assets[asset].place == place {
            world.record_of(asset)
        } else {
            not_found()
        };
        let token = format!(
            "u_all|{}",
            TENANTS.map(|it| format!("{it}=viewer")).join("|")
        );
        let (status, headers, body) = (self.service)(self.request(&call, &token, 0)).await;
        let text = String::from_utf8(body.clone()).unwrap();
        let answer = if status == 200 {
            self.same_record(asset, &body);
            check_effective(world, asset, &headers);
            Answer::Record {
                asset,
                created: false,
                text: self.masked(&text, &["/integrity/etag"]),
            }
        } else {
            Answer::Problem(self.problem(status, &headers, &text))
        };
        assert_eq!(answer, expected, "{text}");
    }

    fn request(&self, call: &Call, token: &str, step: u32) -> test::TestRequest {
        let request = match call.method {
            "GET" => test::TestRequest::get(),
            "DELETE" => test::TestRequest::delete(),
            _ => test::TestRequest::post(),
        };
        let request = request
            .uri(&self.real(&call.path))
            .insert_header(("authorization", format!("Bearer {token}")))
            .insert_header(("x-tenant-id", call.place.tenant))
            .insert_header(("x-env", call.place.env))
            .insert_header(("traceparent", format!("00-{TRACE_ID}-00f067aa0ba902b7-01")))
            .insert_header(("x-request-id", texts::request_id(step)));
        let request = match call.key {
            None => request,
            Some(key) => request.insert_header(("idempotency-key", key)),
        };
        match &call.body {
            None => request,
            Some(body) => request
                .insert_header(("content-type", "application/json"))
                .set_payload(self.real(&body.to_string())),
        }
    }

    /// Learns of a new asset, or of another URL for one.
    fn presigned(&mut self, asset: usize, text: &str) -> Answer {
        let body: Value = serde_json::from_str(text).unwrap();
        let id = AssetId::parse(body["asset_id"].as_str().unwrap()).unwrap();
        let is_single = body["upload"]["kind"] == "single";
        let known = Known {
            id,
            upload: is_single.then(|| presigned_upload(&body["upload"])),
            parts: BTreeMap::new(),
            record: None,
        };
        let unknown: &[&str] = if is_single { &["/upload/url"] } else { &[] };
        match self.assets.get_mut(asset) {
            None => self.assets.push(known),
            Some(before) => {
                assert_eq!(before.id, known.id, "a key is bound to one asset");
                before.upload = known.upload;
            }
        }
        Answer::Presigned {
            asset,
            text: self.masked(text, unknown),
        }
    }

    /// Learns of the URLs of parts.
    fn part_uploads(&mut self, asset: usize, text: &str) -> Answer {
        let body: Value = serde_json::from_str(text).unwrap();
        let parts = body["parts"].as_array().unwrap();
        for part in parts {
            let number = usize::try_from(part["part_number"].as_u64().unwrap()).unwrap();
            let upload = presigned_upload(part);
            self.assets[asset].parts.insert(number - 1, upload);
        }
        let urls: Vec<_> = (0..parts.len())
            .map(|at| format!("/parts/{at}/url"))
            .collect();
        let urls: Vec<_> = urls.iter().map(|it| &**it).collect();
        Answer::Parts {
            asset,
            text: self.masked(text, &urls),
        }
    }

    /// A record has the same bytes for ever.
    fn same_record(&mut self, asset: usize, body: &[u8]) {
        let record = &mut self.assets[asset].record;
        let first = record.get_or_insert_with(|| body.to_vec());
        assert_eq!(first, body, "a record has changed");
    }

    fn problem(&self, status: u16, headers: &HeaderMap, text: &str) -> Problem {
        let body: Value = serde_json::from_str(text).unwrap();
        assert_eq!(
            (&body["status"], &body["trace_id"]),
            (&status.into(), &TRACE_ID.into())
        );
        let code = body["code"].as_str().unwrap();
        let known = [
            "forbidden",
            "asset-not-found",
            "asset-conflict",
            "object-not-uploaded",
            "upload-expired",
            "validation-failed",
            "object-mismatch",
            "idempotency-key-reused",
            "verification-pending",
        ];
        let code = known.into_iter().find(|it| *it == code);
        let code = code.unwrap_or_else(|| panic!("{text}, after {}", self.failure.line()));
        let errors = body["errors"].as_array().into_iter().flatten();
        let pointers = errors.map(|error| error["pointer"].as_str().unwrap().to_owned());
        let location = location(headers);
        let mut assets = 0..self.assets.len();
        Problem {
            location: location
                .map(|location| assets.find(|asset| self.path(*asset) == location).unwrap()),
            ..Problem::at(status, code, pointers.collect())
        }
    }

    fn path(&self, asset: usize) -> String {
        format!("/nexus/raw/{}", self.assets[asset].id)
    }

    /// The model's text with the real ids.
    fn real(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (number, known) in self.assets.iter().enumerate() {
            text = text.replace(&id(number), &known.id.to_string());
        }
        text
    }

    /// A real text with the model's ids, and without what the model cannot know.
    pub(super) fn masked(&self, text: &str, unknown: &[&str]) -> Value {
        let mut text = text.to_owned();
        for (number, known) in self.assets.iter().enumerate() {
            text = text.replace(&known.id.to_string(), &id(number));
        }
        let mut value: Value = serde_json::from_str(&text).unwrap();
        for pointer in unknown {
            let part = value.pointer_mut(pointer).unwrap();
            assert_ne!(part.as_str().unwrap(), "");
            *part = UNKNOWN.into();
        }
        value
    }
}

/// Counts what the status and the code do not tell.
fn count_finer(world: &World, call: &Call, expected: &Answer) {
    match expected {
        Answer::Record {
            asset,
            created: true,
            text,
        } => {
            let (asset, integrity) = (&world.assets[*asset], &text["integrity"]);
            if world.now >= asset.ends {
                count("registered late");
            }
            if asset.file.is_in_parts() {
                let level = integrity["level"].as_str().unwrap();
                count(format!("registered in parts {level}"));
            }
        }
        Answer::Problem(problem) => {
            if let Some(pointer) = problem.pointers.first() {
                let numberless =
                    |it: &str| if it.parse::<u16>().is_ok() { "n" } else { it }.to_owned();
                let pointer: Vec<_> = pointer.split('/').map(numberless).collect();
                let pointer = pointer.join("/");
                count(format!("{} {} {pointer}", problem.status, problem.code));
            }
            let named = |asset: &usize| {
                let id = id(*asset);
                let body = call.body.as_ref();
                call.path.contains(&id) || body.is_some_and(|it| it["asset_id"] == *id)
            };
            let asset = (0..world.assets.len()).find(named);
            if let Some(state) = asset.and_then(|asset| world.assets[asset].state()) {
                count(format!("{} {} {state}", call.method, problem.status));
            }
        }
        _ => {}
    }
}

fn presigned_upload(upload: &Value) -> PresignedUpload {
    let headers = upload["headers"].as_object().unwrap().iter();
    let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
    assert_eq!(upload["method"], "PUT");
    PresignedUpload {
        method: "PUT",
        url: SignedUrl::new(upload["url"].as_str().unwrap().to_owned()),
        headers: headers.collect(),
        expires_at: serde_json::from_value(upload["expires_at"].clone()).unwrap(),
    }
}

/// The header of a record says whether the asset and all its ancestors allow training.
fn check_effective(world: &World, asset: usize, headers: &HeaderMap) {
    let effective = headers.get("nexus-train-ok-effective").unwrap();
    let expected = world.effective(asset).to_string();
    assert_eq!(effective.to_str().unwrap(), expected, "{asset}");
}

fn location(headers: &HeaderMap) -> Option<String> {
    let location = headers.get("location")?;
    Some(location.to_str().unwrap().to_owned())
}
