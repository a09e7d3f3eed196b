//! What a program inherits: signals, variables, limits, folder, priority.

use crate::caller::Caller;
use crate::mode;
use crate::row::{Row, SKIPPED};
use crate::stage::Stage;

/// Variables that obs may set.
const OURS: [&str; 5] = ["BAGGAGE", "OBS_", "TRACEPARENT", "TRACESTATE", "_OBS_"];

const ABANDONED: &str = "bash -c 'setpriv --pdeathsig TERM WRAP probe count TERM >got & \
     until grep -q READY got; do sleep 0.02; done; kill -KILL $$' 2>/dev/null; \
     until grep -q -e GOT -e NOTHING got; do sleep 0.05; done; tail -1 got";

pub(super) fn rows() -> Vec<Row> {
    let dispositions = |name: &str, ignored: &[i32], blocked: &[i32]| {
        let (ignored, blocked) = (ignored.to_vec(), blocked.to_vec());
        Row::new(format!("signals: {name}"), move |stage| {
            let caller = Caller {
                ignored: ignored.clone(),
                blocked: blocked.clone(),
                ..Caller::default()
            };
            signals(stage, caller)
        })
    };
    let all: Vec<i32> = (1..=64).collect();
    vec![
        dispositions("all default", &[], &[]).in_modes(),
        dispositions("PIPE ignored, USR1 blocked", &[libc::SIGPIPE], &[libc::SIGUSR1]).in_modes(),
        dispositions("CHLD ignored", &[libc::SIGCHLD], &[]),
        dispositions("CHLD blocked", &[], &[libc::SIGCHLD]),
        dispositions("HUP, INT, QUIT, TERM ignored", &[1, 2, 3, 15], &[]),
        dispositions("all ignored", &all, &[]),
        dispositions("all blocked", &[], &all),
        Row::new("exit 42 where CHLD is ignored", |stage| exit_as(stage, &[libc::SIGCHLD], &[])).in_modes(),
        Row::new("exit 42 where CHLD is blocked", |stage| exit_as(stage, &[], &[libc::SIGCHLD])),
        Row::new("death by TERM where TERM is blocked", |stage| death_as(stage, &[], &[libc::SIGTERM])),
        Row::new("TERM ignored by the caller", |stage| death_as(stage, &[libc::SIGTERM], &[])),
        Row::bash("INT ignored by `&`", "WRAP grep Sig[IC] /proc/self/status & wait"),
        Row::bash("nohup", "nohup WRAP grep SigIgn /proc/self/status 2>/dev/null"),
        Row::bash("trap '' in the caller", "trap '' INT TERM PIPE; WRAP grep SigIgn /proc/self/status"),
        Row::new("variables", variables).in_modes(),
        Row::new("variables: none", |stage| environment(stage, &[])),
        Row::bash("umask", "umask 027; WRAP sh -c 'umask; touch made'; stat -c %a made").in_modes(),
        Row::bash("folder", "WRAP pwd; mkdir sub; cd sub; WRAP pwd; WRAP sh -c 'echo x >made'; ls").in_modes(),
        Row::bash("folder through a link", "mkdir a; ln -s a b; cd b; WRAP pwd; WRAP sh -c pwd"),
        Row::bash("a folder that is gone", "mkdir gone; cd gone; rmdir ../gone; WRAP sh -c 'echo ran; pwd -P' 2>&1 | head -1; WRAP sh -c 'exit 3'; echo $?"),
        Row::bash("a folder without rights", "mkdir shut; cd shut; chmod 0 .; WRAP sh -c 'echo ran'; chmod 755 .").local(),
        Row::bash("priority", "nice -n 7 WRAP nice; nice -n 19 WRAP sh -c nice").local(),
        Row::bash("scheduling and affinity", "chrt -i 0 WRAP chrt -p 0 | cut -d: -f2; WRAP grep Cpus_allowed: /proc/self/status").local(),
        Row::bash("limits", "ulimit -S -n 64; ulimit -S -s 4096; ulimit -S -f 100; WRAP bash -c 'ulimit -Sn; ulimit -Ss; ulimit -Sf; ulimit -Sc'").in_modes(),
        Row::bash("limits: all", "WRAP cat /proc/self/limits").local(),
        Row::bash("limits: core files of the caller", "ulimit -S -c 512 2>/dev/null; WRAP bash -c 'ulimit -Sc'").local(),
        Row::new("user and groups", users),
        Row::bash("capabilities and no_new_privs", "WRAP grep -E '^(Cap|NoNewPrivs|Seccomp)' /proc/self/status").local(),
        Row::bash("no_new_privs", "setpriv --no-new-privs WRAP grep NoNewPrivs /proc/self/status"),
        Row::bash("oom score and timer slack", "echo 300 >/proc/$$/oom_score_adj; WRAP cat /proc/self/oom_score_adj /proc/self/timerslack_ns").local(),
        Row::bash("personality", "setarch -R WRAP cat /proc/self/personality"),
        Row::bash("the death signal that the caller chose, as the child sees it", "setpriv --pdeathsig TERM WRAP setpriv -d | grep -i death"),
        Row::bash("the death signal that the caller chose, once the caller dies", ABANDONED),
    ]
}

fn signals(stage: &Stage, caller: Caller) -> String {
    let words = [
        "grep",
        "-E",
        "^(Sig|Shd)(Blk|Ign|Cgt|Pnd)",
        "/proc/self/status",
    ];
    stage
        .told(&stage.go_as(&words, caller).done())
        .replace('\t', " ")
}

fn exit_as(stage: &Stage, ignored: &[i32], blocked: &[i32]) -> String {
    let caller = Caller {
        ignored: ignored.to_vec(),
        blocked: blocked.to_vec(),
        ..Caller::default()
    };
    stage.told(&stage.go_as(&["sh", "-c", "exit 42"], caller).done())
}

/// A child that sends itself TERM; where that does nothing, it says so.
fn death_as(stage: &Stage, ignored: &[i32], blocked: &[i32]) -> String {
    let caller = Caller {
        ignored: ignored.to_vec(),
        blocked: blocked.to_vec(),
        ..Caller::default()
    };
    let words = ["sh", "-c", "kill -TERM $$; echo lives on; kill -KILL $$"];
    stage.told(&stage.go_as(&words, caller).done())
}

fn variables(stage: &Stage) -> String {
    let odd: [&[u8]; 10] = [
        b"B=2",
        b"A=1",
        b"noequals",
        b"=C:=noname",
        b"A=again",
        b"EMPTY=",
        b"BYTES=\xff\xfe\n",
        b"MANY=a=b=c",
        b"BASH_FUNC_f%%=() { :; }",
        b"with space=1",
    ];
    environment(stage, &odd)
}

/// Runs with exactly these variables, and those that obs must have.
fn environment(stage: &Stage, variables: &[&[u8]]) -> String {
    let caller = Caller {
        image: Some(stage.image("probe", &[b"environment"], variables)),
        ..Caller::default()
    };
    let done = stage.start(&["true"], caller).done();
    let is_ours = |line: &&str| OURS.iter().any(|name| line.starts_with(name));
    let kept = done.out.lines().filter(|line| !is_ours(line));
    // the search path is the way's own
    let kept = kept.map(|line| line.split(":/usr").next().unwrap_or_default());
    let kept: Vec<&str> = kept
        .map(|line| {
            if line.starts_with("PATH=") {
                "PATH"
            } else {
                line
            }
        })
        .collect();
    format!("{}: {}", done.ended, kept.join(" / "))
}

fn users(stage: &Stage) -> String {
    if !mode::is_root() {
        return format!("{SKIPPED}needs root");
    }
    stage.bash("setpriv --reuid 65534 --regid 65534 --clear-groups WRAP id -u; setpriv --reuid 65534 --regid 65534 --groups 7,8 WRAP id -G")
}
