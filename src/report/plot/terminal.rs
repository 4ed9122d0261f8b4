//! The scene in the cells of a terminal, with both axes, the fit and a legend.

use std::fmt::Write as _;

use super::canvas::{Canvas, Ink};
use super::layout::named;
use super::scene::{Curve, Form, Place, Scene};
use super::thin::{steps, thin};
use super::ticks::ticks;

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Cells across.
    pub width: usize,
    /// Cells down, of the curves alone.
    pub height: usize,
    /// Whether it has braille and lines; else plain ASCII is drawn.
    pub unicode: bool,
    /// Whether it is coloured.
    pub colour: bool,
}

/// Narrower than this no curve is told apart.
const NARROWEST: usize = 16;
/// Colours of curves, as terminals number them: blue, yellow, green, magenta, cyan, and their own.
const COLOURS: [Option<u8>; 6] = [Some(34), Some(33), Some(32), Some(35), Some(36), None];
/// Their signs where there is no braille.
const SIGNS: [char; 6] = ['*', 'o', '+', 'x', '#', '@'];
const RED: u8 = 31;

const FIT: Ink = Ink {
    colour: None,
    sign: '-',
};
const LIMIT: Ink = Ink {
    colour: Some(RED),
    sign: '=',
};
const MARK: Ink = Ink {
    colour: None,
    sign: ':',
};

fn ink(curve: &Curve) -> Ink {
    let k = curve.colour % COLOURS.len();
    Ink {
        colour: COLOURS[k],
        sign: SIGNS[k],
    }
}

/// Title, verdict and facts, then the plot.
pub fn whole(scene: &Scene, screen: Screen) -> String {
    let mut out = String::new();
    for line in std::iter::once(&scene.title).chain(&scene.lines) {
        for line in broken(line, screen) {
            let _ = writeln!(out, "{}", plain(&line, screen));
        }
    }
    out.push('\n');
    out + &plot(scene, screen)
}

/// The curves with their axes, and the legend below.
pub fn plot(scene: &Scene, screen: Screen) -> String {
    let width = screen.width.max(NARROWEST);
    let height = screen.height.max(3);
    let y = &scene.y;
    let up = ticks(y.low, y.high, y.quantity, (height / 3).max(2));
    let left = up
        .at
        .iter()
        .map(|(_, label)| label.len())
        .max()
        .unwrap_or(0)
        + 1;
    let columns = width.saturating_sub(left + 2).max(8);
    let mut canvas = Canvas::new(columns, height);
    draw(scene, &mut canvas);

    let base = up.base.map(|base| y.told_exactly(base));
    let mut out = plain(&named(&y.name, &up.unit, base.as_deref()), screen);
    out.push('\n');
    let (bar, tick, corner, level) = if screen.unicode {
        ('│', '┤', '└', '─')
    } else {
        ('|', '+', '+', '-')
    };
    let row_of = |value: f64| {
        let share = (value - y.low) / (y.high - y.low);
        (((1.0 - share) * (height - 1) as f64).round()).clamp(0.0, (height - 1) as f64) as usize
    };
    for row in 0..height {
        let label = up.at.iter().rev().find(|(value, _)| row_of(*value) == row);
        let edge = if label.is_some() { tick } else { bar };
        let label = label.map_or("", |(_, label)| label);
        let mut line = format!("{label:>left$} {edge}");
        for (ink, signs) in canvas.row(row, screen.unicode) {
            line += &paint(&signs, ink.and_then(|ink| ink.colour), screen);
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    let edge: String = std::iter::repeat_n(level, columns).collect();
    let _ = writeln!(out, "{:>left$} {corner}{edge}", "");
    out += &numbers(scene, left + 2, columns, screen);
    legend(scene, screen, &mut out);
    out
}

fn draw(scene: &Scene, canvas: &mut Canvas) {
    let (x, y) = (&scene.x, &scene.y);
    let share = |(along, up): Place| {
        (
            (along - x.low) / (x.high - x.low),
            (up - y.low) / (y.high - y.low),
        )
    };
    for limit in &scene.limits {
        let at = share((x.low, limit.at)).1;
        canvas.line(&[(0.0, at), (1.0, at)], 1, LIMIT);
    }
    for mark in scene.cut.iter().chain(&scene.moments) {
        let at = share((mark.at, y.low)).0;
        canvas.line(&[(at, 0.0), (at, 1.0)], 3, MARK);
    }
    for fit in &scene.fits {
        let place = |x: f64| share((x, fit.at(x, fit.slope)));
        canvas.line(&[place(fit.reach.0), place(fit.reach.1)], 3, FIT);
    }
    for curve in &scene.curves {
        let across = canvas.across();
        let points = if curve.form == Form::Peaks {
            thin(&steps(&curve.points), (x.low, x.high), across)
        } else {
            thin(&curve.points, (x.low, x.high), across)
        };
        let points: Vec<Place> = points.into_iter().map(share).collect();
        match curve.form {
            Form::Points => canvas.dots(&points, ink(curve)),
            Form::Beside => canvas.line(&points, 2, ink(curve)),
            Form::Samples | Form::Peaks => canvas.line(&points, 1, ink(curve)),
        }
    }
}

/// The numbers along, and below them what they count.
fn numbers(scene: &Scene, left: usize, columns: usize, screen: Screen) -> String {
    let x = &scene.x;
    let mut most = 8;
    let mut along = ticks(x.low, x.high, x.quantity, most);
    let room = |at: &[(f64, String)]| at.iter().map(|(_, label)| label.len() + 3).sum::<usize>();
    while most > 1 && room(&along.at) > columns {
        most -= 1;
        along = ticks(x.low, x.high, x.quantity, most);
    }
    let mut line = String::new();
    for (value, label) in &along.at {
        let share = (value - x.low) / (x.high - x.low);
        let at = left + (share * (columns - 1) as f64).round() as usize;
        let end = left + columns;
        let start = at
            .saturating_sub(label.len() / 2)
            .min(end.saturating_sub(label.len()));
        if start >= line.len() + usize::from(!line.is_empty()) {
            let _ = write!(line, "{}{label}", " ".repeat(start - line.len()));
        }
    }
    let name = plain(&named(&x.name, &along.unit, None), screen);
    let length = name.chars().count();
    let middle = left + columns.saturating_sub(length) / 2;
    let start = middle.min((left + columns).saturating_sub(length));
    format!("{line}\n{}{name}\n", " ".repeat(start))
}

/// What stands before the words of the legend.
const INDENT: usize = 5;

fn legend(scene: &Scene, screen: Screen, out: &mut String) {
    let beside = Screen {
        width: screen.width.saturating_sub(INDENT),
        ..screen
    };
    let mut entry = |sample: &str, ink: Ink, words: &str| {
        let sample = if screen.unicode {
            sample.to_owned()
        } else {
            ink.sign.to_string()
        };
        let words = plain(words, beside);
        let _ = writeln!(out, "  {} {words}", paint(&sample, ink.colour, screen));
    };
    for curve in &scene.curves {
        if let Some(name) = &curve.name {
            let sample = match curve.form {
                Form::Samples | Form::Peaks => "⠒⠒",
                Form::Beside => "⠂⠂",
                Form::Points => "⠂ ",
            };
            entry(sample, ink(curve), name);
        }
    }
    for fit in &scene.fits {
        entry("⠄⠂", FIT, &fit.name);
    }
    for mark in scene.cut.iter().chain(&scene.moments) {
        entry("⢸ ", MARK, &mark.text);
    }
    for mark in &scene.limits {
        entry("⠤⠤", LIMIT, &mark.text);
    }
    for note in &scene.notes {
        let _ = writeln!(out, "{:INDENT$}{}", "", plain(&note.text, beside));
    }
}

/// A line broken between words, so that none is wider than the terminal.
fn broken(text: &str, screen: Screen) -> Vec<String> {
    let width = screen.width;
    let mut lines = vec![String::new()];
    let mut length = 0;
    for word in text.split(' ') {
        let letters = word.chars().count();
        if length > 0 && length + 1 + letters > width {
            lines.push("  ".to_owned());
            length = 2;
        } else if length > 0 {
            length += 1;
            lines.last_mut().into_iter().for_each(|line| line.push(' '));
        }
        length += letters;
        lines
            .last_mut()
            .into_iter()
            .for_each(|line| line.push_str(word));
    }
    lines
}

/// One line that fits, in what the terminal can show.
fn plain(text: &str, screen: Screen) -> String {
    let mut line = String::new();
    for letter in text.chars() {
        match letter {
            letter if screen.unicode || letter.is_ascii() => line.push(letter),
            '·' => line.push('-'),
            'µ' => line.push('u'),
            '…' => line.push_str("..."),
            _ => line.push('?'),
        }
    }
    let width = screen.width;
    if line.chars().count() <= width {
        return line;
    }
    let dots = if screen.unicode { "…" } else { "..." };
    let room = width.saturating_sub(dots.chars().count());
    let kept: String = line.chars().take(room).collect();
    kept + dots
}

fn paint(text: &str, colour: Option<u8>, screen: Screen) -> String {
    match colour {
        Some(colour) if screen.colour => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
        _ => text.to_owned(),
    }
}
