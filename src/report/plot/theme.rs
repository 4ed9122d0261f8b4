//! Colours: told apart by those who do not see all of them, on light and on dark ground.

/// Red, green and blue.
pub(super) type Colour = [u8; 3];

/// What the ground is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// Dark ink on white.
    #[default]
    Light,
    /// Light ink on dark.
    Dark,
}

/// So many curves have colours of their own.
pub(super) const CURVES: usize = 6;

/// The colours of a theme.
#[derive(Debug)]
pub(super) struct Colours {
    pub(super) ground: Colour,
    /// Words.
    pub(super) ink: Colour,
    /// Words that matter less, and the frame.
    pub(super) faint: Colour,
    pub(super) grid: Colour,
    /// What was not judged.
    pub(super) shade: Colour,
    /// Limits, and processes that ended at them.
    pub(super) limit: Colour,
    /// Curves, in their order.
    pub(super) curves: [Colour; CURVES],
}

const LIGHT: Colours = Colours {
    ground: [255, 255, 255],
    ink: [28, 30, 33],
    faint: [92, 97, 105],
    grid: [226, 229, 233],
    shade: [243, 244, 246],
    limit: [176, 0, 32],
    curves: [
        [0, 104, 233],
        [142, 29, 0],
        [46, 122, 76],
        [203, 108, 162],
        [110, 140, 0],
        [82, 8, 98],
    ],
};

const DARK: Colours = Colours {
    ground: [22, 24, 29],
    ink: [236, 238, 241],
    faint: [160, 167, 176],
    grid: [52, 56, 64],
    shade: [30, 33, 39],
    limit: [255, 107, 107],
    curves: [
        [106, 138, 255],
        [225, 96, 1],
        [5, 137, 109],
        [255, 196, 52],
        [185, 180, 182],
        [233, 255, 242],
    ],
};

impl Theme {
    pub(super) fn colours(self) -> &'static Colours {
        match self {
            Self::Light => &LIGHT,
            Self::Dark => &DARK,
        }
    }
}

impl Colours {
    pub(super) fn curve(&self, number: usize) -> Colour {
        self.curves[number % self.curves.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, as the accessibility guidelines of the web have it.
    fn luminance(colour: Colour) -> f64 {
        let linear = colour.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    fn contrast(a: Colour, b: Colour) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn words_and_curves_stand_out_from_the_ground() {
        for theme in [Theme::Light, Theme::Dark] {
            let colours = theme.colours();
            for words in [colours.ink, colours.faint, colours.limit] {
                assert!(
                    contrast(words, colours.ground) >= 4.5,
                    "{theme:?} {words:?}"
                );
                assert!(contrast(words, colours.shade) >= 4.5, "{theme:?} {words:?}");
            }
            for curve in colours.curves {
                assert!(contrast(curve, colours.shade) >= 3.0, "{theme:?} {curve:?}");
            }
        }
    }

    /// As it looks without the cones for red, for green, for blue (Machado and others, 2009, whole).
    fn seen(colour: Colour, by: usize) -> [f64; 3] {
        const MATRICES: [[[f64; 3]; 3]; 3] = [
            [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
            [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
            [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
        ];
        MATRICES[by].map(|row| {
            let parts = row.iter().zip(colour);
            parts.map(|(of, part)| of * f64::from(part)).sum()
        })
    }

    #[test]
    fn curves_are_told_apart_without_the_cones_for_any_colour() {
        for theme in [Theme::Light, Theme::Dark] {
            let curves = theme.colours().curves;
            for by in 0..3 {
                for (k, a) in curves.iter().enumerate() {
                    for b in &curves[..k] {
                        let (a, b) = (seen(*a, by), seen(*b, by));
                        let apart: f64 = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum();
                        assert!(apart.sqrt() > 80.0, "{theme:?} {by}: {a:?} {b:?}");
                    }
                }
            }
        }
    }
}
