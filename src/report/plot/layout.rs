//! From the scene to a picture: where everything stands at a size, and what gives way where it is narrow.

use super::font::Font;
use super::labels::Labels;
use super::legend::legend;
use super::picture::{Anchor, Frame, Item, Paint, Picture, Point};
use super::scene::{Curve, Fit, Form, Place, Scene};
use super::theme::{CURVES, Colour, Colours, Theme};
use super::thin::{steps, thin};
use super::ticks::ticks;

/// A picture of this size has words of the size that is best read on a screen.
const USUAL: (f32, f32) = (960.0, 540.0);

/// Words of the picture, in pixels at the usual size.
pub(super) const WORDS: f32 = 13.0;

/// What all parts of the layout need.
pub(super) struct Sheet<'a> {
    pub(super) scene: &'a Scene,
    pub(super) colours: &'static Colours,
    pub(super) font: Font,
    /// Pixels of one at the usual size.
    pub(super) unit: f32,
    pub(super) frame: Frame,
}

/// The scene at a size.
pub(super) fn picture(scene: &Scene, theme: Theme, (width, height): (u32, u32)) -> Picture {
    let (w, h) = (width as f32, height as f32);
    let colours = theme.colours();
    let mut sheet = Sheet {
        scene,
        colours,
        font: Font::new(),
        unit: (w / USUAL.0).min(h / USUAL.1).max(0.6),
        frame: Frame {
            left: 0.0,
            top: 0.0,
            width: w,
            height: h,
        },
    };
    let mut behind = Vec::new();
    sheet.head(&mut behind);
    sheet.axes(&mut behind);
    let (mut inside, mut before) = (Vec::new(), Vec::new());
    sheet.frame(&mut before);
    for fit in &scene.fits {
        sheet.band(fit, &mut inside);
    }
    for curve in &scene.curves {
        sheet.curve(curve, &mut inside, &mut before);
    }
    for fit in &scene.fits {
        sheet.fit(fit, &mut inside);
    }
    let mut labels = Labels::new(&sheet);
    labels.marks(&mut inside, &mut before);
    Picture {
        width,
        height,
        ground: colours.ground,
        title: scene.title.clone(),
        told: scene.told(),
        frame: sheet.frame,
        behind,
        inside,
        before,
    }
}

pub(super) fn solid(colour: Colour) -> Paint {
    Paint {
        colour,
        opacity: 1.0,
    }
}

impl Sheet<'_> {
    /// A place of the data in pixels.
    pub(super) fn at(&self, (x, y): Place) -> Point {
        let along = (x - self.scene.x.low) / (self.scene.x.high - self.scene.x.low);
        let up = (y - self.scene.y.low) / (self.scene.y.high - self.scene.y.low);
        // What is far outside is cut off anyway, and no painter takes numbers without end.
        let (along, up) = (
            along.clamp(-20.0, 20.0) as f32,
            up.clamp(-20.0, 20.0) as f32,
        );
        (
            self.frame.left + along * self.frame.width,
            self.frame.bottom() - up * self.frame.height,
        )
    }

    pub(super) fn words(&self, text: &str, at: Point, anchor: Anchor, colour: Colour) -> Item {
        Item::Words {
            text: text.to_owned(),
            at,
            anchor,
            size: WORDS * self.unit,
            colour,
            upwards: false,
        }
    }

    /// Title, verdict, facts and legend, from the top; the frame begins below them.
    fn head(&mut self, out: &mut Vec<Item>) {
        let unit = self.unit;
        let edge = 16.0 * unit;
        let room = self.frame.width - 2.0 * edge;
        let lowest = 0.42 * self.frame.height;
        let mut y = edge;
        let title = self.font.fitting(&self.scene.title, 18.0 * unit, room);
        y += 14.0 * unit;
        out.push(Item::Words {
            text: title,
            at: (edge, y),
            anchor: Anchor::Start,
            size: 18.0 * unit,
            colour: self.colours.ink,
            upwards: false,
        });
        y += 6.0 * unit;
        for (k, line) in self.scene.lines.iter().enumerate() {
            let colour = if k == 0 || self.scene.lines.len() > 2 {
                self.colours.ink
            } else {
                self.colours.faint
            };
            for line in self.font.broken(line, WORDS * unit, room, 2) {
                if y + 17.0 * unit > lowest {
                    break;
                }
                y += 17.0 * unit;
                out.push(self.words(&line, (edge, y), Anchor::Start, colour));
            }
        }
        y += 6.0 * unit;
        y = legend(self, (edge, y, room), lowest, out);
        self.frame.top = y + 16.0 * unit;
    }

    /// Numbers, grid and names of both axes; what they leave is the frame.
    fn axes(&mut self, out: &mut Vec<Item>) {
        let unit = self.unit;
        let edge = 16.0 * unit;
        let size = WORDS * unit;
        let (x, y) = (&self.scene.x, &self.scene.y);
        let bottom = self.frame.height - edge - 40.0 * unit;
        self.frame.height = (bottom - self.frame.top).max(1.0);
        let rows = (self.frame.height / (42.0 * unit)) as usize;
        let up = ticks(y.low, y.high, y.quantity, rows.clamp(2, 9));
        let widths = up.at.iter().map(|(_, label)| self.font.width(label, size));
        let widest = widths.fold(0.0, f32::max);
        self.frame.left = edge + 22.0 * unit + widest + 8.0 * unit;
        self.frame.width = (self.frame.width - edge - self.frame.left).max(1.0);
        // As many numbers as stand beside one another with room between them.
        let mut most = 10;
        let mut along = ticks(x.low, x.high, x.quantity, most);
        let width = |label: &str| self.font.width(label, size) + 24.0 * unit;
        while most > 1
            && along.at.iter().map(|(_, label)| width(label)).sum::<f32>() > self.frame.width
        {
            most -= 1;
            along = ticks(x.low, x.high, x.quantity, most);
        }
        if let (Some(cut), Some(shade)) = (&self.scene.cut, self.colours.shade.into()) {
            let (right, top) = self.at((cut.at, y.high));
            let (left, bottom) = self.at((x.low, y.low));
            out.push(Item::Area {
                points: vec![(left, top), (right, top), (right, bottom), (left, bottom)],
                paint: solid(shade),
            });
        }
        let grid = |points| Item::Line {
            points,
            paint: solid(self.colours.grid),
            width: unit,
            dash: None,
        };
        let faint = self.colours.faint;
        for (value, label) in &up.at {
            let (left, at) = self.at((x.low, *value));
            out.push(grid(vec![(left, at), (self.frame.right(), at)]));
            let place = (left - 8.0 * unit, at + 4.5 * unit);
            out.push(self.words(label, place, Anchor::End, faint));
        }
        for (value, label) in &along.at {
            let (at, bottom) = self.at((*value, y.low));
            out.push(grid(vec![(at, self.frame.top), (at, bottom)]));
            let half = self.font.width(label, size) / 2.0;
            let most = self.frame.right() + edge - 2.0 * unit - half;
            let place = (at.min(most), bottom + 18.0 * unit);
            out.push(self.words(label, place, Anchor::Middle, faint));
        }
        let middle = self.frame.left + self.frame.width / 2.0;
        let below = self.frame.bottom() + 38.0 * unit;
        let name = named(&x.name, &along.unit, None);
        out.push(self.words(&name, (middle, below), Anchor::Middle, self.colours.ink));
        let base = up.base.map(|base| y.told_exactly(base));
        let name = named(&y.name, &up.unit, base.as_deref());
        out.push(Item::Words {
            text: self
                .font
                .fitting(&name, size, self.frame.height + 60.0 * unit),
            at: (edge + 10.0 * unit, self.frame.top + self.frame.height / 2.0),
            anchor: Anchor::Middle,
            size,
            colour: self.colours.ink,
            upwards: true,
        });
    }

    fn frame(&self, out: &mut Vec<Item>) {
        let frame = self.frame;
        let (left, bottom) = (frame.left, frame.bottom());
        out.push(Item::Line {
            points: vec![(left, frame.top), (left, bottom), (frame.right(), bottom)],
            paint: solid(self.colours.faint),
            width: self.unit,
            dash: None,
        });
    }

    fn curve(&self, curve: &Curve, out: &mut Vec<Item>, dots: &mut Vec<Item>) {
        let x = &self.scene.x;
        let columns = self.frame.width.max(1.0) as usize;
        let thinned = if curve.form == Form::Peaks {
            thin(&steps(&curve.points), (x.low, x.high), columns)
        } else {
            thin(&curve.points, (x.low, x.high), columns)
        };
        let places: Vec<Point> = thinned.iter().map(|place| self.at(*place)).collect();
        let paint = Paint {
            colour: self.colours.curve(curve.colour),
            opacity: if curve.form == Form::Beside { 0.7 } else { 1.0 },
        };
        let few = curve.points.len() <= (self.frame.width / (14.0 * self.unit)) as usize;
        if curve.form != Form::Points {
            out.push(Item::Line {
                points: places,
                paint,
                width: 1.8 * self.unit,
                dash: dash(curve, self.unit),
            });
        }
        if curve.form == Form::Points || few {
            // At the edge they are whole, too.
            let places = curve.points.iter().map(|place| self.at(*place));
            dots.push(Item::Dots {
                places: places.collect(),
                paint,
                radius: if curve.form == Form::Points { 4.0 } else { 2.8 } * self.unit,
            });
        }
    }

    fn fit_colour(&self, fit: &Fit) -> Colour {
        fit.colour
            .map_or(self.colours.ink, |colour| self.colours.curve(colour))
    }

    /// What the interval of the slope leaves open.
    fn band(&self, fit: &Fit, out: &mut Vec<Item>) {
        let (Some((low, high)), (from, to)) = (fit.interval, fit.reach) else {
            return;
        };
        let place = |x, slope| self.at((x, fit.at(x, slope)));
        out.push(Item::Area {
            points: vec![
                place(from, low),
                self.at(fit.middle),
                place(from, high),
                place(from, high),
                self.at(fit.middle),
                place(to, low),
                place(to, high),
                self.at(fit.middle),
            ],
            paint: Paint {
                colour: self.fit_colour(fit),
                opacity: 0.2,
            },
        });
    }

    fn fit(&self, fit: &Fit, out: &mut Vec<Item>) {
        let (from, to) = fit.reach;
        out.push(Item::Line {
            points: vec![
                self.at((from, fit.at(from, fit.slope))),
                self.at((to, fit.at(to, fit.slope))),
            ],
            paint: solid(self.fit_colour(fit)),
            width: 1.5 * self.unit,
            dash: Some((6.0 * self.unit, 8.0 * self.unit)),
        });
    }
}

/// The dashes of a curve: its form, and the second turn of the colours, are not told by colour alone.
pub(super) fn dash(curve: &Curve, unit: f32) -> Option<(f32, f32)> {
    match (curve.form, curve.colour / CURVES % 2) {
        (Form::Beside, _) => Some((2.5 * unit, 2.5 * unit)),
        (_, 0) => None,
        _ => Some((10.0 * unit, 3.0 * unit)),
    }
}

/// The name of an axis, with what its numbers count.
pub(super) fn named(name: &str, unit: &str, base: Option<&str>) -> String {
    match (unit, base) {
        ("", None) => name.to_owned(),
        ("", Some(base)) => format!("{name} above {base}"),
        (unit, None) => format!("{name} ({unit})"),
        (unit, Some(base)) => format!("{name} above {base} ({unit})"),
    }
}
