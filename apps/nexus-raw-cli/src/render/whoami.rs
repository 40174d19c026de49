use std::{
    fmt::Display,
    io::{self, Write},
};

use nexus_raw::{ports::Clock as _, system::SystemClock, time::Timestamp};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::text::line;
use crate::{
    exit::Exit,
    failure::Failure,
    settings::{Setting, Settings},
    token_claims::{Claims, claims},
};

/// The service and the caller of a command, what the token says, and what the service says of it.
pub(crate) struct Whoami<'s> {
    settings: &'s Settings,
    claims: Option<Claims>,
    /// The failure of a read with the token, if it failed.
    refusal: Option<&'s Failure>,
    now: Timestamp,
}

impl<'s> Whoami<'s> {
    pub(crate) fn new(settings: &'s Settings, refusal: Option<&'s Failure>) -> Self {
        Self {
            settings,
            claims: claims(settings.token.value.expose_secret()),
            refusal,
            now: SystemClock.now(),
        }
    }

    /// Writes one setting or claim per line, without the token.
    pub(crate) fn text(&self, out: &mut impl Write) -> Result<(), Failure> {
        Ok(self.lines(out)?)
    }

    fn lines(&self, out: &mut impl Write) -> io::Result<()> {
        let Settings {
            server,
            tenant,
            env,
            token,
            ..
        } = self.settings;
        with_origin(out, "server", &server.value, server)?;
        with_origin(out, "tenant", &tenant.value, tenant)?;
        with_origin(out, "environment", &env.value, env)?;
        with_origin(out, "token", "not shown", token)?;
        match &self.claims {
            None => line(
                out,
                "user",
                "unknown: the token has no payload that can be read, as a JSON Web Token has",
            )?,
            Some(claims) => self.claims(out, claims)?,
        }
        line(out, "service", self.verdict())
    }

    /// Writes what the token says. Each line says that nothing is verified, since it may be read alone.
    fn claims(&self, out: &mut impl Write, claims: &Claims) -> io::Result<()> {
        let said = "by the token itself, not verified";
        let sub = claims.sub.as_deref().unwrap_or("not stated");
        line(out, "user", &format_args!("{sub} ({said})"))?;
        let tenant = self.settings.tenant.value.as_str();
        let role = match claims.roles.as_ref().map(|it| it.get(tenant)) {
            None => "not stated".to_owned(),
            Some(None) => format!("no member of {tenant}"),
            Some(Some(None)) => format!("member of {tenant} without a role"),
            Some(Some(Some(role))) => format!("{role} in {tenant}"),
        };
        line(out, "role", &format_args!("{role} ({said})"))?;
        let end = match claims.exp {
            None => "not stated".to_owned(),
            Some(exp) if exp <= self.now => format!("{exp}, which has passed"),
            Some(exp) => exp.to_string(),
        };
        line(out, "ends", &format_args!("{end} ({said})"))
    }

    fn verdict(&self) -> &'static str {
        match self.accepted() {
            Some(true) => "accepts the token for this tenant and environment",
            Some(false) => "refuses the token for this tenant and environment",
            None => "did not say whether it accepts the token",
        }
    }

    /// Returns whether the service accepts the token; `None` if it did not say so.
    fn accepted(&self) -> Option<bool> {
        match self.refusal {
            None => Some(true),
            Some(failure) if failure.exit() == Exit::Denied => Some(false),
            Some(_) => None,
        }
    }

    /// Writes one object.
    pub(crate) fn json(&self, out: &mut impl Write) -> Result<(), Failure> {
        let Settings {
            server,
            tenant,
            env,
            token,
            ..
        } = self.settings;
        let claims = self.claims.as_ref().map(|it| {
            json!({
                "sub": it.sub,
                "iss": it.iss,
                "exp": it.exp.map(|it| it.to_string()),
                "roles": it.roles,
                "verified": false,
            })
        });
        let document = json!({
            "server": setting(server.value.as_str(), server),
            "tenant": setting(tenant.value.as_str(), tenant),
            "env": setting(env.value.as_str(), env),
            "token": {"source": token.origin.kind(), "from": token.origin.to_string(), "claims": claims},
            "accepted": self.accepted(),
        });
        Ok(writeln!(out, "{document}")?)
    }
}

fn with_origin<T>(
    out: &mut impl Write,
    name: &str,
    value: &(impl Display + ?Sized),
    setting: &Setting<T>,
) -> io::Result<()> {
    let (kind, origin) = (setting.origin.kind(), &setting.origin);
    if origin.to_string() == kind {
        return line(out, name, &format_args!("{value} ({kind})"));
    }
    line(out, name, &format_args!("{value} ({kind} {origin})"))
}

fn setting<T>(value: &str, setting: &Setting<T>) -> Value {
    let origin = &setting.origin;
    json!({"value": value, "source": origin.kind(), "from": origin.to_string()})
}
