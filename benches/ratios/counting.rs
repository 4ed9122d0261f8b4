//! What it costs a target to be counted from inside: two targets alike, one counted, turn by turn side by side.

use std::hint::black_box;
use std::time::{Duration, Instant};

use memcase::measure::Session;
use memcase::runtime::Launch;
use tempfile::TempDir;

use super::{interpreter, options, row, this};

/// Pairs of malloc and free in one turn of a thread.
const PAIRS: u32 = 100_000;
/// Turns of each; the least time is taken, as the machine may be busy otherwise.
const TURNS: u64 = 80;
/// Tells this program, as its own target, how many threads call the allocator at each turn.
pub(super) const THREADS: &str = "RATIOS_THREADS";

const PYTHON: &str = "import json, os\n\
    text = json.dumps([{'name': 'item %d' % k, 'values': list(range(20))} for k in range(50)])\n\
    os.write(4, b'\\n')\n\
    while os.read(3, 1):\n    for _ in range(50): json.loads(text)\n    os.write(4, b'\\n')\n";

const NODE: &str = "const fs = require('fs'), byte = Buffer.alloc(1);\n\
    const text = JSON.stringify(Array.from({length: 50}, (_, k) => ({name: 'item ' + k, values: [1, 2, 3]})));\n\
    fs.writeSync(4, '\\n');\n\
    while (fs.readSync(3, byte, 0, 1, null)) {\n\
    for (let k = 0; k < 200; k++) { JSON.parse(text); Buffer.alloc(10000); Buffer.from(text); }\n\
    fs.writeSync(4, '\\n'); }\n";

/// The rows of the table.
pub(super) fn counting() {
    for threads in ["1", "2"] {
        let mut launch = launch(&[this().as_os_str()]);
        launch.env.insert(THREADS.into(), Some(threads.into()));
        let (bare, counted) = side_by_side(&launch);
        let each = |turn: Duration| turn.as_secs_f64() * 1e9 / f64::from(PAIRS);
        row(
            &format!("malloc and free of 40 bytes, {threads} thread(s) (ns a pair)"),
            &format!("{:.1}", each(bare)),
            &format!("{:.1}", each(counted)),
            each(counted) / each(bare),
            "+10 ns",
        );
    }
    let python = interpreter();
    for (what, argv) in [
        (
            "`json.loads` in Python (ms a turn)",
            [&*python, "-c", PYTHON],
        ),
        (
            "`JSON.parse` and Buffers in Node (ms a turn)",
            ["node", "-e", NODE],
        ),
    ] {
        let argv = argv.map(std::ffi::OsStr::new);
        let (bare, counted) = side_by_side(&launch(&argv));
        let ms = |turn: Duration| turn.as_secs_f64() * 1e3;
        row(
            what,
            &format!("{:.2}", ms(bare)),
            &format!("{:.2}", ms(counted)),
            ms(counted) / ms(bare),
            "1.10",
        );
    }
}

fn launch(argv: &[&std::ffi::OsStr]) -> Launch {
    Launch {
        argv: argv.iter().map(Into::into).collect(),
        cwd: "/".into(),
        ..Launch::default()
    }
}

/// The least time of a turn, without and with the library.
fn side_by_side(launch: &Launch) -> (Duration, Duration) {
    let folder = TempDir::new().expect("a folder can be made");
    let start = |launch: &Launch| {
        Session::start(launch, options(folder.path(), false)).expect("the target can be measured")
    };
    let mut counted = start(launch);
    assert_eq!(counted.trace().header.uncounted, None);
    let mut without = launch.clone();
    without.env.insert("LD_PRELOAD".into(), None);
    let mut bare = start(&without);
    let mut least = [Duration::MAX; 2];
    for turn in 1..=TURNS {
        for (session, least) in [&mut bare, &mut counted].into_iter().zip(&mut least) {
            let far = Instant::now() + Duration::from_mins(1);
            let began = Instant::now();
            session
                .advance(turn, far, &mut |_, _| {})
                .expect("it goes on");
            *least = began.elapsed().min(*least);
        }
    }
    bare.finish();
    counted.finish();
    (least[0], least[1])
}

/// One turn of the target: all threads call the allocator.
pub(super) fn allocate(threads: usize) {
    let pairs = || {
        for _ in 0..PAIRS {
            black_box(Box::new([0u8; 40]));
        }
    };
    if threads == 1 {
        return pairs();
    }
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(pairs);
        }
    });
}
