//! A local port that is forwarded to a pod through the Kubernetes API.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use kube::api::ListParams;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::namespace::Namespace;

/// A forwarded port. Dropping it closes the port and all its connections.
#[derive(Debug)]
pub(super) struct Forward {
    port: u16,
    /// Aborted when it is dropped.
    _task: JoinSet<()>,
}

impl Forward {
    /// Forwards a local port to `port` of the pods that `selection` selects. Each connection
    /// goes to the next pod that is ready at that moment, so restarted pods are found.
    pub(super) async fn open(
        namespace: &Namespace,
        selection: ListParams,
        port: u16,
    ) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let local_port = listener.local_addr()?.port();
        let mut task = JoinSet::new();
        task.spawn(accept(listener, namespace.clone(), selection, port));
        Ok(Self {
            port: local_port,
            _task: task,
        })
    }

    /// Forwards a local port to `port` of one pod.
    pub(super) async fn to_pod(namespace: &Namespace, pod: &str, port: u16) -> Result<Self> {
        let selection = ListParams::default().fields(&format!("metadata.name={pod}"));
        Self::open(namespace, selection, port).await
    }

    /// `http://127.0.0.1:PORT`
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

async fn accept(listener: TcpListener, namespace: Namespace, selection: ListParams, port: u16) {
    let mut connections = JoinSet::new();
    let mut accepted = 0;
    while let Ok((stream, _)) = listener.accept().await {
        let (namespace, selection) = (namespace.clone(), selection.clone());
        connections.spawn(async move {
            // The client only sees that its connection closes.
            if let Err(error) = forward(stream, &namespace, &selection, port, accepted).await {
                eprintln!("port-forward: {error:#}");
            }
        });
        accepted += 1;
        while connections.try_join_next().is_some() {}
    }
}

async fn forward(
    mut stream: TcpStream,
    namespace: &Namespace,
    selection: &ListParams,
    port: u16,
    connection: usize,
) -> Result<()> {
    let mut ready = namespace.ready_pods(selection).await?;
    ready.sort_by(|a, b| a.name.cmp(&b.name));
    let pod = &ready[connection % ready.len()].name;
    let context = || format!("forwarding to port {port} of {pod}");
    let forwarder = namespace.pod_api().portforward(pod, &[port]).await;
    let mut forwarder = forwarder.with_context(context)?;
    let mut upstream = forwarder.take_stream(port).with_context(context)?;
    // Either side may close the connection at any time.
    let _ = copy_bidirectional(&mut stream, &mut upstream).await;
    drop(upstream);
    forwarder.abort();
    Ok(())
}
