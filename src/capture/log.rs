//! `obs log`: one message, or one record of every line of standard input.

use super::attributes::{Gathered, lossy};
use super::parse::{LogWords, Parsed};
use super::scene::Scene;
use super::{Call, console, deliver, fit, stdin};
use crate::error::Error;
use crate::journal::Signal;
use crate::model::limits::Limits;
use crate::model::{Level, Log, Record};
use crate::redact;
use serde_json::{Number, Value};
use std::os::unix::ffi::OsStrExt;

/// Runs the command.
pub(super) fn run(call: &Call<'_>, words: LogWords) -> Result<(), Error> {
    // after a message `--stdin` is too late: it must not eat the input of a `while read`
    let stdin = words.message.is_none() && words.parsed.has("stdin");
    let level = words.level.unwrap_or_default();
    // nothing to read and nothing to write: the cheapest call is the one that is below the threshold
    if level < threshold(call) && !(stdin && words.parsed.has("json")) {
        if stdin {
            stdin::discard(call);
        }
        return Ok(());
    }
    let template = Template::of(call, &words);
    if stdin {
        return stdin::run(call, &template, words.parsed.has("json"));
    }
    let mut log = template.log.clone();
    log.message = lossy(words.message.unwrap_or_default().as_bytes(), &mut log.obs);
    template.record(call, log)
}

/// The least level that is journalled and shown.
pub(super) fn threshold(call: &Call<'_>) -> Level {
    Level::parse(&call.settings.log_level).unwrap_or_default()
}

/// What all records of one call share.
pub(super) struct Template {
    pub(super) log: Log,
    limits: Limits,
    print_id: bool,
}

impl Template {
    fn of(call: &Call<'_>, words: &LogWords) -> Self {
        let parsed = &words.parsed;
        let mut gathered = gather(call, parsed);
        let (module, line, function) = parsed
            .value("source")
            .map(|given| source(&redact::text(&given.to_string_lossy())))
            .unwrap_or_default();
        let scene = Scene::of(call, Some(&module));
        let exception = parsed
            .value("exception")
            .and_then(|given| gathered.content(given, call));
        let duration = parsed.text("duration-ms").and_then(|text| {
            let number = text.parse::<Number>().ok();
            if number.is_none() {
                gathered.notes.invalid.push(format!("duration-ms={text}"));
            }
            number
        });
        let timestamp = call.time(parsed.text("time"), &mut gathered.notes.invalid);
        let (limits, warnings) = Limits::for_logs(|name| call.world.var(name).map(str::to_owned));
        for warning in warnings {
            call.note("limit", &warning);
        }
        let (trace_id, span_id) = call.ids();
        let log = Log {
            timestamp,
            level: words.level.unwrap_or_default(),
            logger: parsed
                .text("logger")
                .unwrap_or_else(|| scene.caller.logger()),
            context: gathered.attributes,
            exception: exception.unwrap_or_default(),
            trace_id,
            span_id,
            duration_ms: duration,
            status: parsed.text("status").unwrap_or_default(),
            service: scene.service,
            host: scene.host,
            pid: Some(scene.pid),
            module,
            function,
            line,
            resource: scene.resource,
            obs: gathered.notes,
            ..Log::default()
        };
        Self {
            log,
            limits,
            print_id: parsed.has("print-id"),
        }
    }

    /// Journals and shows one record.
    pub(super) fn record(&self, call: &Call<'_>, mut log: Log) -> Result<(), Error> {
        log.id = call.ulid(log.timestamp);
        let mut record = Record::Log(Box::new(log));
        // before the limits: half a secret is not known for one
        deliver::clean(&mut record);
        if let Record::Log(log) = &mut record {
            log.obs.dropped += self.limits.apply(&mut log.context);
        }
        let line = fit::line(&mut record, call.settings.record_bytes);
        let kept = call.keep(Signal::Logs, &line);
        if let Record::Log(log) = &record {
            match self.print_id {
                true => {
                    let id = format!("{}\n", log.id);
                    let _ = call.world.write(crate::world::Stream::Out, id.as_bytes());
                }
                false => console::show(call, log, &line),
            }
        }
        kept
    }
}

fn gather(call: &Call<'_>, parsed: &Parsed) -> Gathered {
    let mut gathered = Gathered::of(call, parsed, "context");
    if !gathered.others.is_empty() {
        let args = redact::command_line(&std::mem::take(&mut gathered.others));
        gathered
            .attributes
            .insert("args".to_owned(), Value::from(args));
    }
    gathered
}

/// Splits `FILE:LINE:FUNCTION`; a file may hold colons, the line is the first number after it.
fn source(text: &str) -> (String, Option<u64>, String) {
    let parts: Vec<&str> = text.split(':').collect();
    let found = parts
        .iter()
        .enumerate()
        .skip(1)
        .find_map(|(at, part)| Some((at, part.parse::<u64>().ok()?)));
    let Some((at, line)) = found else {
        // a shell that does not know its line leaves it empty
        let file = text.trim_end_matches(':');
        return (file.to_owned(), None, String::new());
    };
    let file = parts.get(..at).unwrap_or_default().join(":");
    let function = parts.get(at + 1..).unwrap_or_default().join(":");
    (file, Some(line), function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_is_file_line_function() {
        let split = source;
        assert_eq!(
            split("a.sh:12:main"),
            ("a.sh".to_owned(), Some(12), "main".to_owned())
        );
        assert_eq!(
            split("c:/a.sh:12:ns::f"),
            ("c:/a.sh".to_owned(), Some(12), "ns::f".to_owned())
        );
        assert_eq!(split("a.sh"), ("a.sh".to_owned(), None, String::new()));
        assert_eq!(split("a.sh:7"), ("a.sh".to_owned(), Some(7), String::new()));
        assert_eq!(split("a.sh::"), ("a.sh".to_owned(), None, String::new()));
    }
}
