//! Standard streams that the shell has closed: a file that we open must not become one of them, or what we print would go
//! into it.

use std::ffi::c_int;

/// Stands in for the closed ones until it is dropped.
pub(crate) struct Standard([bool; 3]);

impl Standard {
    pub(crate) fn open() -> Self {
        let mut opened = [false; 3];
        for (stream, opened) in (0..).zip(&mut opened) {
            // SAFETY: system calls on descriptors; the path is a constant. The lowest free descriptor is the closed one.
            unsafe {
                if libc::fcntl(stream, libc::F_GETFD) < 0 {
                    let flags = libc::O_RDWR | libc::O_CLOEXEC;
                    let got: c_int = libc::open(c"/dev/null".as_ptr(), flags);
                    *opened = got == stream;
                }
            }
        }
        Self(opened)
    }
}

impl Drop for Standard {
    fn drop(&mut self) {
        for (stream, opened) in (0..).zip(self.0) {
            if opened {
                // SAFETY: ours, opened above
                unsafe { libc::close(stream) };
            }
        }
    }
}
