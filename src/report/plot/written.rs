//! A scene as the bytes of a file.

use super::layout::picture;
use super::scene::Scene;
use super::theme::Theme;
use super::{png as as_png, svg as as_svg};

/// As SVG, so many pixels wide and high where nothing scales it.
pub fn svg(scene: &Scene, theme: Theme, size: (u32, u32)) -> String {
    as_svg::svg(&picture(scene, theme, size))
}

/// As PNG, so many pixels wide and high; none where that is more than can be held.
pub fn png(scene: &Scene, theme: Theme, size: (u32, u32)) -> Option<Vec<u8>> {
    as_png::png(&picture(scene, theme, size))
}
