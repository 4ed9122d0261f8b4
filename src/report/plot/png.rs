//! A picture as PNG.

use tiny_skia::{
    Color, FillRule, Mask, Paint as Brush, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash,
    Transform,
};
use ttf_parser::OutlineBuilder;

use super::font::Font;
use super::picture::{Item, Paint, Picture, Point};

/// The whole file; none where it is too large to be held.
pub(super) fn png(picture: &Picture) -> Option<Vec<u8>> {
    let font = Font::new();
    let mut pixels = Pixmap::new(picture.width, picture.height)?;
    let [red, green, blue] = picture.ground;
    pixels.fill(Color::from_rgba8(red, green, blue, 255));
    let frame = picture.frame;
    let mut mask = Mask::new(picture.width, picture.height)?;
    let inside = Rect::from_xywh(frame.left, frame.top, frame.width, frame.height)?;
    let inside = PathBuilder::from_rect(inside);
    mask.fill_path(&inside, FillRule::Winding, true, Transform::identity());
    for (items, mask) in [
        (&picture.behind, None),
        (&picture.inside, Some(&mask)),
        (&picture.before, None),
    ] {
        for item in items {
            paint(item, &font, mask, &mut pixels);
        }
    }
    pixels.encode_png().ok()
}

fn paint(item: &Item, font: &Font, mask: Option<&Mask>, pixels: &mut Pixmap) {
    let here = Transform::identity();
    match item {
        Item::Area { points, paint } => {
            if let Some(path) = path(points, true) {
                pixels.fill_path(&path, &brush(*paint), FillRule::Winding, here, mask);
            }
        }
        Item::Line {
            points,
            paint,
            width,
            dash,
        } => {
            let stroke = Stroke {
                width: *width,
                line_join: tiny_skia::LineJoin::Round,
                dash: dash.and_then(|(on, off)| StrokeDash::new(vec![on, off], 0.0)),
                ..Stroke::default()
            };
            if let Some(path) = path(points, false) {
                pixels.stroke_path(&path, &brush(*paint), &stroke, here, mask);
            }
        }
        Item::Dots {
            places,
            paint,
            radius,
        } => {
            for &(x, y) in places {
                if let Some(dot) = PathBuilder::from_circle(x, y, *radius) {
                    pixels.fill_path(&dot, &brush(*paint), FillRule::Winding, here, mask);
                }
            }
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
            let turn = if *upwards { -90.0 } else { 0.0 };
            let place = Transform::from_translate(at.0, at.1)
                .pre_rotate(turn)
                .pre_scale(scale, -scale);
            let brush = brush(Paint {
                colour: *colour,
                opacity: 1.0,
            });
            for sign in signs {
                let mut outline = Outline(PathBuilder::new());
                font.outline(sign.glyph, &mut outline);
                if let Some(path) = outline.0.finish() {
                    let place = place.pre_translate(sign.x - back, 0.0);
                    pixels.fill_path(&path, &brush, FillRule::Winding, place, mask);
                }
            }
        }
    }
}

fn path(points: &[Point], closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    let (first, rest) = points.split_first()?;
    builder.move_to(first.0, first.1);
    for point in rest {
        builder.line_to(point.0, point.1);
    }
    if closed {
        builder.close();
    }
    builder.finish()
}

fn brush(paint: Paint) -> Brush<'static> {
    let [red, green, blue] = paint.colour;
    let mut brush = Brush::default();
    brush.set_color_rgba8(red, green, blue, (paint.opacity * 255.0) as u8);
    brush.anti_alias = true;
    brush
}

struct Outline(PathBuilder);

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.0.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.0.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.0.close();
    }
}
