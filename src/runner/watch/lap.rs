//! A run on a thread of its own, which tells of each case that ends.

use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;

use super::Heard;
use crate::report::{Event, Json, Reporter, Several};
use crate::runner::artifacts::Artifacts;
use crate::runner::suite::{self, Options, Plan};

/// Tells of the cases that end.
struct Telling(Sender<Heard>);

impl Reporter for Telling {
    fn event(&self, event: &Event) {
        if let Event::Case(report) = event {
            let _ = self.0.send(Heard::Case(report.clone()));
        }
    }

    fn closed(&self) -> Option<ErrorKind> {
        None
    }
}

/// Starts a run, with its events kept as those of any other. [`Heard::Ended`] is the last that is told of it, and
/// nothing of it is left then.
pub fn start(
    plan: Plan,
    options: Options,
    artifacts: Artifacts,
    shown: Arc<dyn Reporter>,
    tell: Sender<Heard>,
) -> io::Result<()> {
    let kept = Json::of_results(Box::new(artifacts.run_file()?));
    let others: Vec<Arc<dyn Reporter>> = vec![Arc::new(kept), Arc::new(Telling(tell.clone()))];
    let reporter: Arc<dyn Reporter> = Arc::new(Several::new(shown, others));
    let run = move || {
        let run = AssertUnwindSafe(|| suite::run(plan, &options, artifacts, &reporter));
        // The panic was told where it happened.
        let ended = catch_unwind(run).unwrap_or_else(|_| Err(io::Error::other("it failed")));
        let _ = tell.send(Heard::Ended(ended.map(drop)));
    };
    let lap = thread::Builder::new().name("run".to_owned());
    lap.spawn(run).map(drop)
}
