//! A picture as SVG: words are outlines of the embedded font, and stand in `aria-label` and `desc` as text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ttf_parser::OutlineBuilder;

use super::font::Font;
use super::picture::{Item, Paint, Picture, Point};
use super::theme::Colour;

/// The whole file.
pub(super) fn svg(picture: &Picture) -> String {
    let font = Font::new();
    let (width, height) = (picture.width, picture.height);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" \
         width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>{}</title>\n<desc>{}</desc>\n",
        escaped(&picture.title),
        escaped(picture.told.trim_end())
    );
    signs(picture, &font, &mut out);
    let ground = hex(picture.ground);
    let _ = writeln!(
        out,
        "<rect width=\"{width}\" height=\"{height}\" fill=\"{ground}\"/>"
    );
    items(&picture.behind, &font, &mut out);
    let frame = picture.frame;
    let (x, y, w, h) = (frame.left, frame.top, frame.width, frame.height);
    // A picture of its own cuts off without a name that another picture of the same page may have.
    let _ = writeln!(
        out,
        "<svg x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" \
         viewBox=\"{x:.1} {y:.1} {w:.1} {h:.1}\" overflow=\"hidden\">"
    );
    items(&picture.inside, &font, &mut out);
    out.push_str("</svg>\n");
    items(&picture.before, &font, &mut out);
    out.push_str("</svg>\n");
    out
}

/// The outlines of the signs that are used. The same name is the same sign in every picture.
fn signs(picture: &Picture, font: &Font, out: &mut String) {
    let all = picture.behind.iter().chain(&picture.inside);
    let mut used = BTreeSet::new();
    for item in all.chain(&picture.before) {
        if let Item::Words { text, .. } = item {
            used.extend(font.line(text).0.into_iter().map(|sign| sign.glyph));
        }
    }
    out.push_str("<defs>\n");
    for glyph in used {
        let mut outline = Outline(String::new());
        font.outline(glyph, &mut outline);
        let _ = writeln!(
            out,
            "<path id=\"roboto-{glyph}\" d=\"{}\"/>",
            outline.0.trim_end()
        );
    }
    out.push_str("</defs>\n");
}

fn items(items: &[Item], font: &Font, out: &mut String) {
    for item in items {
        match item {
            Item::Area { points, paint } => {
                let fill = fill(*paint);
                let _ = writeln!(out, "<polygon points=\"{}\" {fill}/>", listed(points));
            }
            Item::Line {
                points,
                paint,
                width,
                dash,
            } => {
                let dash = dash.map(|(on, off)| format!(" stroke-dasharray=\"{on:.1} {off:.1}\""));
                let opacity = opacity("stroke", *paint);
                let _ = writeln!(
                    out,
                    "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\"{opacity} stroke-width=\"{width:.2}\" \
                     stroke-linejoin=\"round\"{}/>",
                    listed(points),
                    hex(paint.colour),
                    dash.unwrap_or_default(),
                );
            }
            Item::Dots {
                places,
                paint,
                radius,
            } => {
                let _ = writeln!(out, "<g {}>", fill(*paint));
                for (x, y) in places {
                    let _ = writeln!(
                        out,
                        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>"
                    );
                }
                out.push_str("</g>\n");
            }
            Item::Words {
                text,
                at,
                anchor,
                size,
                colour,
                upwards,
            } => {
                let (signs, length) = font.line(text);
                let scale = font.scale(*size);
                let back = anchor.before(length);
                let turn = if *upwards { " rotate(-90)" } else { "" };
                let _ = write!(
                    out,
                    "<g aria-label=\"{}\" fill=\"{}\" transform=\"translate({:.1} {:.1}){turn} scale({scale:.5} -{scale:.5})\">",
                    escaped(text),
                    hex(*colour),
                    at.0,
                    at.1
                );
                for sign in signs {
                    let x = sign.x - back;
                    let _ = write!(
                        out,
                        "<use xlink:href=\"#roboto-{}\" x=\"{x:.0}\"/>",
                        sign.glyph
                    );
                }
                out.push_str("</g>\n");
            }
        }
    }
}

fn listed(points: &[Point]) -> String {
    let mut text = String::with_capacity(points.len() * 12);
    for (x, y) in points {
        let _ = write!(text, "{x:.1},{y:.1} ");
    }
    text.truncate(text.trim_end().len());
    text
}

fn hex([red, green, blue]: Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn fill(paint: Paint) -> String {
    format!("fill=\"{}\"{}", hex(paint.colour), opacity("fill", paint))
}

fn opacity(of: &str, paint: Paint) -> String {
    if paint.opacity < 1.0 {
        format!(" {of}-opacity=\"{:.2}\"", paint.opacity)
    } else {
        String::new()
    }
}

/// Text as XML takes it; what XML can not hold is replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

/// An outline as the data of a path, in whole units of the font.
struct Outline(String);

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let _ = write!(self.0, "M{x:.0} {y:.0}");
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let _ = write!(self.0, "L{x:.0} {y:.0}");
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let _ = write!(self.0, "Q{x1:.0} {y1:.0} {x:.0} {y:.0}");
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let _ = write!(self.0, "C{x1:.0} {y1:.0} {x2:.0} {y2:.0} {x:.0} {y:.0}");
    }

    fn close(&mut self) {
        self.0.push('Z');
    }
}
