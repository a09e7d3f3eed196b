//! What a child process prints, on both streams to their ends, as it comes: one that fills the one may never close the
//! other. No thread reads, because a hook that goes on behind git's back keeps only one.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::process::Child;

/// One of the streams; no file where it came to its end.
struct Stream {
    file: Option<File>,
    bytes: Vec<u8>,
}

impl Stream {
    fn of(fd: Option<OwnedFd>) -> Self {
        Self {
            file: fd.map(File::from),
            bytes: Vec::new(),
        }
    }

    fn read_some(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let mut some = [0; 4096];
        match file.read(&mut some) {
            Ok(0) => self.file = None,
            Ok(length) => self.bytes.extend(some.iter().take(length)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// The output and the errors of a child whose streams are pipes.
pub(super) fn read_both(child: &mut Child) -> io::Result<[Vec<u8>; 2]> {
    let mut streams = [
        Stream::of(child.stdout.take().map(OwnedFd::from)),
        Stream::of(child.stderr.take().map(OwnedFd::from)),
    ];
    loop {
        let files = streams.iter().filter_map(|stream| stream.file.as_ref());
        let mut polled: Vec<_> = files.map(|file| PollFd::new(file, PollFlags::IN)).collect();
        if polled.is_empty() {
            return Ok(streams.map(|stream| stream.bytes));
        }
        match poll(&mut polled, None) {
            Err(Errno::INTR) => continue,
            other => other?,
        };
        let ready: Vec<bool> = polled.iter().map(|fd| !fd.revents().is_empty()).collect();
        let open = streams.iter_mut().filter(|stream| stream.file.is_some());
        for (stream, _) in open.zip(ready).filter(|(_, ready)| *ready) {
            stream.read_some()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests start programs")]
    fn streams_are_read_whatever_fills_first() {
        for script in [
            "head -c 300000 /dev/zero >&2; head -c 200000 /dev/zero",
            "head -c 200000 /dev/zero; head -c 300000 /dev/zero >&2",
        ] {
            let mut child = Command::new("sh")
                .args(["-c", script])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let [out, err] = read_both(&mut child).unwrap();
            assert_eq!((out.len(), err.len()), (200_000, 300_000), "{script}");
            assert!(child.wait().unwrap().success());
        }
    }
}
