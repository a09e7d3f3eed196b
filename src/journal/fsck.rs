//! Looking for damage, and repairing it: a copy to `quarantine/`, then spaces in place, so that offsets hold.

use super::{Journal, Signal, damage, file, home};
use crate::error::Error;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// One damaged range.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The file it is in.
    pub path: PathBuf,
    /// Where it begins.
    pub offset: u64,
    /// How long it is, without its newline.
    pub length: u64,
    /// What is wrong with it.
    pub reason: String,
    /// Its copy, once repaired.
    pub copy: Option<PathBuf>,
}

/// What was looked at and found.
#[derive(Debug, Default)]
pub struct Report {
    /// Files read.
    pub files: u64,
    /// Whole records.
    pub records: u64,
    /// Damaged ranges.
    pub findings: Vec<Finding>,
    /// Spans that a crash or a lost owner kept from the journal and that now are in it.
    pub spans: u64,
    /// Temporary files of killed processes that are gone now.
    pub leftovers: u64,
}

impl Journal {
    /// Reads every file of every signal; with `repair` mends what it finds.
    pub fn check(&self, repair: bool, now: i64) -> Result<Report, Error> {
        let mut report = Report::default();
        for signal in Signal::ALL {
            let reader = self.reader(signal);
            for source in &reader.sources {
                report.files += 1;
                let mut found = scan(source, signal, &mut report)?;
                if repair && !found.is_empty() {
                    found = self.mend(&source.path, signal, now)?;
                }
                report.findings.append(&mut found);
            }
        }
        Ok(report)
    }

    /// Scans a file again under its lock, where nobody writes, and takes its damage out.
    fn mend(&self, path: &Path, signal: Signal, now: i64) -> Result<Vec<Finding>, Error> {
        let wrong = |error: io::Error| {
            Error::failure(format!("could not repair `{}`", path.display())).because(error)
        };
        let target = file::open_change(path, self.place.user).map_err(wrong)?;
        let deadline = Instant::now() + self.lock_timeout;
        let held = file::lock(target, || deadline, || self.random()).map_err(wrong)?;
        let Some(held) = held else {
            return Err(wrong(io::Error::other("its lock is held; try again")));
        };
        let target = &held.file;
        let same = file::still_named(&target.metadata().map_err(wrong)?, path).map_err(wrong)?;
        if !same {
            return Err(wrong(io::Error::other(
                "it was rotated meanwhile; try again",
            )));
        }
        let source =
            super::read::Source::closed(path).ok_or_else(|| wrong(io::Error::other("gone")))?;
        let mut findings = scan(&source, signal, &mut Report::default())?;
        for finding in &mut findings {
            let copy = self.quarantine(target, finding, now).map_err(wrong)?;
            blank(target, finding).map_err(wrong)?;
            finding.copy = Some(copy);
        }
        target.sync_data().map_err(wrong)?;
        Ok(findings)
    }

    /// Copies a range, safely on disk, before it is blanked.
    fn quarantine(&self, target: &File, finding: &Finding, now: i64) -> io::Result<PathBuf> {
        let folder = self.ready()?.join("quarantine");
        home::make_folder(&folder)?;
        let mut bytes = vec![0; usize::try_from(finding.length).unwrap_or_default()];
        target.read_exact_at(&mut bytes, finding.offset)?;
        let name = finding
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let copy = folder.join(format!("{name}-{}-{now}", finding.offset));
        let file = file::create_new(&copy)?;
        file::write_all(&file, &bytes)?;
        file.sync_data()?;
        file::sync_folder(&folder)?;
        Ok(copy)
    }

    /// Removes temporary files that a killed process left an hour ago or more.
    pub fn remove_leftovers(&self, now: i64) -> u64 {
        let home = self.place.home.clone().unwrap_or_default();
        let mut folders = self.own_spill_places();
        folders.extend(["live", "sealed", "cursors"].map(|name| home.join(name)));
        folders.push(home);
        let old = |path: &Path| {
            let modified = fs::symlink_metadata(path).ok()?.modified().ok()?;
            let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
            Some(now - i64::try_from(since.as_nanos()).ok()? > 3_600 * 1_000_000_000)
        };
        folders
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok())
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "tmp"))
            .filter(|path| old(path) == Some(true) && fs::remove_file(path).is_ok())
            .count() as u64
    }
}

fn scan(
    source: &super::read::Source,
    signal: Signal,
    report: &mut Report,
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    let mut records = 0;
    let read = source.lines(0, &mut |line, offset| {
        if damage::is_blank(line) {
            return;
        }
        match damage::reason(signal, line) {
            None => records += 1,
            Some(reason) => findings.push(Finding {
                path: source.path.clone(),
                offset,
                length: line.strip_suffix(b"\n").unwrap_or(line).len() as u64,
                reason,
                copy: None,
            }),
        }
    });
    report.records += records;
    read.map_err(|error| {
        Error::failure(format!("could not read `{}`", source.path.display())).because(error)
    })?;
    Ok(findings)
}

fn blank(target: &File, finding: &Finding) -> io::Result<()> {
    let spaces = vec![b' '; usize::try_from(finding.length).unwrap_or_default()];
    target.write_all_at(&spaces, finding.offset)
}
