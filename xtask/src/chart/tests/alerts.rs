//! The alerts, with promtool.

use ::tests::skip;

use super::super::alerts;
use crate::program;

#[tokio::test]
async fn an_alert_fires_on_the_first_and_on_a_later_loss_and_not_on_a_restart() {
    for program in ["helm", "promtool"] {
        if !program::is_installed(program) {
            return skip::skipped(program, &format!("{program} is not on PATH"));
        }
    }
    let problems = alerts::problems().await.unwrap();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
