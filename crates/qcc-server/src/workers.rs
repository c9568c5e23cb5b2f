//! The threads that serve connections. Each has a runtime of its own and keeps its connections for their whole life.
//!
//! A request lives in one task, its upstream connection included, so there is nothing that several threads could share
//! the work of; a runtime over several threads only makes them wake each other. Measured, one thread by itself takes a
//! third less CPU for a single client and for paced streams.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// What a worker is handed: it runs inside the worker's runtime and may spawn there.
type Job = Box<dyn FnOnce() + Send>;

thread_local! {
    static HOME: Cell<usize> = const { Cell::new(0) };
}

/// The worker that runs this; 0 outside of workers. What is registered with a runtime is best used by the same worker.
pub(crate) fn home() -> usize {
    HOME.get()
}

/// All workers; they end when this is dropped. Without any, everything runs where it is handed over.
pub(crate) struct Workers {
    workers: Vec<Worker>,
}

struct Worker {
    jobs: UnboundedSender<Job>,
    carries: Arc<AtomicUsize>,
}

/// Counts a connection for its worker until it is dropped.
struct Carried(Arc<AtomicUsize>);

impl Drop for Carried {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Workers {
    /// Starts `count` threads.
    pub(crate) fn start(count: usize) -> io::Result<Self> {
        let workers = (1..=count).map(Worker::start).collect::<io::Result<_>>()?;
        Ok(Self { workers })
    }

    /// Runs the future that `make` gives, on the worker with the fewest.
    pub(crate) fn carry<F, M>(&self, make: M)
    where
        M: FnOnce() -> Option<F> + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let least = self.workers.iter().min_by_key(|worker| worker.carries.load(Ordering::Relaxed));
        let Some(worker) = least else {
            if let Some(future) = make() {
                tokio::spawn(future);
            }
            return;
        };
        worker.carries.fetch_add(1, Ordering::Relaxed);
        let carried = Carried(Arc::clone(&worker.carries));
        let job = move || {
            if let Some(future) = make() {
                tokio::spawn(async move {
                    future.await;
                    drop(carried);
                });
            }
        };
        // A worker that is gone takes its connections with it: the gateway is ending.
        let _ending = worker.jobs.send(Box::new(job));
    }
}

impl Worker {
    fn start(home: usize) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (jobs, mut handed) = unbounded_channel::<Job>();
        std::thread::Builder::new().name(format!("qcc-worker-{home}")).spawn(move || {
            HOME.set(home);
            runtime.block_on(async {
                while let Some(job) = handed.recv().await {
                    job();
                }
            });
        })?;
        Ok(Self { jobs, carries: Arc::default() })
    }
}
