//! Dots in the cells of a terminal: eight a cell in braille, or one sign a cell.

use super::scene::Place;

/// Dots of a cell, across and down.
const ACROSS: usize = 2;
const DOWN: usize = 4;

/// Who drew a cell last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ink {
    /// The number of a terminal's colour; none for its own.
    pub(super) colour: Option<u8>,
    /// What stands for it where there is no braille.
    pub(super) sign: char,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    dots: u8,
    ink: Option<Ink>,
}

/// Cells in rows, from the top.
#[derive(Debug)]
pub(super) struct Canvas {
    columns: usize,
    rows: usize,
    cells: Vec<Cell>,
}

impl Canvas {
    pub(super) fn new(columns: usize, rows: usize) -> Self {
        let cell = Cell { dots: 0, ink: None };
        Self {
            columns,
            rows,
            cells: vec![cell; columns * rows],
        }
    }

    /// How many dots there are across.
    pub(super) fn across(&self) -> usize {
        self.columns * ACROSS
    }

    /// A dot at a share of the width and the height, from the lower left; outside there is none.
    fn dot(&mut self, (x, y): (i64, i64), ink: Ink) {
        let (across, down) = (self.across() as i64, (self.rows * DOWN) as i64);
        if !(0..across).contains(&x) || !(0..down).contains(&y) {
            return;
        }
        let (x, y) = (x as usize, y as usize);
        let bit = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]][x % ACROSS][y % DOWN];
        let cell = &mut self.cells[y / DOWN * self.columns + x / ACROSS];
        cell.dots |= bit;
        cell.ink = Some(ink);
    }

    fn place(&self, (x, y): Place) -> (i64, i64) {
        let (across, down) = (self.across() as f64, (self.rows * DOWN) as f64);
        // Far outside is outside, and a line to there has an end.
        let (x, y) = (x.clamp(-2.0, 3.0), y.clamp(-2.0, 3.0));
        (
            (x * (across - 1.0)).round() as i64,
            ((1.0 - y) * (down - 1.0)).round() as i64,
        )
    }

    /// A dot for each of the places, in shares of the width and the height from the lower left.
    pub(super) fn dots(&mut self, places: &[Place], ink: Ink) {
        for place in places {
            self.dot(self.place(*place), ink);
        }
    }

    /// A line through the places, of which each `every`th dot is set.
    pub(super) fn line(&mut self, places: &[Place], every: i64, ink: Ink) {
        self.dots(places.get(..1).unwrap_or_default(), ink);
        for pair in places.windows(2) {
            let (from, to) = (self.place(pair[0]), self.place(pair[1]));
            let (across, down) = (to.0 - from.0, to.1 - from.1);
            let steps = across.abs().max(down.abs());
            for step in 0..=steps {
                let share =
                    |whole: i64| (whole * step * 2 + steps * whole.signum()) / (2 * steps).max(1);
                if step % every == 0 || (step == steps && every == 1) {
                    self.dot((from.0 + share(across), from.1 + share(down)), ink);
                }
            }
        }
    }

    /// One row as runs of signs of the same ink.
    pub(super) fn row(&self, row: usize, braille: bool) -> Vec<(Option<Ink>, String)> {
        let mut runs: Vec<(Option<Ink>, String)> = Vec::new();
        for cell in &self.cells[row * self.columns..(row + 1) * self.columns] {
            let sign = match cell.ink {
                None => ' ',
                Some(_) if braille => char::from_u32(0x2800 + u32::from(cell.dots)).unwrap_or(' '),
                Some(ink) => ink.sign,
            };
            match runs.last_mut() {
                Some((ink, signs)) if *ink == cell.ink => signs.push(sign),
                _ => runs.push((cell.ink, sign.to_string())),
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INK: Ink = Ink {
        colour: None,
        sign: '*',
    };

    fn text(canvas: &Canvas, braille: bool) -> Vec<String> {
        let row = |row| {
            canvas
                .row(row, braille)
                .into_iter()
                .map(|run| run.1)
                .collect()
        };
        (0..canvas.rows).map(row).collect()
    }

    #[test]
    fn a_rising_line_goes_from_corner_to_corner() {
        let mut canvas = Canvas::new(4, 2);
        canvas.line(&[(0.0, 0.0), (1.0, 1.0)], 1, INK);
        assert_eq!(text(&canvas, true), ["  ⡠⠊", "⡠⠊  "]);
        assert_eq!(text(&canvas, false), ["  **", "**  "]);
    }

    #[test]
    fn what_is_outside_leaves_no_dot_and_takes_no_time() {
        let mut canvas = Canvas::new(3, 1);
        canvas.line(&[(0.5, 1e300), (0.5, f64::MAX)], 1, INK);
        canvas.dots(&[(-1.0, 0.5), (2.0, 0.5), (0.5, -0.5)], INK);
        assert_eq!(text(&canvas, true), ["   "]);
    }
}
