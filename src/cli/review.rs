//! `memcase review`: waiting results one by one, with the keys of `cargo insta review`.

use std::io;

use console::{Key, Term};

use super::CliError;
use super::baseline_args::PendingArgs;
use super::baselines::{Waiting, fault, say, select};
use crate::baseline::store::Pending;
use crate::outcome::ExitCode;
use crate::report::described;

/// What a person says to a waiting result.
enum Answer {
    Accept,
    Reject,
    Skip,
    Leave,
}

/// `memcase review`.
pub(super) fn review(args: &PendingArgs) -> Result<ExitCode, CliError> {
    let Waiting {
        pending,
        unreadable,
    } = select(args)?;
    for one in &unreadable {
        say(&one.note())?;
    }
    if pending.is_empty() {
        let other = if unreadable.is_empty() { "" } else { "other " };
        say(&format!("no {other}snapshot is pending"))?;
        return Ok(ExitCode::AsClaimed);
    }
    let terminal = Term::stdout();
    if !terminal.is_term() {
        return Err(CliError::Usage(
            "`memcase review` asks on a terminal, and there is none; `memcase pending` lists what waits, `memcase accept` and `memcase reject` take filters".to_owned(),
        ));
    }
    let (mut accepted, mut rejected, mut skipped) = (0, 0, 0);
    for (index, one) in pending.iter().enumerate() {
        let left = pending.len() - index;
        match ask(&terminal, one, (index + 1, pending.len())).map_err(CliError::Output)? {
            Answer::Accept => {
                one.accept().map_err(|error| fault(&error))?;
                accepted += 1;
            }
            Answer::Reject => {
                one.reject().map_err(|error| fault(&error))?;
                rejected += 1;
            }
            Answer::Skip => skipped += 1,
            Answer::Leave => {
                skipped += left;
                break;
            }
        }
    }
    say(&format!(
        "{accepted} accepted, {rejected} rejected, {skipped} still pending"
    ))?;
    Ok(ExitCode::AsClaimed)
}

fn ask(terminal: &Term, one: &Pending, (index, of): (usize, usize)) -> io::Result<Answer> {
    terminal.write_line(&format!("\n[{index}/{of}] {} ({})", one.id, one.platform))?;
    let comparison = one.comparison();
    for line in described(one.before.as_ref(), &one.now, comparison.as_ref()).lines() {
        terminal.write_line(line)?;
    }
    terminal.write_line("  a accept   r reject   s skip   q leave")?;
    loop {
        let answer = match terminal.read_key()? {
            Key::Char('a' | 'A') | Key::Enter => Answer::Accept,
            Key::Char('r' | 'R') | Key::Escape => Answer::Reject,
            Key::Char('s' | 'S' | ' ') => Answer::Skip,
            Key::Char('q' | 'Q') | Key::CtrlC => Answer::Leave,
            _ => continue,
        };
        return Ok(answer);
    }
}
