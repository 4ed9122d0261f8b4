//! Threads: few and many, at once and one after the other, and blocks that change hands.

use crate::target::{Program, Target};

const THREAD: &str = "static void *run(void *count) {
    for (long k = 0; k < (long) count; k++) CHECK(malloc(100)); return 0; }
    static pthread_t threads[1000];
    static void wait_for(int n) { for (int k = 0; k < n; k++) CHECK(!pthread_join(threads[k], 0)); }
    static void start(int n, void *(*with)(void *), long each) {
        for (int k = 0; k < n; k++) CHECK(!pthread_create(&threads[k], 0, with, (void *) each)); }";

fn of(prelude: &str, setup: &str, body: &str) -> Target {
    Target::of(Program {
        prelude: &format!("{THREAD}\n{prelude}"),
        setup,
        body,
    })
}

/// Holds that so many blocks of 100 bytes were kept. Where threads share an arena, glibc leaves no rest
/// that is smaller than a block, so that one takes 128 bytes in place of 112 now and then.
fn assert_kept((bytes, kept): (i64, i64), blocks: i64) {
    assert_eq!(kept, blocks);
    let rests = bytes - blocks * 112;
    assert!(rests % 16 == 0 && rests.abs() <= 200 * 16, "{rests}");
}

#[test]
fn the_first_thread_leaves_its_stack_in_a_cache_and_further_ones_nothing() {
    let mut target = of("", "", "start(1, run, 0); wait_for(1);");
    let (bytes, blocks) = target.changes(1)[0];
    assert!(
        (0..=1024).contains(&bytes) && (0..=1).contains(&blocks),
        "{bytes} {blocks}"
    );
    assert_eq!(target.changes(20), [(0, 0); 20]);
    target.end();
}

#[test]
fn what_threads_keep_is_exact_for_more_of_them_than_have_a_slot() {
    let mut target = of("", "", "start(200, run, 50); wait_for(200);");
    target.turn();
    for change in target.changes(5) {
        assert_kept(change, 200 * 50);
    }
    target.end();
}

#[test]
fn two_hundred_threads_at_once_are_counted_exactly() {
    // They are there before the first turn and work at each, behind barriers, so that nothing else moves.
    let mut target = of(
        "static pthread_barrier_t begin, end;
         static void *work(void *unused) { for (;;) {
             pthread_barrier_wait(&begin);
             for (int k = 0; k < 500; k++) { void *p = malloc(k); free(malloc(50)); free(p); }
             CHECK(malloc(100));
             pthread_barrier_wait(&end); } }",
        "pthread_barrier_init(&begin, 0, 201); pthread_barrier_init(&end, 0, 201); start(200, work, 0);",
        "pthread_barrier_wait(&begin); pthread_barrier_wait(&end);",
    );
    target.turn();
    for change in target.changes(10) {
        assert_kept(change, 200);
    }
    target.end();
}

#[test]
fn five_thousand_threads_one_after_the_other_are_counted_exactly() {
    let mut target = of(
        "",
        "",
        "for (int k = 0; k < 1000; k++) { start(1, run, 3); wait_for(1); }",
    );
    target.turn();
    assert_eq!(target.changes(4), [(3 * 112 * 1000, 3000); 4]);
    target.end();
}

#[test]
fn a_block_freed_by_another_thread_is_taken_off() {
    let mut target = of(
        "static void *held[1000];
         static void *give(void *unused) { for (int k = 0; k < 1000; k++) CHECK(held[k] = malloc(100)); return 0; }
         static void *take(void *unused) { for (int k = 0; k < 1000; k++) free(held[k]); return 0; }",
        "",
        "start(1, give, 0); wait_for(1); if (i % 2) { start(1, take, 0); wait_for(1); }
         else for (int k = 0; k < 1000; k++) free(held[k]);",
    );
    target.turn();
    assert_eq!(target.changes(10), [(0, 0); 10]);
    target.end();
}

#[test]
fn threads_with_the_smallest_stacks_are_counted() {
    let mut target = of(
        "static void *few(void *unused) { for (int k = 0; k < 10; k++) CHECK(malloc(100)); return 0; }",
        "",
        "pthread_attr_t small; pthread_t thread; CHECK(!pthread_attr_init(&small));
         CHECK(!pthread_attr_setstacksize(&small, 16384));
         CHECK(!pthread_create(&thread, &small, few, 0)); CHECK(!pthread_join(thread, 0));
         pthread_attr_destroy(&small);",
    );
    target.turn();
    assert_eq!(target.changes(10), [(1120, 10); 10]);
    target.end();
}

#[test]
fn a_handler_that_allocates_does_not_lose_what_it_interrupts() {
    // Where the library itself was interrupted, the allocator was not, and may be entered.
    let mut target = of(
        "#include <dlfcn.h>\n#include <time.h>\n#include <ucontext.h>
         static volatile long inside; static void *library;
         static void *owner(void *place) { Dl_info info; return dladdr(place, &info) ? info.dli_fbase : 0; }
         static void on(int number, siginfo_t *info, void *context) {
             greg_t *registers = ((ucontext_t *) context)->uc_mcontext.gregs;
             if (owner((void *) registers[REG_RIP]) == library) { CHECK(malloc(100)); inside++; } }",
        "sigset_t one; sigemptyset(&one); sigaddset(&one, SIGALRM); sigprocmask(SIG_BLOCK, &one, 0);
         library = owner(dlsym(RTLD_DEFAULT, \"malloc\"));
         struct sigaction action = {.sa_sigaction = on, .sa_flags = SA_SIGINFO}; sigaction(SIGALRM, &action, 0);
         struct itimerspec often = {{0, 20000}, {0, 20000}}; timer_t timer;
         struct sigevent alarm = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
         CHECK(!timer_create(CLOCK_MONOTONIC, &alarm, &timer)); CHECK(!timer_settime(timer, 0, &often, 0));",
        "sigprocmask(SIG_UNBLOCK, &one, 0);
         while (inside < 100 * (i + 1)) free(malloc(40));
         sigprocmask(SIG_BLOCK, &one, 0);
         while (inside < 100 * (i + 1) + 20) { CHECK(malloc(100)); inside++; }",
    );
    target.turn();
    assert_eq!(target.changes(10), [(112 * 100, 100); 10]);
}
