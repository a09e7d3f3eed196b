//! The variables of the OTLP exporter (OpenTelemetry specification, "OTLP Exporter Configuration" and "Environment Variable
//! Specification"). A signal's own form wins whole over the general one. What cannot be read is warned of and ignored, but for
//! what would send to the wrong place, with the wrong identity or over an unverified line: that is an error. Of the batch
//! processors' variables only the size of a batch is ours: the journal is the queue, and a drain waits for no delay.

use super::endpoint::Endpoint;
use super::headers::{self, Headers};
use super::target::{Lane, Protocol, Target, limit};
use super::tls::Tls;
use crate::error::Error;
use crate::model::Signal;
use crate::world::World;

const PREFIX: &str = "OTEL_EXPORTER_OTLP_";
const TIMEOUT: u64 = 10_000;
const EXEMPLARS: &str = "OTEL_METRICS_EXEMPLAR_FILTER";
const BATCH_SIZES: [&str; 2] = [
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
];
const BOOLEANS: [&str; 2] = ["true", "false"];

/// Who gets a signal, by `OTEL_TRACES_EXPORTER` and its like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exporters {
    /// It is sent by OTLP.
    pub otlp: bool,
    /// It is shown in words.
    pub console: bool,
    /// It is written as OTLP JSON lines to standard output.
    pub stdout: bool,
    /// What of the list was ignored, and why.
    pub warnings: Vec<String>,
}

/// Reads the list of exporters that a signal has; `otlp` where there is none.
pub fn exporters(world: &World, signal: Signal) -> Exporters {
    exporters_of(world, Lane::of(signal))
}

fn exporters_of(world: &World, lane: Lane) -> Exporters {
    let name = format!("OTEL_{}_EXPORTER", lane.word());
    let Some(list) = world.var(&name) else {
        return Exporters {
            otlp: true,
            ..Exporters::default()
        };
    };
    let (mut chosen, mut is_known, mut is_none) = (Exporters::default(), false, false);
    for word in list.split(',').map(|word| word.trim().to_ascii_lowercase()) {
        let mut known = true;
        match word.as_str() {
            "" => known = false,
            "console" => chosen.console = true,
            "none" => is_none = true,
            "otlp" => chosen.otlp = true,
            "otlp/stdout" => chosen.stdout = true,
            "jaeger" | "logging" | "prometheus" | "zipkin" => {
                let text = format!("{name}: obs has no exporter `{word}`, it is left out");
                chosen.warnings.push(text);
            }
            _ => {
                known = false;
                chosen.warnings.push(format!(
                    "{name}: expected otlp, otlp/stdout, console or none; one word is ignored"
                ));
            }
        }
        is_known |= known;
    }
    if is_none {
        if chosen.otlp || chosen.console || chosen.stdout {
            let text = format!("{name}: `none` stands beside others, and nothing is exported");
            chosen.warnings.push(text);
        }
        (chosen.otlp, chosen.console, chosen.stdout) = (false, false, false);
    } else if !is_known {
        chosen.otlp = true;
    }
    chosen
}

/// Everything in the exporter's variables that is ignored, and why.
pub fn warnings(world: &World) -> Vec<String> {
    let (_, mut warnings) = read(world);
    for signal in Signal::ALL {
        warnings.extend(exporters(world, signal).warnings);
    }
    let known = ["", "explicit_bucket_histogram"];
    let name = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    let wanted = world.var(name).unwrap_or_default();
    if !known.contains(&wanted.to_ascii_lowercase().as_str()) {
        warnings.push(format!(
            "{name}: only explicit_bucket_histogram is supported, and that is sent"
        ));
    }
    if world.var("OTEL_CONFIG_FILE").is_some() {
        warnings.push("OTEL_CONFIG_FILE: not supported, the other variables hold".to_owned());
    }
    let known = ["baggage", "tracecontext"];
    let wanted = world.var("OTEL_PROPAGATORS").unwrap_or_default();
    let mut words = wanted.split(',').map(str::trim);
    if !wanted.trim().is_empty()
        && !words.all(|word| known.contains(&word.to_ascii_lowercase().as_str()))
    {
        warnings.push(
            "OTEL_PROPAGATORS: obs passes on tracecontext and baggage, and no others".to_owned(),
        );
    }
    warnings.sort_unstable();
    warnings.dedup();
    warnings
}

/// The ways of signals, or why there is none.
type Ways = Result<Vec<(Lane, Target)>, Error>;

/// The ways of those signals that the variables send somewhere. A signal without an endpoint, its own or the general one, is
/// not sent: there is no network that nobody asked for.
pub(super) fn targets(world: &World) -> Ways {
    read(world).0
}

/// True where sums and histograms are sent by what was added: `delta`, and `lowmemory`, which asks for the same of our kinds.
pub(super) fn is_delta(world: &World) -> bool {
    is_delta_warned(&mut Variables::of(world))
}

/// The most records of a batch; none: nobody says. Records of any signal may come, so it is the smaller of the two.
pub(super) fn batch_size(world: &World) -> Option<usize> {
    batch_size_warned(&mut Variables::of(world))
}

fn batch_size_warned(variables: &mut Variables<'_>) -> Option<usize> {
    let sizes = BATCH_SIZES.map(|name| variables.positive(name));
    sizes.into_iter().flatten().min()
}

/// False where no point is to bear an exemplar. A point of ours has one only where it was made in a trace, so `always_on` and
/// `trace_based` are alike.
pub(super) fn has_exemplars(world: &World) -> bool {
    has_exemplars_warned(&mut Variables::of(world))
}

fn has_exemplars_warned(variables: &mut Variables<'_>) -> bool {
    let words = ["always_off", "always_on", "trace_based"];
    let wanted = variables.world.var(EXEMPLARS);
    let wanted = wanted.and_then(|text| variables.one_of(EXEMPLARS, text, &words));
    wanted != Some("always_off")
}

fn is_delta_warned(variables: &mut Variables<'_>) -> bool {
    let words = ["cumulative", "delta", "lowmemory"];
    let chosen = variables.choice("METRICS_TEMPORALITY_PREFERENCE", None, &words);
    matches!(chosen, Some("delta" | "lowmemory"))
}

fn read(world: &World) -> (Ways, Vec<String>) {
    let mut variables = Variables::of(world);
    is_delta_warned(&mut variables);
    batch_size_warned(&mut variables);
    has_exemplars_warned(&mut variables);
    let mut targets = Ok(Vec::new());
    for lane in Lane::ALL {
        if !exporters_of(world, lane).otlp {
            continue;
        }
        match (&mut targets, variables.target(lane)) {
            (Ok(found), Ok(Some(target))) => found.push((lane, target)),
            (Ok(_), Err(error)) => targets = Err(error),
            _ => {}
        }
    }
    (targets, variables.warnings)
}

/// The variables and what had to be ignored of them.
struct Variables<'a> {
    world: &'a World,
    warnings: Vec<String>,
}

impl<'a> Variables<'a> {
    fn of(world: &'a World) -> Self {
        Self {
            world,
            warnings: Vec::new(),
        }
    }

    /// A variable by the signal's own name, else by the general one, with the name it had.
    fn value(&self, name: &str, lane: Option<Lane>) -> Option<(String, &'a str)> {
        let own = lane.map(|lane| format!("{PREFIX}{}_{name}", lane.word()));
        let names = own.into_iter().chain([format!("{PREFIX}{name}")]);
        names
            .filter_map(|name| Some((self.world.var(&name)?, name)))
            .map(|(value, name)| (name, value))
            .next()
    }

    /// One of some words, in any case.
    fn choice(
        &mut self,
        name: &str,
        lane: Option<Lane>,
        words: &[&'static str],
    ) -> Option<&'static str> {
        let (name, value) = self.value(name, lane)?;
        self.one_of(&name, value, words)
    }

    fn one_of(&mut self, name: &str, value: &str, words: &[&'static str]) -> Option<&'static str> {
        let found = words
            .iter()
            .find(|word| word.eq_ignore_ascii_case(value.trim()));
        if found.is_none() {
            let text = format!("{name}: expected one of {}; ignored", words.join(", "));
            self.warnings.push(text);
        }
        found.copied()
    }

    /// A whole number from 1.
    fn positive(&mut self, name: &str) -> Option<usize> {
        let number = self.world.var(name)?.trim().parse().ok();
        let number = number.filter(|number| *number > 0);
        if number.is_none() {
            let text = format!("{name}: expected a whole number from 1; ignored");
            self.warnings.push(text);
        }
        number
    }

    fn timeout(&mut self, lane: Lane) -> u64 {
        let Some((name, value)) = self.value("TIMEOUT", Some(lane)) else {
            return TIMEOUT;
        };
        value.trim().parse().unwrap_or_else(|_| {
            let text = format!("{name}: expected whole milliseconds; {TIMEOUT} it is");
            self.warnings.push(text);
            TIMEOUT
        })
    }

    fn endpoint(&mut self, lane: Lane, protocol: Protocol) -> Result<Option<Endpoint>, Error> {
        let is_insecure = self.choice("INSECURE", Some(lane), &BOOLEANS) == Some("true");
        let Some((name, text)) = self.value("ENDPOINT", Some(lane)) else {
            return Ok(None);
        };
        let is_own = name != format!("{PREFIX}ENDPOINT");
        let endpoint = match protocol {
            Protocol::Grpc => Endpoint::grpc(text, is_insecure),
            Protocol::HttpJson | Protocol::HttpProtobuf if is_own => Endpoint::exact(text),
            Protocol::HttpJson | Protocol::HttpProtobuf => Endpoint::base(text, lane.path()),
        };
        let hint = "for a Collector on this machine: http://localhost:4318, or with grpc http://localhost:4317";
        endpoint
            .map(Some)
            .map_err(|why| Error::usage(name).because(why).hint(hint))
    }

    /// The URL's user comes before `OTEL_API_KEY`, which is for those who gave nothing else.
    fn headers(&self, lane: Lane, endpoint: &Endpoint) -> Result<Headers, Error> {
        let mut headers = match self.value("HEADERS", Some(lane)) {
            Some((name, text)) => headers::parse(text)
                .map_err(|why| Error::usage(name).because(why).hint(headers::HINT))?,
            None => Headers::default(),
        };
        let key = self.world.var("OTEL_API_KEY");
        let bearer = key.map(|key| format!("Bearer {}", key.trim()));
        for value in endpoint.basic().into_iter().chain(bearer.as_deref()) {
            headers
                .add_authorization(value)
                .map_err(|why| Error::usage("OTEL_API_KEY").because(why))?;
        }
        Ok(headers)
    }

    fn target(&mut self, lane: Lane) -> Result<Option<Target>, Error> {
        let words = ["grpc", "http/json", "http/protobuf"];
        let protocol = self.choice("PROTOCOL", Some(lane), &words);
        let protocol = protocol.and_then(Protocol::parse);
        let protocol = protocol.unwrap_or(Protocol::HttpProtobuf);
        let compression = self.choice("COMPRESSION", Some(lane), &["gzip", "none"]);
        let timeout = limit(self.timeout(lane));
        let Some(endpoint) = self.endpoint(lane, protocol)? else {
            return Ok(None);
        };
        let tls = match endpoint.is_tls() {
            true => {
                let names = ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"];
                Tls::read(names.map(|name| match self.value(name, Some(lane)) {
                    Some((name, path)) => (name, Some(path.to_owned())),
                    None => (format!("{PREFIX}{name}"), None),
                }))?
            }
            false => Tls::default(),
        };
        let place = self.value("ENDPOINT", Some(lane));
        let place = place.map_or_else(String::new, |(name, _)| name);
        let target = Target {
            headers: self.headers(lane, &endpoint)?,
            endpoint,
            protocol,
            is_gzip: compression == Some("gzip"),
            timeout,
            tls,
            may_link_local: false,
            place,
        };
        target.checked().map(Some)
    }
}

#[cfg(test)]
mod tests;
