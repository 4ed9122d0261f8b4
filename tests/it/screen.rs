//! A terminal as small as the test needs: what a person would see in the end.

/// Lines of text and a cursor.
#[derive(Debug)]
pub(crate) struct Screen {
    width: usize,
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Screen {
    /// What is seen after all of `text`, without spaces at the ends of lines.
    pub(crate) fn after(text: &str, width: usize) -> Vec<String> {
        let mut screen = Self {
            width,
            lines: Vec::new(),
            row: 0,
            column: 0,
        };
        let mut input = text.chars().peekable();
        while let Some(c) = input.next() {
            match c {
                '\u{1b}' => {
                    assert_eq!(input.next(), Some('['), "only control sequences are known");
                    let mut number = String::new();
                    while let Some(&c) = input.peek()
                        && !c.is_ascii_alphabetic()
                    {
                        number.push(c);
                        input.next();
                    }
                    screen.control(&number, input.next().unwrap());
                }
                '\r' => screen.column = 0,
                '\n' => screen.row += 1,
                c => screen.put(c),
            }
        }
        let text = |line: Vec<char>| line.into_iter().collect::<String>().trim_end().to_owned();
        screen.lines.into_iter().map(text).collect()
    }

    fn line(&mut self) -> &mut Vec<char> {
        if self.lines.len() <= self.row {
            self.lines.resize(self.row + 1, Vec::new());
        }
        &mut self.lines[self.row]
    }

    fn put(&mut self, c: char) {
        // A full line is left only when one more character comes.
        if self.column == self.width {
            self.row += 1;
            self.column = 0;
        }
        let column = self.column;
        let line = self.line();
        if line.len() <= column {
            line.resize(column + 1, ' ');
        }
        line[column] = c;
        self.column += 1;
    }

    fn control(&mut self, number: &str, what: char) {
        let count: usize = number.parse().unwrap_or(1);
        match what {
            'A' => self.row = self.row.saturating_sub(count),
            'B' => self.row += count,
            'K' => {
                let column = self.column;
                let whole = number == "2";
                self.line().truncate(if whole { 0 } else { column });
            }
            'J' => {
                let column = self.column;
                self.line().truncate(column);
                let row = self.row;
                self.lines.truncate(row + 1);
            }
            // Colours, and the cursor's look.
            'm' | 'h' | 'l' => {}
            other => panic!("`{number}{other}` is not known"),
        }
    }
}

#[test]
fn what_is_erased_is_not_seen() {
    let seen = Screen::after(
        "one\r\nbar\r\u{1b}[2Ktwo\r\nx\u{1b}[1A\r\u{1b}[32mTWO\u{1b}[0m",
        9,
    );
    assert_eq!(seen, ["one", "TWO", "x"]);
    assert_eq!(Screen::after("123\r\u{1b}[2K4567", 3), ["456", "7"]);
}
