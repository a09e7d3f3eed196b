//! The log record and its levels.

use super::{Attributes, Notes, time};
use serde::{Deserialize, Serialize};
use serde_json::Number;

/// Severity, by the seed's names; numbers are OpenTelemetry's (logs data model, severity fields).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Severity number 5.
    Debug,
    /// Severity number 9.
    #[default]
    Info,
    /// Severity number 13.
    Warning,
    /// Severity number 17.
    Error,
    /// Severity number 21.
    Critical,
}

impl Level {
    /// Reads a level or one of its aliases, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        // longer words are no levels: a message is not copied to learn that
        if text.len() > 8 {
            return None;
        }
        Some(match text.to_ascii_lowercase().as_str() {
            "debug" | "trace" => Self::Debug,
            "info" => Self::Info,
            "warning" | "warn" => Self::Warning,
            "error" => Self::Error,
            "critical" | "fatal" => Self::Critical,
            _ => return None,
        })
    }

    /// The level's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }
}

/// A log record, keys in the order of its line.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Log {
    /// When it happened.
    #[serde(with = "time::micros")]
    pub timestamp: i64,
    /// How grave it is.
    pub level: Level,
    /// Who logs: `bash.<script file>` from shells.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub logger: String,
    /// The message.
    #[serde(default)]
    pub message: String,
    /// Typed attributes.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub context: Attributes,
    /// Stack trace or error text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub exception: String,
    /// Trace it belongs to, 32 hex digits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trace_id: String,
    /// Span it belongs to, 16 hex digits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub span_id: String,
    /// Duration of what it tells about, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<Number>,
    /// How that ended: `success`, `failure`, any word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// `service.name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// `host.name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Process id of the script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The caller's file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub module: String,
    /// The caller's function.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub function: String,
    /// The caller's line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// ULID; `log.record.uid` on export.
    pub id: String,
    /// Resource attributes beyond service and host.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub resource: Attributes,
    /// What had to be done to keep it.
    #[serde(default, skip_serializing_if = "Notes::is_empty")]
    pub obs: Notes,
}

impl Log {
    /// Every text that was given, outside of attributes.
    pub(super) fn texts_mut(&mut self) -> Vec<&mut String> {
        let given = [
            &mut self.message,
            &mut self.exception,
            &mut self.logger,
            &mut self.status,
            &mut self.service,
            &mut self.host,
            &mut self.module,
            &mut self.function,
        ];
        given.into_iter().chain(&mut self.obs.invalid).collect()
    }
}
