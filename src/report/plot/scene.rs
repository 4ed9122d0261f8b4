//! What a plot shows, in the numbers of the data: no pixels, no colours.

use std::fmt::Write as _;

use super::ticks::Quantity;
use crate::report::text;
use crate::units::Bytes;

/// A place in the numbers of both axes.
pub type Place = (f64, f64);

/// One axis: what is counted along it, and from where to where.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    /// What its numbers count.
    pub quantity: Quantity,
    /// Its name: `live heap`, `iterations`.
    pub name: String,
    /// The least that is shown.
    pub low: f64,
    /// The most that is shown.
    pub high: f64,
}

/// How a curve is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The samples of a process that decides, joined.
    Samples,
    /// Those of a process that ran beside, or of a second metric.
    Beside,
    /// The highest within each iteration.
    Peaks,
    /// The last readings of processes of their own: not joined.
    Points,
}

/// Readings in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// What the legend calls it; none where it belongs to the one before.
    pub name: Option<String>,
    /// Which of the theme's colours it has.
    pub colour: usize,
    /// How it is drawn.
    pub form: Form,
    /// The readings.
    pub points: Vec<Place>,
}

/// A slope with its interval, where it was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// What the legend calls it: the slope in words.
    pub name: String,
    /// The run's colour, where there are several.
    pub colour: Option<usize>,
    /// The place that the line and both ends of its interval go through: the middle of what was judged.
    pub middle: Place,
    /// From where to where it was judged.
    pub reach: (f64, f64),
    /// The slope, by one of the axis.
    pub slope: f64,
    /// Both ends of its interval, where they are known.
    pub interval: Option<(f64, f64)>,
}

impl Fit {
    /// The line with the slope `slope`, at `x`.
    pub fn at(&self, x: f64, slope: f64) -> f64 {
        self.middle.1 + slope * (x - self.middle.0)
    }
}

/// A line across the plot, with words.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Where it is, on one axis.
    pub at: f64,
    /// What it says.
    pub text: String,
}

/// A place that is worth a word: a highest peak, an end.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// Where it is.
    pub at: Place,
    /// What it says.
    pub text: String,
    /// Whether a process ended there against its will.
    pub end: bool,
}

/// A drawing of one run, or of several on the same axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The case, or what the runs have in common.
    pub title: String,
    /// Verdict and facts, a line each.
    pub lines: Vec<String>,
    /// Along.
    pub x: Scale,
    /// Up.
    pub y: Scale,
    /// All readings.
    pub curves: Vec<Curve>,
    /// Fitted slopes.
    pub fits: Vec<Fit>,
    /// Where the judged part starts, where there is one run.
    pub cut: Option<Mark>,
    /// Where growth began, and where phases of a record begin.
    pub moments: Vec<Mark>,
    /// Limits that are in reach.
    pub limits: Vec<Mark>,
    /// Peaks and ends.
    pub notes: Vec<Note>,
}

impl Scale {
    /// A number of this axis in words: `iteration 1,700`, `12.1 MiB`.
    pub fn told(&self, value: f64) -> String {
        match self.quantity {
            Quantity::Bytes => Bytes(value.max(0.0) as u64).to_string(),
            Quantity::Milliseconds => {
                text::duration(std::time::Duration::from_millis(value.max(0.0) as u64))
            }
            Quantity::Count => {
                format!("{} {}", text::iterations(value.max(0.0) as u64), self.name)
            }
            Quantity::Along => {
                let one = self.name.trim_end_matches('s');
                format!("{one} {}", text::iterations(value.max(0.0) as u64))
            }
        }
    }

    /// The same without rounding: `12,345,680 B`.
    pub(super) fn told_exactly(&self, value: f64) -> String {
        match self.quantity {
            Quantity::Bytes => format!("{} B", text::iterations(value.max(0.0) as u64)),
            Quantity::Count => text::iterations(value.max(0.0) as u64),
            Quantity::Along | Quantity::Milliseconds => self.told(value),
        }
    }
}

impl Scene {
    /// The whole drawing in sentences, for those who do not see it.
    pub fn told(&self) -> String {
        let mut told = String::new();
        for line in &self.lines {
            let _ = writeln!(told, "{line}");
        }
        let mut told_name = "";
        for curve in &self.curves {
            told_name = curve.name.as_deref().unwrap_or(told_name);
            let (Some(first), Some(last)) = (curve.points.first(), curve.points.last()) else {
                continue;
            };
            let most = curve
                .points
                .iter()
                .copied()
                .reduce(|most, point| if point.1 > most.1 { point } else { most })
                .unwrap_or(*first);
            let _ = writeln!(
                told,
                "{told_name}: {} readings of {}, {} at {}, {} at {}, the most {} at {}.",
                text::iterations(curve.points.len() as u64),
                self.y.name,
                self.y.told(first.1),
                self.x.told(first.0),
                self.y.told(last.1),
                self.x.told(last.0),
                self.y.told(most.1),
                self.x.told(most.0),
            );
        }
        for fit in &self.fits {
            let (from, to) = (self.x.told(fit.reach.0), self.x.told(fit.reach.1));
            let _ = writeln!(told, "{}, from {from} to {to}.", fit.name);
        }
        let marks = self.cut.iter().chain(&self.moments).chain(&self.limits);
        for text in marks.map(|mark| &mark.text) {
            let _ = writeln!(told, "{text}.");
        }
        for note in &self.notes {
            let _ = writeln!(told, "{}.", note.text);
        }
        told
    }
}
