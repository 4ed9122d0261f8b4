//! What a person types while it is watched: whole lines, so that the terminal stays as it is.

use std::io::{self, BufRead as _, ErrorKind, IsTerminal as _};
use std::sync::mpsc::Sender;
use std::thread;

use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;

use super::Heard;

/// Listens, where a person sits in front; whether that is so.
pub fn listen(tell: Sender<Heard>) -> bool {
    let input = io::stdin();
    // Who reads the terminal from behind is stopped by it.
    let in_front = tcgetpgrp(&input).is_ok_and(|group| group == getpgrp());
    if !input.is_terminal() || !in_front {
        return false;
    }
    let listener = thread::Builder::new().name("keys".to_owned());
    let listens = listener.spawn(move || {
        for line in input.lock().lines() {
            let heard = match line {
                Ok(line) => Heard::Typed(line),
                Err(error) if error.kind() == ErrorKind::InvalidData => continue,
                Err(_) => break,
            };
            if tell.send(heard).is_err() {
                return;
            }
        }
        let _ = tell.send(Heard::InputEnded);
    });
    listens.is_ok()
}
