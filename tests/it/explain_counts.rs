//! Explanations of what is no memory, in compiled programs: descriptors, threads and processes that stay.

use serde_json::Value;

use crate::support::Project;

/// Two descriptors stay, and more are opened and closed again.
const DESCRIPTORS: &str = r#"
target:
  language: c
  prelude: |
    #include <fcntl.h>
    #include <stdio.h>
    #include <unistd.h>
    static void innocent(void) {
      FILE *file = fopen("/dev/null", "r");
      int ends[2];
      if (pipe(ends) == 0) { close(ends[0]); close(ends[1]); }
      fclose(file);
    }
    static int kept(void) {
      return open("/dev/null", O_RDONLY);
    }
  run: |
    innocent();
    if (kept() < 0 || dup(1) < 0) return 1;
expect: leak
measure: {iterations: 480}
"#;

/// A thread stays, with 64 KiB on its stack, and another one ends.
const THREADS: &str = "
target:
  language: c
  prelude: |
    #include <pthread.h>
    #include <string.h>
    #include <unistd.h>
    static void *waits(void *argument) { char held[65536]; memset(held, 1, sizeof held); pause(); return held[1] ? argument : 0; }
    static void *ends(void *argument) { return argument; }
  run: |
    pthread_t thread;
    pthread_create(&thread, 0, ends, 0);
    pthread_join(thread, 0);
    pthread_create(&thread, 0, waits, 0);
expect: leak
measure: {iterations: 480}
";

/// A child is never waited for.
const CHILDREN: &str = "
target:
  language: c
  prelude: |
    #include <sys/wait.h>
    #include <unistd.h>
  run: |
    int child = fork();
    if (child == 0) _exit(0);
    waitpid(child, 0, 0);
    if (fork() == 0) _exit(0);
expect: leak
measure: {iterations: 480}
";

const RUST: &str = r#"
target:
  language: rust
  run: |
    drop(std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
    std::mem::forget(std::fs::File::open("/dev/null").unwrap());
expect: leak
measure: {iterations: 480}
"#;

/// Lines of the case that are named, with what they add an iteration and their part of the slope in per cent.
fn told(event: &Value) -> Vec<(u64, f64, f64)> {
    let round = |number: &Value| (100.0 * number.as_f64().unwrap()).round();
    let culprits = event["why"]["culprits"].as_array().unwrap();
    let one = |culprit: &Value| {
        (
            culprit["place"]["line"].as_u64().unwrap(),
            round(&culprit["blocks"]) / 100.0,
            round(&culprit["share"]),
        )
    };
    culprits.iter().map(one).collect()
}

#[test]
fn what_stays_open_or_goes_on_is_put_down_to_the_line_that_opened_or_started_it() {
    let cases = [
        ("children", CHILDREN),
        ("descriptors", DESCRIPTORS),
        ("rust", RUST),
        ("threads", THREADS),
    ];
    let project = Project::new(&cases);
    let ended = project.memcase(&["explain", "--format", "json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let events = ended.json();
    let of = |id: &str| events.iter().find(|e| e["type"] == "case" && e["id"] == id);
    assert_eq!(of("children").unwrap()["metric"], "children");
    assert_eq!(told(of("children").unwrap()), [(11, 1.0, 100.0)]);
    assert_eq!(of("descriptors").unwrap()["metric"], "fds");
    let descriptors = told(of("descriptors").unwrap());
    assert_eq!(descriptors, [(15, 1.0, 50.0), (19, 1.0, 50.0)]);
    assert_eq!(told(of("rust").unwrap()), [(6, 1.0, 100.0)]);
    // What grows is the stacks; the C library gives that of the one that ended to the next.
    let threads = of("threads").unwrap();
    assert_eq!(threads["metric"], "anon");
    let told = told(threads);
    assert_eq!((told[0].0, told[0].1), (14, 1.0), "{threads:#}");
    assert!(told[0].2 > 90.0, "{threads:#}");
}
