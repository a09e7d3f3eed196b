//! The stream that keeps what we publish: found, or made where it is missing and may be made. Only options that a server of
//! 2.9 knows are used: it ignores newer ones without a word.

use super::super::bus::Fault;
use super::Target;
use super::link::{bad, cause};
use crate::error::Error;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{
    CreateStreamError, CreateStreamErrorKind, GetStreamError, GetStreamErrorKind, RequestError,
    RequestErrorKind,
};
use async_nats::jetstream::stream::{Config, StorageType};
use async_nats::jetstream::{self, ErrorCode};
use std::error::Error as _;
use std::time::Duration;

/// How long the stream remembers ids: longer than any drain holds back a record that it has sent once.
const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// Finds or makes the stream; the answer is how many messages it holds.
pub(super) async fn ensure(jetstream: &Context, target: &Target) -> Result<u64, Fault> {
    match jetstream.get_stream(&target.stream).await {
        Ok(stream) => {
            let info = stream.cached_info();
            check(&info.config, target)?;
            Ok(info.state.messages)
        }
        Err(error) if is_absent(&error) && target.may_create => make(jetstream, target).await,
        Err(error) if is_absent(&error) => {
            Err(bad(format!("there is no stream {}", target.stream))
                .hint("make it, or set create = true")
                .into())
        }
        Err(error) => Err(unfound(&error)),
    }
}

async fn make(jetstream: &Context, target: &Target) -> Result<u64, Fault> {
    let config = Config {
        name: target.stream.clone(),
        description: Some("what obs ships".to_owned()),
        subjects: wanted(target),
        storage: StorageType::File,
        duplicate_window: WINDOW,
        num_replicas: 1,
        ..Config::default()
    };
    match jetstream.create_stream(config).await {
        Ok(_) => Ok(0),
        Err(error) => Err(unmade(&error, target)),
    }
}

/// The subjects that the stream must have.
fn wanted(target: &Target) -> Vec<String> {
    let prefixes = target.subjects.iter();
    prefixes.map(|(_, prefix)| format!("{prefix}.>")).collect()
}

/// Whether the stream that is there takes and acknowledges what we publish.
fn check(config: &Config, target: &Target) -> Result<(), Fault> {
    let stream = &target.stream;
    if config.no_ack {
        let error = bad(format!("stream {stream} acknowledges nothing"));
        return Err(error.hint("edit it: no_ack = false").into());
    }
    if config.sealed {
        let error = bad(format!("stream {stream} is sealed"));
        return Err(error.hint("name another one with `stream`").into());
    }
    for subject in wanted(target) {
        if !config
            .subjects
            .iter()
            .any(|filter| covers(filter, &subject))
        {
            let error = bad(format!("stream {stream} does not take {subject}"));
            return Err(error
                .hint(format!(
                    "add it: nats stream edit {stream} --subjects …,'{subject}'; or name another one with `stream`"
                ))
                .into());
        }
    }
    Ok(())
}

/// Whether a stream's subject takes all that `wanted`, which ends in `>`, stands for.
fn covers(filter: &str, wanted: &str) -> bool {
    let mut filter = filter.split('.');
    for token in wanted.split('.') {
        match filter.next() {
            Some(">") => return true,
            Some("*") if token != ">" => {}
            Some(same) if same == token => {}
            _ => return false,
        }
    }
    filter.next().is_none()
}

fn is_absent(error: &GetStreamError) -> bool {
    matches!(error.kind(), GetStreamErrorKind::JetStream(said)
        if said.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

fn is_off(code: ErrorCode) -> bool {
    code == ErrorCode::JETSTREAM_NOT_ENABLED || code == ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT
}

fn off() -> Fault {
    bad("the server has no JetStream".to_owned())
        .hint("start it with `nats-server -js`, or turn JetStream on for the account")
        .into()
}

fn unfound(error: &GetStreamError) -> Fault {
    if let GetStreamErrorKind::JetStream(said) = error.kind() {
        return match is_off(said.error_code()) {
            true => off(),
            false => Fault::Retry(Error::failure("could not find the stream").because(said)),
        };
    }
    let request = error.source().and_then(|source| source.downcast_ref());
    match request.map(RequestError::kind) {
        Some(RequestErrorKind::NoResponders) => off(),
        _ => Fault::Retry(Error::failure("could not find the stream").because(cause(error))),
    }
}

fn unmade(error: &CreateStreamError, target: &Target) -> Fault {
    let stream = &target.stream;
    let failed = |why: &str| Error::failure(format!("could not make stream {stream}")).because(why);
    match error.kind() {
        CreateStreamErrorKind::JetStreamUnavailable => off(),
        CreateStreamErrorKind::JetStream(said) if is_off(said.error_code()) => off(),
        CreateStreamErrorKind::JetStream(said) => refused(&said, target),
        _ => Fault::Retry(failed(&cause(error))),
    }
}

/// The server will not have the stream: only a lack of room may pass.
fn refused(said: &jetstream::Error, target: &Target) -> Fault {
    let stream = &target.stream;
    let code = said.error_code();
    let lacks_room = [
        ErrorCode::INSUFFICIENT_RESOURCES,
        ErrorCode::STORAGE_RESOURCES_EXCEEDED,
        ErrorCode::CLUSTER_NOT_AVAILABLE,
        ErrorCode::CLUSTER_NO_PEERS,
    ];
    let what = format!("could not make stream {stream}");
    match code {
        code if lacks_room.contains(&code) => Fault::Retry(Error::failure(what).because(said)),
        ErrorCode::STREAM_SUBJECT_OVERLAP => Fault::Misconfigured(bad(what).because(said).hint(
            "another stream takes these subjects: name it with `stream`, or change `subject`",
        )),
        _ => Fault::Misconfigured(bad(what).because(said)),
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn stream_subjects_cover_what_they_match() {
        for filter in [">", "obs.>", "obs.events.>", "*.events.>", "*.*.>"] {
            assert!(covers(filter, "obs.events.>"), "{filter}");
        }
        for filter in [
            "",
            "obs",
            "obs.events",
            "obs.events.*",
            "obs.*",
            "obs.logs.>",
            "obs.events.task.>",
            "*.*.*",
        ] {
            assert!(!covers(filter, "obs.events.>"), "{filter}");
        }
    }
}
