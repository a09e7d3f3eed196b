//! Our own troubles, one line each in `diagnostics.log`: what a silent hot command could not say. Bounded in size;
//! losing one loses no record.

use super::{Journal, file};
use crate::model::{time, to_line};
use std::fs;

/// Size at which the file starts again, keeping the one before.
const MOST: u64 = 256 * 1024;

impl Journal {
    /// Notes a trouble: `what` is one of few words, `why` is free.
    pub fn trouble(&self, now: i64, what: &str, why: &str) {
        let Ok(home) = self.ready() else {
            return;
        };
        let path = home.join("diagnostics.log");
        let Ok(log) = file::open_append(&path, self.place.user) else {
            return;
        };
        let length = log.metadata().map_or(0, |found| found.len());
        if length == 0 {
            let _ = file::private(&log);
        }
        if length > MOST {
            let _ = fs::rename(&path, home.join("diagnostics.log.1"));
        }
        let line = to_line(&serde_json::json!({
            "timestamp": time::micros_text(now), "what": what, "why": why, "pid": self.place.pid,
        }));
        let _mask = file::Mask::all();
        let _ = file::write_all(&log, &line);
    }
}
