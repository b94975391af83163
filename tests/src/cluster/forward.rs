//! A port of this machine that leads to a port of a pod, through the Kubernetes API.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::{Namespace, Part};

/// A forwarded port; closed when it is dropped.
///
/// Each connection goes to a pod that is ready when it is opened, so a pod that is
/// replaced is found again.
#[derive(Debug)]
pub struct Forward {
    port: u16,
    task: JoinHandle<()>,
}

struct Destination {
    namespace: Namespace,
    release: String,
    part: String,
    /// One pod and no other.
    pod: Option<String>,
    port: u16,
}

impl Forward {
    /// Leads to a port of the ready pods of a part, each connection to the next one.
    ///
    /// # Errors
    /// When this machine has no port.
    pub async fn to_part(namespace: &Namespace, of: Part<'_>, port: u16) -> Result<Self> {
        Self::open(Destination {
            namespace: namespace.clone(),
            release: of.release.to_owned(),
            part: of.name.to_owned(),
            pod: None,
            port,
        })
        .await
    }

    /// Leads to a port of one pod.
    ///
    /// # Errors
    /// When this machine has no port.
    pub async fn to_pod(namespace: &Namespace, pod: &str, port: u16) -> Result<Self> {
        Self::open(Destination {
            namespace: namespace.clone(),
            release: String::new(),
            part: String::new(),
            pod: Some(pod.to_owned()),
            port,
        })
        .await
    }

    async fn open(destination: Destination) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(accept(listener, Arc::new(destination)));
        Ok(Self { port, task })
    }

    /// Where it begins, as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, destination: Arc<Destination>) {
    // Dropped with the task, and with it all connections.
    let mut connections = JoinSet::new();
    let mut turn = 0;
    while let Ok((stream, _)) = listener.accept().await {
        let destination = Arc::clone(&destination);
        connections.spawn(async move {
            if let Err(error) = destination.carry(stream, turn).await {
                // Whoever has connected sees only that the connection closes.
                eprintln!("port-forward: {error:#}");
            }
        });
        turn = turn.wrapping_add(1);
        while connections.try_join_next().is_some() {}
    }
}

impl Destination {
    async fn carry(&self, mut stream: TcpStream, turn: usize) -> Result<()> {
        let pod = self.choose(turn).await?;
        let pods = self.namespace.pods();
        let to = || format!("{pod}:{}", self.port);
        let mut forward = pods
            .portforward(&pod, &[self.port])
            .await
            .with_context(to)?;
        let mut upstream = forward.take_stream(self.port).with_context(to)?;
        // Either side may end it at any time.
        let _ = copy_bidirectional(&mut stream, &mut upstream).await;
        drop(upstream);
        forward.abort();
        Ok(())
    }

    async fn choose(&self, turn: usize) -> Result<String> {
        if let Some(pod) = &self.pod {
            return Ok(pod.clone());
        }
        let part = Part {
            release: &self.release,
            name: &self.part,
        };
        let mut ready = self.namespace.ready_pods(part).await?;
        ready.sort_by(|a, b| a.name.cmp(&b.name));
        let turn = turn % ready.len();
        Ok(ready.swap_remove(turn).name)
    }
}
