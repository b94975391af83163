//! A release under steady load, and its books afterwards.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Account, Recorder, Release, whole};
use crate::load::{Load, Pace, Report, Running, Until};
use crate::wait;

/// Requests a second; enough for several in every second of a restart.
const RATE: f64 = 40.0;
const CONNECTIONS: usize = 8;
/// How long one answer may take: longer than both calls behind it, by
/// `k8s/values-e2e.yaml`.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// No load goes on for longer, whatever happens.
const BOUND: Duration = Duration::from_mins(4);
/// Requests before and after what is done under load.
const AROUND: u64 = 80;
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// How long the gateway may take to stop.
const STOPS_WITHIN: Duration = Duration::from_secs(30);

/// What became of a load.
#[derive(Debug)]
pub struct Shown {
    /// What became of the requests.
    pub report: Report,
    /// What became of the spans.
    pub account: Account,
}

impl Release {
    /// Does `act` under steady load on the gateway, then holds that no request has
    /// failed, that no service has lost a span, and that every span is in Jaeger, in
    /// whole traces. There must have been no request before.
    ///
    /// # Errors
    /// What was otherwise.
    pub async fn under_load(&self, act: impl AsyncFnOnce() -> Result<()>) -> Result<Shown> {
        let shown = self.load(act).await?;
        self.hold_whole(&shown).await?;
        Ok(shown)
    }

    /// Does `act` under steady load on the gateway, and holds that no request has
    /// failed, and that the services account for every span, also for those that they
    /// have lost. There must have been no request before.
    ///
    /// # Errors
    /// What was otherwise.
    pub async fn load(&self, act: impl AsyncFnOnce() -> Result<()>) -> Result<Shown> {
        let recorder = Recorder::start(self);
        let load = self.steady_load().await?;
        load.wait_for(AROUND, ANSWERED_WITHIN).await?;
        let acted = act().await;
        let after = load.done() + AROUND;
        load.wait_for(after, ANSWERED_WITHIN).await?;
        let report = load.stop().await;
        acted.with_context(|| format!("under load: {report}"))?;
        ensure!(report.failed() == 0, "no request may fail: {report}");
        let account = Account::close(self, &recorder).await?;
        account.hold()?;
        Ok(Shown { report, account })
    }

    /// Does `act`, by which the gateway must stop for good, under steady load on it,
    /// which ends when the gateway accepts nothing any more. Holds that no request has
    /// failed that it had accepted, and no span was lost. There must have been no
    /// request before.
    ///
    /// # Errors
    /// What was otherwise.
    pub async fn load_to_the_end(&self, act: impl AsyncFnOnce() -> Result<()>) -> Result<Shown> {
        let recorder = Recorder::start(self);
        let load = self.steady_load().await?;
        load.wait_for(AROUND, ANSWERED_WITHIN).await?;
        let acted = act().await;
        let what = "the gateway to refuse connections";
        let refused = wait::until(what, STOPS_WITHIN, async || match load.refused() {
            0 => Err(format!("{} requests done", load.done())),
            _ => Ok(()),
        });
        let refused = refused.await;
        let report = load.stop().await;
        acted
            .and(refused)
            .with_context(|| format!("under load: {report}"))?;
        ensure!(
            report.failed_when_accepted() == 0,
            "no request may fail that was accepted: {report}"
        );
        let account = Account::close(self, &recorder).await?;
        account.hold()?;
        let shown = Shown { report, account };
        self.hold_whole(&shown).await?;
        Ok(shown)
    }

    /// No service has lost a span, and Jaeger has them all, in whole traces.
    async fn hold_whole(&self, shown: &Shown) -> Result<()> {
        let Shown { report, account } = shown;
        account.hold_no_loss()?;
        let in_jaeger = whole(&self.jaeger()?, &report.traces, account.exported()).await;
        in_jaeger.with_context(|| format!("{account:?}"))
    }

    async fn steady_load(&self) -> Result<Running> {
        let url = self.node_url("/hello").await?;
        let load = Load::get(&url)?
            .connections(CONNECTIONS)
            .timeout(ANSWER_WITHIN)
            .header("user-agent", "load")
            .pace(Pace::PerSecond(RATE))
            .until(Until::Elapsed(BOUND));
        Ok(load.start())
    }
}
