//! One connection from its accept to its end, and the three things that end it from outside: draining, the cut after
//! that, and never asking anything.
//!
//! They are watched without being polled: each registers its wake-up once, and every poll after that reads two flags. A
//! connection is polled for every chunk that it carries.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::server::graceful::GracefulConnection;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::{Sleep, sleep};

/// How far the gateway is with stopping. Shared by all its connections.
#[derive(Debug, Default)]
pub(crate) struct Lifeline {
    stage: AtomicU8,
    bell: Arc<Notify>,
}

/// Connections live on.
const RUNNING: u8 = 0;
/// They end after the request that they carry.
const DRAINING: u8 = 1;
/// They end now.
const CUT: u8 = 2;

impl Lifeline {
    pub(crate) fn drain(&self) {
        self.set(DRAINING);
    }

    pub(crate) fn cut(&self) {
        self.set(CUT);
    }

    fn set(&self, stage: u8) {
        self.stage.store(stage, Ordering::Release);
        self.bell.notify_waiters();
    }

    fn stage(&self) -> u8 {
        self.stage.load(Ordering::Acquire)
    }

    /// Waits until draining begins.
    pub(crate) async fn draining(&self) {
        let rung = self.bell.notified();
        if self.stage() == RUNNING {
            rung.await;
        }
    }
}

/// A connection that ends by itself or with its [`Lifeline`].
pub(crate) struct Served<C> {
    connection: Pin<Box<C>>,
    lifeline: Arc<Lifeline>,
    stage: u8,
    bell: Pin<Box<OwnedNotified>>,
    /// Ends a connection that has not asked anything yet.
    silence: Option<Pin<Box<Sleep>>>,
    asked: Arc<AtomicBool>,
    /// Whether the wake-ups are registered.
    armed: bool,
}

impl<C: GracefulConnection> Served<C> {
    /// `asked` is set by the first request, which must come within `patience`. hyper's own limit begins when it knows
    /// which HTTP is spoken, so that it never does for a client that says nothing.
    pub(crate) fn new(connection: C, lifeline: Arc<Lifeline>, asked: Arc<AtomicBool>, patience: Duration) -> Self {
        // Created before the stage is read, so that no change between the two is missed.
        let bell = Box::pin(Arc::clone(&lifeline.bell).notified_owned());
        Self {
            connection: Box::pin(connection),
            lifeline,
            stage: RUNNING,
            bell,
            silence: Some(Box::pin(sleep(patience))),
            asked,
            armed: false,
        }
    }

    /// Registers the wake-ups, once for each stage.
    fn arm(&mut self, cx: &mut Context<'_>) {
        let _rung_means_another_stage = self.bell.as_mut().poll(cx);
        if let Some(silence) = &mut self.silence {
            let _over_is_looked_at_below = silence.as_mut().poll(cx);
        }
        self.armed = true;
    }

    /// Whether the connection has to end now.
    fn is_over(&mut self) -> bool {
        let stage = self.lifeline.stage();
        if stage != self.stage {
            self.stage = stage;
            self.bell = Box::pin(Arc::clone(&self.lifeline.bell).notified_owned());
            self.armed = false;
            if stage == DRAINING {
                self.connection.as_mut().graceful_shutdown();
            }
        }
        if self.asked.load(Ordering::Relaxed) {
            self.silence = None;
        }
        stage == CUT || self.silence.as_ref().is_some_and(|silence| silence.is_elapsed())
    }
}

impl<C: GracefulConnection> Future for Served<C> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        loop {
            if this.is_over() {
                return Poll::Ready(());
            }
            if this.armed {
                break;
            }
            this.arm(cx);
        }
        // However it ends, the client knows.
        this.connection.as_mut().poll(cx).map(drop)
    }
}
