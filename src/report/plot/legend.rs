//! The legend: a line of samples for each curve and fit, as many rows as there is room for.

use super::layout::{Sheet, WORDS, dash, solid};
use super::picture::{Anchor, Item, Paint};
use super::scene::{Curve, Form};
use super::theme::Colour;

/// Rows at most.
const ROWS: usize = 3;

/// What an entry shows before its words.
enum Sample<'a> {
    Curve(&'a Curve),
    Fit,
}

/// Writes it below `y`; returns where it ends.
pub(super) fn legend(
    sheet: &Sheet,
    (left, top, room): (f32, f32, f32),
    lowest: f32,
    out: &mut Vec<Item>,
) -> f32 {
    let (unit, size) = (sheet.unit, WORDS * sheet.unit);
    let colours = sheet.colours;
    let mut entries: Vec<(Sample, Colour, &str)> = Vec::new();
    for curve in &sheet.scene.curves {
        if let Some(name) = &curve.name {
            let colour = colours.curve(curve.colour);
            entries.push((Sample::Curve(curve), colour, name));
        }
    }
    if let [fit] = sheet.scene.fits.as_slice() {
        entries.push((Sample::Fit, colours.ink, &fit.name));
    }
    let row = 19.0 * unit;
    let (mut x, mut y, mut rows) = (left, top + row, 1);
    if y > lowest {
        return top;
    }
    let sample = 24.0 * unit;
    let count = entries.len();
    for (k, (kind, colour, name)) in entries.into_iter().enumerate() {
        let mut name = name.to_owned();
        let mut width = sample + 7.0 * unit + sheet.font.width(&name, size) + 22.0 * unit;
        if x > left && x + width - 22.0 * unit > left + room {
            if rows == ROWS || y + row > lowest {
                let rest = format!("and {} more", count - k);
                let free = left + room - x;
                let rest = sheet.font.fitting(&rest, size, free);
                out.push(sheet.words(&rest, (x, y), Anchor::Start, colours.faint));
                break;
            }
            (x, y, rows) = (left, y + row, rows + 1);
        }
        let free = left + room - x - sample - 7.0 * unit;
        if sheet.font.width(&name, size) > free {
            name = sheet.font.fitting(&name, size, free);
            width = room;
        }
        draw(sheet, &kind, colour, (x, y - 4.5 * unit), sample, out);
        let words = (x + sample + 7.0 * unit, y);
        out.push(sheet.words(&name, words, Anchor::Start, colours.ink));
        x += width;
    }
    y
}

fn draw(
    sheet: &Sheet,
    kind: &Sample,
    colour: Colour,
    (x, y): (f32, f32),
    length: f32,
    out: &mut Vec<Item>,
) {
    let unit = sheet.unit;
    match kind {
        Sample::Curve(curve) if curve.form == Form::Points => out.push(Item::Dots {
            places: vec![(x + length / 2.0, y)],
            paint: solid(colour),
            radius: 4.0 * unit,
        }),
        Sample::Curve(curve) => out.push(Item::Line {
            points: vec![(x, y), (x + length, y)],
            paint: solid(colour),
            width: 2.2 * unit,
            dash: dash(curve, unit),
        }),
        Sample::Fit => {
            let (up, down) = (y - 4.0 * unit, y + 4.0 * unit);
            out.push(Item::Area {
                points: vec![(x, up), (x + length, up), (x + length, down), (x, down)],
                paint: Paint {
                    colour,
                    opacity: 0.2,
                },
            });
            out.push(Item::Line {
                points: vec![(x, y), (x + length, y)],
                paint: solid(colour),
                width: 1.8 * unit,
                dash: Some((6.0 * unit, 5.0 * unit)),
            });
        }
    }
}
