//! Every function of the allocator, to the byte that glibc rounds it to: 8 bytes of its own, 16 at a time.

use crate::target::{Program, Target, can_compile, each, each_of, steady};

#[test]
fn what_is_handed_out_counts_with_what_glibc_adds_to_it() {
    assert_eq!(
        each("for (int k = 0; k < 1000; k++) CHECK(malloc(16));"),
        (32_000, 1000)
    );
    assert_eq!(each("CHECK(malloc(0));"), (32, 1));
    assert_eq!(each("CHECK(malloc(24));"), (32, 1));
    assert_eq!(each("CHECK(malloc(25));"), (48, 1));
    assert_eq!(each("CHECK(malloc(100));"), (112, 1));
    assert_eq!(each("CHECK(calloc(10, 10));"), (112, 1));
    assert_eq!(each("CHECK(reallocarray(0, 10, 10));"), (112, 1));
    assert_eq!(each("CHECK(strdup(\"fifteen letters\"));"), (32, 1));
}

#[test]
fn a_block_of_its_own_mapping_counts_as_the_pages_it_takes() {
    // mallopt keeps the threshold from moving when such a block is freed.
    let fixed = "mallopt(M_MMAP_THRESHOLD, 128 * 1024);";
    let each = |body| {
        each_of(Program {
            setup: fixed,
            body,
            ..Program::default()
        })
    };
    assert_eq!(each("CHECK(malloc(200 * 1024));"), (51 * 4096, 1));
    assert_eq!(each("free(malloc(200 * 1024));"), (0, 0));
    assert_eq!(
        each("free(realloc(malloc(200 * 1024), 900 * 1024));"),
        (0, 0)
    );
    assert_eq!(
        each("CHECK(realloc(malloc(200 * 1024), 900 * 1024));"),
        (226 * 4096, 1)
    );
}

#[test]
fn what_is_given_back_is_taken_off() {
    assert_eq!(each("free(malloc(100));"), (0, 0));
    assert_eq!(each("free(0);"), (0, 0));
    assert_eq!(
        each("for (int k = 1; k < 5000; k++) free(malloc(k));"),
        (0, 0)
    );
    assert_eq!(
        each("char *p = 0; CHECK(asprintf(&p, \"%d\", 5) == 1); free(p);"),
        (0, 0)
    );
}

#[test]
fn a_realloc_changes_bytes_and_makes_or_takes_a_block_at_its_ends() {
    assert_eq!(each("CHECK(realloc(NULL, 100));"), (112, 1));
    assert_eq!(each("CHECK(!realloc(malloc(100), 0));"), (0, 0));
    assert_eq!(each("CHECK(realloc(malloc(100), 1000));"), (1008, 1));
    assert_eq!(each("CHECK(realloc(malloc(1000), 100));"), (112, 1));
    assert_eq!(
        each("char *p = 0; for (int k = 1; k < 3000; k += 7) CHECK(p = realloc(p, k)); free(p);"),
        (0, 0)
    );
}

#[test]
fn what_fails_counts_as_nothing_and_leaves_the_old_block() {
    assert_eq!(
        each("CHECK(!malloc(-1UL)); CHECK(errno == ENOMEM);"),
        (0, 0)
    );
    assert_eq!(each("CHECK(!calloc(1UL << 33, 1UL << 33));"), (0, 0));
    let refused = "char *p = malloc(100); p[99] = 7; CHECK(!realloc(p, 1UL << 62)); CHECK(p[99] == 7);
                   errno = 0; CHECK(!reallocarray(p, 1UL << 33, 1UL << 33)); CHECK(errno == ENOMEM);";
    assert_eq!(each(&format!("{refused} free(p);")), (0, 0));
    assert_eq!(each(refused), (112, 1));
    assert_eq!(
        each("void *p; CHECK(posix_memalign(&p, 3, 10) == EINVAL);"),
        (0, 0)
    );
}

#[test]
fn aligned_blocks_count_as_what_they_keep() {
    for call in [
        "aligned_alloc(64, 128)",
        "memalign(64, 128)",
        "(posix_memalign(&p, 64, 128) ? 0 : p)",
        "valloc(128)",
        "pvalloc(128)",
    ] {
        let take = format!("void *p = 0; p = {call}; CHECK(p);");
        let (bytes, blocks) = {
            let mut target = Target::of(Program {
                body: &take,
                ..Program::default()
            });
            target.turn();
            let changes = target.changes(5);
            target.end();
            let least = changes.iter().map(|change| change.0).min().unwrap();
            assert!(
                changes.iter().all(|change| change.1 == 1),
                "{call}: {changes:?}"
            );
            (least, changes[0].1)
        };
        assert!(bytes >= 144 && blocks == 1, "{call}: {bytes}");
        assert_eq!(each(&format!("{take} free(p);")), (0, 0), "{call}");
        assert_eq!(
            each(&format!("{take} free(realloc(p, 5000));")),
            (0, 0),
            "{call}"
        );
    }
}

#[test]
fn all_that_is_handed_out_can_be_written_and_is_aligned() {
    let body = "for (int k = 0; k < 12; k++) {
        size_t a = (size_t) 16 << k; char *p = aligned_alloc(a, 3 * a);
        CHECK(p && !((size_t) p & (a - 1))); memset(p, 1, 3 * a); free(p);
        CHECK(!posix_memalign((void **) &p, a, k + 1) && !((size_t) p & (a - 1)));
        memset(p, 1, k + 1); free(p); }
        char *z = calloc(1000, 10); for (int k = 0; k < 10000; k++) CHECK(!z[k]); free(z);";
    assert_eq!(each(body), (0, 0));
}

#[test]
fn new_and_delete_of_cpp_count_as_what_they_call() {
    if !can_compile("g++", &[]) {
        return;
    }
    let prelude = "struct alignas(64) Line { char bytes[128]; };";
    let each = |body| {
        let program = Program {
            prelude,
            body,
            ..Program::default()
        };
        steady(Target::built(program, "g++", &["-std=c++17"]))
    };
    assert_eq!(each("new char[100];"), (112, 1));
    assert_eq!(each("delete new int; delete[] new char[1000];"), (0, 0));
    assert_eq!(each("delete new Line; delete[] new Line[4];"), (0, 0));
    assert_eq!(each("for (int k = 0; k < 1000; k++) new int;").1, 1000);
}

#[test]
fn mappings_of_the_program_are_told_apart() {
    let mut target = Target::of(Program {
        body: "char *p = mmap(0, 5000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
               CHECK(p != MAP_FAILED);
               if (i == 1) CHECK(!munmap(p, 5000));
               if (i == 2) CHECK((p = mremap(p, 8192, 5 * 4096, MREMAP_MAYMOVE)) != MAP_FAILED);
               if (i == 3) CHECK(mmap(p, 4096, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == p);
               if (i == 4) CHECK(mmap(p, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);",
        ..Program::default()
    });
    let mapped: Vec<_> = (0..5).map(|_| target.change()).collect();
    let pages = |n: i64| (0, 0, n * 4096);
    assert_eq!(mapped, [pages(2), pages(0), pages(5), pages(2), pages(2)]);
    target.end();
}

#[test]
fn large_objects_of_python_are_seen() {
    // Objects of more than 512 bytes come from malloc; bytes have 33 of their own.
    let script = "import os\nheld = [None] * 100\nos.write(4, b'\\n')\ni = 0\n\
                  while os.read(3, 1):\n    held[i] = bytes(1000)\n    i += 1\n    os.write(4, b'\\n')\n";
    let folder = tempfile::TempDir::new().unwrap();
    let launch = crate::target::launch(&["python3", "-c", script]);
    assert_eq!(steady(Target::start(&launch, folder)), (1056, 1));
}
