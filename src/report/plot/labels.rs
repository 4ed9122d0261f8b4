//! Lines across the plot and words within it, none upon another.

use super::layout::{Sheet, WORDS, solid};
use super::picture::{Anchor, Frame, Item, Point};
use super::theme::Colour;

/// The words that stand already.
pub(super) struct Labels<'s, 'a> {
    sheet: &'s Sheet<'a>,
    taken: Vec<Frame>,
}

impl<'s, 'a> Labels<'s, 'a> {
    pub(super) fn new(sheet: &'s Sheet<'a>) -> Self {
        Self {
            sheet,
            taken: Vec::new(),
        }
    }

    /// All marks and notes of the scene: lines go to `inside`, words to `before`.
    pub(super) fn marks(&mut self, inside: &mut Vec<Item>, before: &mut Vec<Item>) {
        let Sheet {
            scene,
            colours,
            frame,
            unit,
            ..
        } = *self.sheet;
        let line = |points, colour, dash: Option<(f32, f32)>| Item::Line {
            points,
            paint: solid(colour),
            width: 1.4 * unit,
            dash: dash.map(|(on, off)| (on * unit, off * unit)),
        };
        for limit in &scene.limits {
            let (_, y) = self.sheet.at((scene.x.low, limit.at));
            let points = vec![(frame.left, y), (frame.right(), y)];
            inside.push(line(points, colours.limit, None));
            let place = (frame.left + 8.0 * unit, y - 5.0 * unit);
            self.put(&limit.text, place, colours.limit, before);
        }
        for moment in &scene.moments {
            let (x, _) = self.sheet.at((moment.at, scene.y.low));
            let points = vec![(x, frame.top), (x, frame.bottom())];
            inside.push(line(points, colours.ink, Some((2.0, 3.0))));
            let place = (x + 6.0 * unit, frame.top + 14.0 * unit);
            self.put(&moment.text, place, colours.ink, before);
        }
        if let Some(cut) = &scene.cut {
            let (x, _) = self.sheet.at((cut.at, scene.y.low));
            let points = vec![(x, frame.top), (x, frame.bottom())];
            inside.push(line(points, colours.faint, Some((1.5, 4.0))));
            let place = (x + 6.0 * unit, frame.bottom() - 8.0 * unit);
            self.put(&cut.text, place, colours.faint, before);
        }
        for note in &scene.notes {
            let (x, y) = self.sheet.at(note.at);
            let colour = if note.end { colours.limit } else { colours.ink };
            if note.end {
                let arm = 5.0 * unit;
                for (dx, dy) in [(arm, arm), (arm, -arm)] {
                    let points = vec![(x - dx, y - dy), (x + dx, y + dy)];
                    before.push(line(points, colour, None));
                }
            } else {
                before.push(Item::Dots {
                    places: vec![(x, y)],
                    paint: solid(colour),
                    radius: 3.6 * unit,
                });
            }
            self.put(&note.text, (x + 9.0 * unit, y + 4.5 * unit), colour, before);
        }
    }

    /// Words at a place, or as near below or above it as they find room; within the frame.
    fn put(&mut self, text: &str, (x, y): Point, colour: Colour, out: &mut Vec<Item>) {
        let sheet = self.sheet;
        let (frame, unit) = (sheet.frame, sheet.unit);
        let size = WORDS * unit;
        let text = sheet.font.fitting(text, size, frame.width - 12.0 * unit);
        let width = sheet.font.width(&text, size);
        // To the left of their place where the right has no room.
        let x = if x + width > frame.right() {
            (x - width - 15.0 * unit).max(frame.left + 4.0 * unit)
        } else {
            x
        };
        let row = 16.0 * unit;
        let around = |y: f32| Frame {
            left: x - 3.0 * unit,
            top: y - 12.0 * unit,
            width: width + 6.0 * unit,
            height: row,
        };
        let fits = |y: f32| {
            let place = around(y);
            place.top >= frame.top
                && place.bottom() <= frame.bottom()
                && !self.taken.iter().any(|taken| taken.meets(place))
        };
        let rows = (frame.height / row) as i32;
        let nearest = (0..=rows)
            .flat_map(|k| [y + k as f32 * row, y - k as f32 * row])
            .find(|y| fits(*y));
        let Some(y) = nearest else { return };
        let place = around(y);
        self.taken.push(place);
        let (right, bottom) = (place.right(), place.bottom());
        // A ground of their own, so that they are read on any curve.
        out.push(Item::Area {
            points: vec![
                (place.left, place.top),
                (right, place.top),
                (right, bottom),
                (place.left, bottom),
            ],
            paint: super::picture::Paint {
                colour: sheet.colours.ground,
                opacity: 0.82,
            },
        });
        out.push(sheet.words(&text, (x, y), Anchor::Start, colour));
    }
}
