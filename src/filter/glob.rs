//! A glob as a regular expression: `*`, `?`, `[a-z]`, `[!a-z]`, `{one,two}`, and `\` before a sign.

/// The anchored regular expression of a glob, or why it is none. `*` matches any text, `/` too.
pub(super) fn to_pattern(glob: &str) -> Result<String, &'static str> {
    let mut pattern = String::from("(?s)^");
    let mut signs = glob.chars();
    let mut braces = 0_u32;
    while let Some(sign) = signs.next() {
        match sign {
            '*' => pattern.push_str(".*"),
            '?' => pattern.push('.'),
            '[' => set(&mut signs, &mut pattern)?,
            '{' => {
                braces += 1;
                pattern.push_str("(?:");
            }
            '}' if braces > 0 => {
                braces -= 1;
                pattern.push(')');
            }
            ',' if braces > 0 => pattern.push('|'),
            '\\' => push(&mut pattern, signs.next().ok_or("ends in a `\\`")?),
            other => push(&mut pattern, other),
        }
    }
    if braces > 0 {
        return Err("has a `{` that is not closed");
    }
    pattern.push('$');
    Ok(pattern)
}

fn set(signs: &mut std::str::Chars<'_>, pattern: &mut String) -> Result<(), &'static str> {
    const OPEN: &str = "has a `[` that is not closed";
    pattern.push('[');
    let mut first = signs.next().ok_or(OPEN)?;
    if first == '!' || first == '^' {
        pattern.push('^');
        first = signs.next().ok_or(OPEN)?;
    }
    // a `]` that stands first is meant as itself
    let mut next = first;
    loop {
        match next {
            '-' => pattern.push('-'),
            '\\' => push(pattern, signs.next().ok_or(OPEN)?),
            other => push(pattern, other),
        }
        next = signs.next().ok_or(OPEN)?;
        if next == ']' {
            pattern.push(']');
            return Ok(());
        }
    }
}

fn push(pattern: &mut String, sign: char) {
    let mut bytes = [0; 4];
    pattern.push_str(&regex::escape(sign.encode_utf8(&mut bytes)));
}
