//! A drawing as lines, areas and words at places: what the painters of SVG and PNG both paint.

use super::theme::Colour;

/// A place in pixels, from the upper left.
pub(super) type Point = (f32, f32);

/// Left, top, width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

impl Frame {
    pub(super) fn right(self) -> f32 {
        self.left + self.width
    }

    pub(super) fn bottom(self) -> f32 {
        self.top + self.height
    }

    pub(super) fn meets(self, other: Self) -> bool {
        self.left < other.right()
            && other.left < self.right()
            && self.top < other.bottom()
            && other.top < self.bottom()
    }
}

/// A colour that what lies below may shine through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Paint {
    pub(super) colour: Colour,
    pub(super) opacity: f32,
}

/// Where words stand about their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    /// How much of a line of this length lies before its place.
    pub(super) fn before(self, length: f32) -> f32 {
        match self {
            Self::Start => 0.0,
            Self::Middle => length / 2.0,
            Self::End => length,
        }
    }
}

/// One thing that is painted.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Area {
        points: Vec<Point>,
        paint: Paint,
    },
    Line {
        points: Vec<Point>,
        paint: Paint,
        width: f32,
        /// Lengths of a dash and of the gap behind it.
        dash: Option<(f32, f32)>,
    },
    Dots {
        places: Vec<Point>,
        paint: Paint,
        radius: f32,
    },
    Words {
        text: String,
        at: Point,
        anchor: Anchor,
        size: f32,
        colour: Colour,
        /// Whether they are read upwards.
        upwards: bool,
    },
}

/// All of it, in the order in which it is painted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Picture {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) ground: Colour,
    pub(super) title: String,
    /// All that is shown, in sentences.
    pub(super) told: String,
    /// Where curves are shown; what leaves it is cut off.
    pub(super) frame: Frame,
    pub(super) behind: Vec<Item>,
    /// What is cut off at the frame.
    pub(super) inside: Vec<Item>,
    pub(super) before: Vec<Item>,
}
