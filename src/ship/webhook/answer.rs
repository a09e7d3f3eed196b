//! What a receiver's answer means, or that there was none (Standard Webhooks 1.0, "Operational considerations"; CloudEvents
//! HTTP Web Hooks 1.0, §2.2). The URL's path may be a secret, so only its host and port are shown.

use super::Webhook;
use crate::error::Error;
use crate::ship::Answer;
use crate::ship::otlp::answer::{LINK_LOCAL, chain, clean, retry_after};
use crate::ship::otlp::{target, tls};
use reqwest::blocking::Response;
use std::io::Read;

/// What is read of an answer.
const MOST: u64 = 1024 * 1024;

/// What the receiver's answer means.
pub(super) fn of_response(hook: &Webhook, response: Response) -> Answer {
    let status = response.status().as_u16();
    let after = retry_after(response.headers(), hook.world.now());
    let mut body = Vec::new();
    // the status is the answer; what follows is read so that the connection can serve again
    let _ = response.take(MOST).read_to_end(&mut body);
    let at = hook.endpoint.address();
    let said = clean(&hook.headers, &String::from_utf8_lossy(&body));
    let what = match said.is_empty() {
        true => format!("the webhook at {at} answers {status}"),
        false => format!("the webhook at {at} answers {status}: {said}"),
    };
    let misconfigured = |hint: &str| Answer::Misconfigured(Error::usage(what.clone()).hint(hint));
    match status {
        200..=299 => Answer::Delivered,
        300..=399 => misconfigured("redirects are not followed: set the address it moved to"),
        401 | 403 | 407 => misconfigured("give the secret or the headers that it wants"),
        404 | 405 => misconfigured("correct the path of `url`"),
        410 => Answer::Gone(closed(hook)),
        // those that speak of now, not of the event
        408 | 425 | 429 | 502..=504 => Answer::Retry {
            after,
            why: Error::failure(what),
        },
        500..=599 => match after {
            Some(_) => Answer::Retry {
                after,
                why: Error::failure(what),
            },
            None => Answer::Failing(Error::failure(what)),
        },
        _ => Answer::Permanent(what),
    }
}

/// 410 asks to be left alone.
fn closed(hook: &Webhook) -> Error {
    Error::usage(format!(
        "the receiver at {} closed this webhook",
        hook.endpoint.address()
    ))
    .hint(format!(
        "it answers 410 Gone: remove the sink, or correct {}",
        hook.place
    ))
}

/// What it means that there was no answer. The event may have arrived or not.
pub(super) fn of_failure(hook: &Webhook, error: reqwest::Error) -> Answer {
    match failure(hook, error) {
        (true, why) => Answer::Retry { after: None, why },
        (false, why) => Answer::Misconfigured(why),
    }
}

/// Whether it may pass, and what it is.
pub(super) fn failure(hook: &Webhook, error: reqwest::Error) -> (bool, Error) {
    let error = error.without_url();
    let at = hook.endpoint.address();
    if let Some(reason) = tls::reason(&error) {
        let error = Error::usage(format!("no TLS with {at}")).because(reason);
        return (false, error.hint(tls::hint(reason)));
    }
    if error.is_timeout() && !error.is_connect() {
        let why = Error::failure(format!("no answer from the webhook at {at} in time"));
        return (
            true,
            why.hint("raise the timeout, where the receiver is only slow"),
        );
    }
    let innermost = chain(&error).pop().unwrap_or_default();
    if innermost.contains(LINK_LOCAL) {
        return (false, target::link_local(&hook.place));
    }
    let error = Error::failure(format!("could not reach the webhook at {at}"))
        .because(clean(&hook.headers, &innermost))
        .hint(format!("start it there, or correct {}", hook.place));
    (true, error)
}
