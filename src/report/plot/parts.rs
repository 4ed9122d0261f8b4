//! What only a record has to be drawn: its processes, each by itself, and its phases.

use super::build::Placed;
use super::scene::{Curve, Form, Mark};
use crate::report::text;
use crate::trace::Part;

/// So many processes have a curve of their own: those that held most.
const MOST: usize = 5;
/// Letters of a command that the legend shows.
const COMMAND: usize = 40;

/// The processes of a record that is drawn by itself, the largest first; none where it is one process.
pub(super) fn of<'a>(placed: &Placed<'a, '_>) -> Vec<&'a Part> {
    let [trace] = placed.run.traces[..] else {
        return Vec::new();
    };
    if placed.colour.is_some() || trace.processes.len() < 2 {
        return Vec::new();
    }
    let most = |part: &Part| {
        let series = part.series.get(&placed.metric)?;
        series.values.iter().copied().max()
    };
    let mut parts: Vec<&Part> = trace
        .processes
        .iter()
        .filter(|part| most(part).is_some())
        .collect();
    parts.sort_by_key(|part| std::cmp::Reverse(most(part)));
    parts
}

/// A curve for each of the largest.
pub(super) fn curves(placed: &Placed) -> Vec<Curve> {
    let parts = of(placed).into_iter().take(MOST);
    let curve = |(k, part): (usize, &Part)| {
        let command: String = text::printable(&part.command)
            .chars()
            .take(COMMAND)
            .collect();
        Some(Curve {
            name: Some(format!("{command} ({})", part.pid)),
            colour: k + 1,
            form: Form::Beside,
            points: placed.points(part.series.get(&placed.metric)?),
        })
    };
    parts.enumerate().filter_map(curve).collect()
}

/// How many processes there are, and how many have curves.
pub(super) fn counted(placed: &Placed) -> String {
    let recorded = match placed.run.traces[..] {
        [trace] => trace.processes.len(),
        _ => 0,
    };
    let count = recorded.max(placed.run.judged().len());
    let plural = if count == 1 { "" } else { "es" };
    let apart = of(placed).len();
    if apart > MOST {
        format!("{count} process{plural}, of which the {MOST} largest are drawn")
    } else {
        format!("{count} process{plural}")
    }
}

/// Where the phases begin.
pub(super) fn phases(placed: &Placed) -> Vec<Mark> {
    let traces = placed.run.traces.iter();
    let of_run = traces.flat_map(|trace| &trace.phases);
    let mark = |phase: &crate::trace::Phase| Mark {
        at: placed.x(phase.at),
        text: match placed.colour {
            None => text::printable(&phase.name),
            Some(_) => text::printable(&format!("{}: {}", placed.run.name, phase.name)),
        },
    };
    of_run.map(mark).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::report::VerdictReport;
    use crate::report::plot::{Run, Wish, scene};
    use crate::trace::{Axis, Header, Metric, Phase, Series, Trace};

    fn series(values: &[u64]) -> Series {
        let mut series = Series::default();
        for (k, value) in values.iter().enumerate() {
            series.push(k as u64 * 100, *value);
        }
        series
    }

    fn record(processes: u32) -> Trace {
        let mut trace = Trace::new(Header {
            axis: Axis::Seconds,
            ..Header::default()
        });
        for at in 0..4 {
            trace.push(Metric::Pss, at * 100, 100 << 20);
        }
        for process in 0..processes {
            let held = u64::from(process + 1) << 20;
            trace.processes.push(Part {
                process,
                pid: 40 + process,
                command: format!("worker {process}"),
                series: BTreeMap::from([(Metric::Pss, series(&[held; 4]))]),
                ..Part::default()
            });
        }
        trace.phases.push(Phase {
            at: 200,
            name: "load".to_owned(),
        });
        trace
    }

    fn drawn(traces: &[&Trace]) -> crate::report::plot::Scene {
        let run = |trace| Run {
            name: "a".to_owned(),
            traces: vec![trace],
            verdict: VerdictReport::default(),
        };
        let runs: Vec<Run> = traces.iter().map(|trace| run(*trace)).collect();
        scene(&runs, &Wish::default()).unwrap()
    }

    #[test]
    fn processes_and_phases_of_a_record_are_drawn_the_largest_first() {
        let trace = record(3);
        let scene = drawn(&[&trace]);
        let names: Vec<_> = scene.curves.iter().filter_map(|c| c.name.clone()).collect();
        assert_eq!(
            names,
            [
                "all processes",
                "worker 2 (42)",
                "worker 1 (41)",
                "worker 0 (40)"
            ]
        );
        assert!((scene.curves[1].points[3].1 - f64::from(3 << 20)).abs() < 0.5);
        let phases: Vec<_> = scene.moments.iter().map(|m| (m.at, &*m.text)).collect();
        assert_eq!(phases, [(200.0, "load")]);
        assert!(scene.lines.iter().any(|line| line.contains("3 processes")));
    }

    #[test]
    fn of_many_processes_the_largest_are_drawn_and_of_several_records_none() {
        let many = record(9);
        let scene = drawn(&[&many]);
        assert_eq!(scene.curves.len(), 1 + MOST);
        let said = "9 processes, of which the 5 largest are drawn";
        assert!(scene.lines.iter().any(|line| line.contains(said)));
        assert_eq!(drawn(&[&many, &many]).curves.len(), 2);
        assert_eq!(drawn(&[&record(1)]).curves.len(), 1);
    }
}
