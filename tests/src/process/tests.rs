//! Tests of child processes: output, signals, and that none is left running.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use tokio::process::Command;

use super::Process;

const TIMEOUT: Duration = Duration::from_secs(10);

fn shell(script: &str) -> Process {
    Process::start("a script", Command::new("sh").args(["-c", script])).unwrap()
}

async fn wait_for_line(process: &Process, expected: &str) {
    let output = process.output();
    output
        .wait_for_line(expected, TIMEOUT, |line| line == expected)
        .await
        .unwrap();
}

#[tokio::test]
async fn both_streams_are_captured_and_complete_at_exit() {
    let mut process = shell("echo out; echo err >&2; printf last");
    assert!(process.wait(TIMEOUT).await.unwrap().success());
    let mut lines = process.output().lines();
    lines.sort();
    assert_eq!(lines, ["err", "last", "out"]);
}

#[tokio::test]
async fn terminate_lets_a_process_clean_up() {
    let mut process = shell("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done");
    wait_for_line(&process, "up").await;
    let status = process.terminate(TIMEOUT).await.unwrap();
    assert_eq!(status.code(), Some(7), "the script's own status");
    assert_eq!(process.output().lines(), ["up", "bye"]);
}

#[tokio::test]
async fn a_process_that_ignores_sigterm_is_killed_and_its_output_is_reported() {
    let mut process = shell("trap '' TERM; echo stubborn; while :; do sleep 0.01; done");
    wait_for_line(&process, "stubborn").await;
    let error = process.terminate(Duration::from_millis(50)).await;
    let error = format!("{:#}", error.unwrap_err());
    assert!(error.contains("stubborn"), "{error}");
    let status = process.try_wait().unwrap();
    assert_eq!(status.and_then(|status| status.signal()), Some(9));
}

#[tokio::test]
async fn a_dropped_process_is_killed() {
    let process = shell("while :; do sleep 0.01; done");
    let pid = process.pid();
    drop(process);
    crate::wait::until("the dropped process to exit", TIMEOUT, async || {
        match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) if !stat.contains(") Z ") => Err(stat),
            _ => Ok(()),
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_crash_is_reported_with_status_and_output() {
    let mut process = shell("echo 'no such file' >&2; exit 3");
    process.wait_for_exit().await.unwrap();
    let error = process.ensure_running().await.unwrap_err().to_string();
    assert!(
        error.contains("exit status: 3") && error.contains("no such file"),
        "{error}"
    );
}

#[tokio::test]
async fn the_error_names_a_program_that_does_not_exist() {
    let error = Process::start("ghost", &mut Command::new("/no/such/program")).unwrap_err();
    assert!(error.to_string().contains("/no/such/program"), "{error}");
}
