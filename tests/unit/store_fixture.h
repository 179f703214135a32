/* tests/unit/store_fixture.h - open a store in a new folder, and make records to put into it. */
#ifndef INSP_TESTS_STORE_FIXTURE_H
#define INSP_TESTS_STORE_FIXTURE_H

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/store/sql.h"
#include "core/store/store.h"
#include "tests/unit/harness.h"

#include <string.h>

struct fixture {
    char dir[64];
    struct insp_store *store;
    struct insp_error err;
};

static inline void fixture_open(struct fixture *f) {
    strcpy(f->dir, "/tmp/insp-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->dir));
    ck_insp_ok(insp_store_open(f->dir, INSP_DURABLE_PROCESS, &f->store, &f->err), f->err);
}

static inline void fixture_close(struct fixture *f) {
    insp_store_close(f->store);
    ck_insp_ok(insp_remove_tree(f->dir, &f->err), f->err);
}

/* A record that points at static text; id has INSP_UUID_BYTES bytes and is made here. */
static inline struct insp_record fixture_record(char *id, const char *product, bool anomaly) {
    static const float cam[14 * 14] = {[0] = 0.5f, [195] = -2.25f};
    insp_uuid7(id);
    return (struct insp_record){.id = id,
                                .product = product,
                                .model = "v1",
                                .camera = "c1",
                                .part = "",
                                .verdict = anomaly ? INSP_VERDICT_ANOMALY : INSP_VERDICT_GOOD,
                                .probability = anomaly ? 0.875f : 0.125f,
                                .threshold = 0.5f,
                                .heat_threshold = 0.7f,
                                .heat_high = 1,
                                .cam = cam,
                                .width = 640,
                                .height = 480,
                                .sha256 = "6ec9c2b0eb14010746c8bce8939303b382344b296206612eb8a907a37b2b2f37",
                                .media_type = "image/png",
                                .extension = "png",
                                .image = "pixels",
                                .image_bytes = 6,
                                .received_us = insp_wall_us(),
                                .total_us = 5000};
}

static inline void fixture_put(struct fixture *f, struct insp_record *record) {
    ck_insp_ok(insp_store_put(f->store, record, 1, &f->err), f->err);
}

/* insp_store_work: from now on no row of the audit table can be committed. A deferred foreign key fails at the
 * commit, as a full disk may. */
static inline int fixture_break_commits(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    (void)arg;
    return insp_sql_exec(
        db,
        "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
        "CREATE TABLE child (id REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);"
        "CREATE TRIGGER trap AFTER INSERT ON model_change BEGIN INSERT INTO child VALUES (1); END;",
        reterr);
}

#endif
