//! The processes below a command: when its time is up they are meant too, as timeout(1) means its whole group. Ours is
//! the caller's group, which is not to be touched.

/// More than this are not looked for.
const MOST: usize = 4096;

/// A process and all below it, parents first. Where the kernel does not tell, the process alone.
pub(super) fn family(pid: i32) -> Vec<i32> {
    let mut all = vec![pid];
    #[cfg(target_os = "linux")]
    if super::sentry::is_own_proc() {
        let mut at = 0;
        while let Some(parent) = all.get(at).copied().filter(|_| all.len() < MOST) {
            all.extend(children(parent));
            at += 1;
        }
    }
    all.truncate(MOST);
    all
}

/// The children of a process, those of each of its threads (proc(5), `/proc/PID/task/TID/children`).
#[cfg(target_os = "linux")]
fn children(pid: i32) -> Vec<i32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"));
    let threads = threads.into_iter().flatten().flatten();
    let lists =
        threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn family_of_a_process_that_is_gone_is_itself() {
        assert_eq!(family(i32::MAX), [i32::MAX]);
    }
}
