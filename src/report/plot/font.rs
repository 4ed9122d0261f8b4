//! The one font, embedded: its outlines and widths, so that words look the same everywhere.

use ttf_parser::{Face, GlyphId, OutlineBuilder};

static ROBOTO: &[u8] = include_bytes!("font/roboto.ttf");

/// The font; none if it can not be read, which a test rules out.
pub(super) struct Font {
    face: Option<Face<'static>>,
}

/// A sign at its place in a line of words, in units of the font.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sign {
    pub(super) glyph: u16,
    pub(super) x: f32,
}

impl Font {
    pub(super) fn new() -> Self {
        Self {
            face: Face::parse(ROBOTO, 0).ok(),
        }
    }

    /// Pixels of a unit of the font at a size.
    pub(super) fn scale(&self, size: f32) -> f32 {
        let units = self.face.as_ref().map_or(1, Face::units_per_em);
        size / f32::from(units)
    }

    /// The signs of a line, and how long it is, in units of the font.
    pub(super) fn line(&self, text: &str) -> (Vec<Sign>, f32) {
        let mut x = 0.0;
        let mut signs = Vec::new();
        if let Some(face) = &self.face {
            for letter in text.chars() {
                // What the font lacks is shown as a box.
                let glyph = face.glyph_index(letter).unwrap_or(GlyphId(0));
                signs.push(Sign { glyph: glyph.0, x });
                x += f32::from(face.glyph_hor_advance(glyph).unwrap_or(0));
            }
        }
        (signs, x)
    }

    /// How long a line is in pixels.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        self.line(text).1 * self.scale(size)
    }

    /// The outline of a sign, for who builds one; y goes up.
    pub(super) fn outline(&self, glyph: u16, builder: &mut dyn OutlineBuilder) {
        if let Some(face) = &self.face {
            face.outline_glyph(GlyphId(glyph), builder);
        }
    }

    /// The line, or as much of its beginning as there is room for.
    pub(super) fn fitting(&self, text: &str, size: f32, room: f32) -> String {
        if self.width(text, size) <= room {
            return text.to_owned();
        }
        let mut kept = text.to_owned();
        while kept.pop().is_some() {
            let shown = format!("{}…", kept.trim_end());
            if self.width(&shown, size) <= room {
                return shown;
            }
        }
        String::new()
    }

    /// The line broken between words into at most `most` lines; what is left over ends in dots.
    pub(super) fn broken(&self, text: &str, size: f32, room: f32, most: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = String::new();
        let mut words = text.split(' ').peekable();
        while let Some(word) = words.next() {
            let longer = if line.is_empty() {
                word.to_owned()
            } else {
                format!("{line} {word}")
            };
            if line.is_empty() || self.width(&longer, size) <= room {
                line = longer;
            } else if lines.len() + 1 < most {
                lines.push(std::mem::replace(&mut line, word.to_owned()));
            } else {
                line = longer;
                for word in words.by_ref() {
                    line.push(' ');
                    line.push_str(word);
                }
            }
        }
        lines.push(line);
        lines
            .iter()
            .map(|line| self.fitting(line, size, room))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_font_has_every_sign_that_a_plot_writes() {
        let font = Font::new();
        let (signs, width) = font.line("Aa09 +-.,:;%()[]/·…µ×–—äéßЖλ");
        assert!(width > 0.0);
        assert!(signs.iter().all(|sign| sign.glyph != 0), "{signs:?}");
        assert_eq!(font.line("漢").0[0].glyph, 0);
    }

    #[test]
    fn digits_are_equally_wide() {
        let font = Font::new();
        let widths = "0123456789".chars().map(|c| font.line(&c.to_string()).1);
        let widths: Vec<f32> = widths.collect();
        assert!(
            widths
                .iter()
                .all(|width| width.total_cmp(&widths[0]).is_eq())
        );
    }

    #[test]
    fn a_line_without_room_is_broken_or_cut_and_never_longer() {
        let font = Font::new();
        let text = "leak: +5.00 KiB/iter (95% CI 4.99 to 5.01), OOM at 512 MiB";
        for room in [0.0, 5.0, 40.0, 120.0, 300.0] {
            for line in font.broken(text, 13.0, room, 2) {
                assert!(font.width(&line, 13.0) <= room, "{room}: {line}");
            }
        }
        assert_eq!(font.broken(text, 13.0, 1e4, 2), [text]);
        assert_eq!(font.broken(text, 13.0, 300.0, 2).len(), 2);
    }
}
